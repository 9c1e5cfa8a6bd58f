import type { ClusterMember } from '../membership/cluster.ts';
import { allMembers, ringMembers, type Topology } from '../membership/topology.ts';
import type { NodeName } from '../ports/outbox.ts';
import { Peer } from '../replication/peer.ts';
import type { PeeredRing, Rings } from '../replication/rings.ts';
import type { RingCache } from './ring-cache.ts';

/** Who the members are at an epoch, and the rings that they make up. */
export interface MembersAt {
  readonly rings: Rings;
  /** Sorted by name. */
  readonly peers: readonly Peer[];
  readonly byName: ReadonlyMap<NodeName, Peer>;
}

/** The members of the cluster as peers, one object for each as long as it is one, and the rings that they make up. */
export class Members {
  readonly #self: Peer;
  readonly #cache: RingCache;
  #now: MembersAt;

  constructor(self: Peer, topology: Topology, cache: RingCache) {
    this.#self = self;
    this.#cache = cache;
    this.#now = this.#membersAt(topology, new Map());
  }

  get rings(): Rings {
    return this.#now.rings;
  }

  /** Sorted by name. */
  get peers(): readonly Peer[] {
    return this.#now.peers;
  }

  peerOf(name: NodeName): Peer | undefined {
    return this.#now.byName.get(name);
  }

  /** Those that are no members any more at this epoch. */
  goneIn(topology: Topology): readonly Peer[] {
    const names = new Set(allMembers(topology).map(({ name }) => name));
    return this.peers.filter(peer => !names.has(peer.name) && !peer.isSelf);
  }

  /** The members at the next epoch, as they will be when they are followed. */
  next(topology: Topology): MembersAt {
    return this.#membersAt(topology, this.#now.byName);
  }

  /** Takes these for the members. @param next follows the present ones. */
  follow(next: MembersAt): void {
    this.#now = next;
  }

  #membersAt(topology: Topology, known: ReadonlyMap<NodeName, Peer>): MembersAt {
    const { epoch, members, change } = topology;
    const peers = allMembers(topology).map(({ name }) => this.#peerFor(name, known));
    const byName = new Map(peers.map(peer => [peer.name, peer]));
    const ringOf = (list: readonly ClusterMember[]) => this.#ringOf(list, byName);
    const [now, next] = [ringOf(members), change && ringOf(change.members)];
    const isPassing = change?.phase === 'pass';
    const rings: Rings = {
      epoch,
      phase: change?.phase ?? 'settled',
      isAlone: peers.length === 1,
      lost: new Set(peers.filter(({ name }) => change?.lost.includes(name))),
      owners: isPassing ? next! : now,
      other: isPassing ? now : next,
    };
    return { rings, peers, byName };
  }

  #ringOf(list: readonly ClusterMember[], byName: ReadonlyMap<NodeName, Peer>): PeeredRing {
    const ring = this.#cache.ringOf(ringMembers(list));
    const names = new Map(list.map(({ name, place }) => [place, name]));
    return { ring, peers: ring.members.map(member => byName.get(names.get(member.name)!)!) };
  }

  #peerFor(name: NodeName, known: ReadonlyMap<NodeName, Peer>): Peer {
    if (name === this.#self.name) return this.#self;
    return known.get(name) ?? new Peer(name, false);
  }
}

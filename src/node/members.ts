import type { ClusterMember } from '../membership/cluster.ts';
import { allMembers, ringMembers, type Topology } from '../membership/topology.ts';
import type { NodeName } from '../ports/outbox.ts';
import { Peer } from '../replication/peer.ts';
import type { PeeredRing, Rings } from '../replication/placement.ts';
import { Ring } from '../ring/ring.ts';

/** The rings made lately. A ring follows from its member list alone, so all nodes of a process, as in the simulator, share them. */
const RINGS = new Map<string, Ring>();
const MAX_RINGS = 6;

/** The members of the cluster as peers, one object for each as long as it is one, and the rings that they make up. */
export class Members {
  readonly #self: Peer;
  #byName: ReadonlyMap<NodeName, Peer> = new Map();
  #peers: readonly Peer[] = [];
  /** The rings of the epoch, by what they are made of: the next epoch mostly has the same. */
  #rings: ReadonlyMap<string, PeeredRing> = new Map();

  constructor(self: Peer) {
    this.#self = self;
  }

  /** Sorted by name. */
  get peers(): readonly Peer[] {
    return this.#peers;
  }

  peerOf(name: NodeName): Peer | undefined {
    return this.#byName.get(name);
  }

  /** Those that are no members any more at this epoch. */
  goneIn(topology: Topology): readonly Peer[] {
    const names = new Set(allMembers(topology).map(({ name }) => name));
    return this.#peers.filter(peer => !names.has(peer.name) && !peer.isSelf);
  }

  /** Takes these members for what there are, and makes their rings. */
  follow(topology: Topology): Rings {
    const { epoch, members, change } = topology;
    const all = allMembers(topology);
    const peers = all.map(({ name }) => this.#peerFor(name));
    this.#peers = peers;
    this.#byName = new Map(peers.map(peer => [peer.name, peer]));
    const before = this.#rings;
    const rings = new Map<string, PeeredRing>();
    const ringOf = (list: readonly ClusterMember[]): PeeredRing => {
      const key = JSON.stringify(list.map(({ name, place, zone, weight }) => [name, place, zone, weight]));
      const ring = rings.get(key) ?? before.get(key) ?? this.#makeRing(key, list);
      rings.set(key, ring);
      return ring;
    };
    const [now, next] = [ringOf(members), change && ringOf(change.members)];
    this.#rings = rings;
    const isPassing = change?.phase === 'pass';
    return {
      epoch,
      phase: change?.phase ?? 'settled',
      isAlone: all.length === 1,
      lost: new Set(peers.filter(({ name }) => change?.lost.includes(name))),
      owners: isPassing ? next! : now,
      other: isPassing ? now : next,
    };
  }

  #peerFor(name: NodeName): Peer {
    if (name === this.#self.name) return this.#self;
    return this.#byName.get(name) ?? new Peer(name, false);
  }

  #makeRing(key: string, list: readonly ClusterMember[]): PeeredRing {
    const ring = RINGS.get(key) ?? new Ring(ringMembers(list));
    RINGS.delete(key);
    RINGS.set(key, ring);
    if (RINGS.size > MAX_RINGS) RINGS.delete(RINGS.keys().next().value!);
    const names = new Map(list.map(({ name, place }) => [place, name]));
    return { ring, peers: ring.members.map(member => this.#byName.get(names.get(member.name)!)!) };
  }
}

import { nodeOfActor } from '../clock/actors.ts';
import type { ServerMoves, ServerNode } from '../commands/server.ts';
import type { Steps } from '../lib/steps.ts';
import { clusterMember } from '../membership/cluster.ts';
import type { NamedActor } from '../membership/founding-messages.ts';
import type { Member } from '../membership/member.ts';
import { isMember, isSameMember, STALE, type Topology, targetOf } from '../membership/topology.ts';
import type { Log } from '../ports/log.ts';
import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import { type RequestDone, TopologyAgent } from '../topology/agent.ts';
import type { TopologyCommand } from '../topology/commands.ts';
import type { TopologyMessage } from '../topology/messages.ts';
import { Pace } from '../topology/pace.ts';
import type { GroupDisk } from '../topology/placement-group.ts';
import type { Cluster } from './cluster.ts';

export interface RingChangesPorts {
  readonly random: Random;
  readonly log: Log;
  /** Where this node keeps its part in the placement group, if it is durable. */
  readonly groupDisk?: GroupDisk | undefined;
  send(to: NodeName, message: TopologyMessage): boolean;
  /** What membership believes of a member. */
  memberOf(name: NodeName): Member | undefined;
  /** What this node says of itself. */
  identity(): PeerIdentity;
  /** The cluster goes by this topology now. */
  adopted(topology: Topology): void;
  monotonicMs(): number;
}

/**
 * So many steps towards an epoch are taken in one turn of the event loop, and none after so long, in monotonic milliseconds: clients wait
 * meanwhile.
 */
const STEPS_AT_ONCE = 16;
const STEPS_MS = 2;

/** Nodes that are being asked for, and that are known not to be let in until they ask again. */
const MAX_ASKING = 32;

/** How this node and its cluster take part in changes of the ring: who joins, who leaves, and what this node asks for itself. */
export class RingChanges {
  readonly agent: TopologyAgent;
  readonly #self: PeerIdentity;
  readonly #cluster: Cluster;
  readonly #ports: RingChangesPorts;
  /** Nodes that the placement group is being asked to let in. */
  readonly #asking = new Set<NodeName>();
  /** Why nodes that asked to join were refused, by name. */
  readonly #refusals = new Map<NodeName, string>();
  readonly #pace = new Pace();
  /** The epoch that this node gets ready for; no steps are left when it is ready and has yet to go by it. */
  #next: { readonly topology: Topology; steps: Steps<void> | undefined } | undefined;
  #hasLeft = false;
  #wasDropped = false;
  /** The member list is about to be told something else of this node. */
  #isCorrecting = false;

  constructor(self: PeerIdentity, topology: Topology, cluster: Cluster, ports: RingChangesPorts) {
    this.#self = self;
    this.#cluster = cluster;
    this.#ports = ports;
    this.agent = new TopologyAgent(self.actor, topology, {
      random: ports.random,
      groupDisk: ports.groupDisk,
      send: (to, message) => ports.send(to, message),
      actorOf: name => this.#actorOf(name),
      isGone: actor => this.#isGone(actor),
      mustMerge: () => cluster.arrivers(),
      mayEnd: turned => cluster.mayEnd(turned),
      progress: () => ({ name: self.name, ...cluster.progress() }),
      learned: topology => this.#learned(topology),
      adopted: topology => this.#adopted(topology),
      monotonicMs: () => ports.monotonicMs(),
    });
  }

  /** Whether this node was a member of the cluster, and is no more; asked for every operation. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Why this node has to end: others let it go, and it had no time to hand over what it had, or was only about to join. */
  get droppedBecause(): string | undefined {
    return this.#wasDropped
      ? 'it was taken off the ring while it could not be reached: start it again to join anew'
      : undefined;
  }

  /** Takes part in founding the placement group, if this node founded the cluster together with these. */
  found(founders: readonly NamedActor[]): void {
    const zones = new Map(this.agent.topology.members.map(({ name, zone }) => [name, zone]));
    this.agent.found(founders.map(([name, actor]) => ({ name, id: actor, zone: zones.get(name) ?? '' })));
  }

  /** What the ring has to do with the node now. */
  placeOf(name: NodeName): ServerNode['ring'] {
    const { members, change, departing } = this.agent.topology;
    const has = (list: readonly { readonly name: NodeName }[]) => list.some(member => member.name === name);
    if (has(departing)) return 'departing';
    if (!has(members)) return change !== undefined && has(change.members) ? 'joining' : 'none';
    return change === undefined || has(change.members) ? 'member' : 'leaving';
  }

  /** How far the member is, as the leader of the placement group has last told; undefined while nothing moves. */
  movesOf(name: NodeName): ServerMoves | undefined {
    const progress = this.agent.progress.find(each => each.name === name);
    if (progress === undefined) return undefined;
    const { left, all, leftovers, bytes } = progress;
    const secondsLeft = this.#pace.secondsLeft(name, left, this.#ports.monotonicMs());
    return { slotsToMerge: left, slotsOfAll: all, slotsToHandOver: leftovers, bytes, secondsLeft };
  }

  /** To be called every few tens of milliseconds: gets on with what the next epoch takes, and goes by it when that is done. */
  getReady(): void {
    if (this.#next === undefined) return;
    if (this.#next.steps === undefined) this.agent.meet();
    else this.#takeSteps(STEPS_AT_ONCE);
  }

  /** To be called every 100 ms. */
  tick(): void {
    this.agent.tick();
    this.#pace.note(this.agent.topology.epoch, this.agent.progress, this.#ports.monotonicMs());
    this.#keepEntryRight();
  }

  /** Hands on what this node, or another member, has, and takes it off the ring. `done` tells when that is decided, not when it is over. */
  leave(name: NodeName, done: RequestDone): void {
    this.#ask({ type: 'leave', name, epoch: this.agent.topology.epoch }, done);
  }

  /** Takes a member off the ring that is gone for good. */
  forget(name: NodeName, done: RequestDone): void {
    if (this.#actorOf(name) !== undefined) return done(`${name} is alive: let it leave, or stop it first`);
    this.#ask({ type: 'forget', name, epoch: this.agent.topology.epoch }, done);
  }

  #ask(command: TopologyCommand, done: RequestDone): void {
    if (this.#hasLeft) done('this node has left the cluster');
    else this.agent.request(command, done);
  }

  /** @returns why the node is not let in, as far as is known; until the placement group has said so, nothing. */
  letJoin(peer: PeerIdentity, replaces: NodeName | undefined): string | undefined {
    const { name } = peer;
    const reason = this.#refusals.get(name);
    this.#refusals.delete(name);
    if (replaces !== undefined && this.#actorOf(replaces) !== undefined)
      return `${replaces} is alive, so ${name} cannot take its place`;
    if (reason === undefined && !this.#asking.has(name) && this.#asking.size < MAX_ASKING) {
      this.#asking.add(name);
      this.agent.request(this.#joinOf(peer, replaces), error => {
        this.#asking.delete(name);
        const isRefused = error !== undefined && error !== STALE;
        if (isRefused && this.#refusals.size < MAX_ASKING) this.#refusals.set(name, error);
      });
    }
    return reason;
  }

  #joinOf(peer: PeerIdentity, replaces: NodeName | undefined): TopologyCommand {
    return { type: 'join', member: clusterMember(peer), replaces, epoch: this.agent.topology.epoch };
  }

  #learned(topology: Topology): void {
    if (this.#next !== undefined) return;
    this.#next = { topology, steps: this.#cluster.prepare(topology) };
    // Where the rings stay the same there is nothing to get ready for.
    this.#takeSteps(1);
  }

  #takeSteps(most: number): void {
    const { topology, steps } = this.#next!;
    const endMs = this.#ports.monotonicMs() + STEPS_MS;
    for (let left = most; left > 0; left--) {
      if (steps!.next().done === true) {
        this.#next!.steps = undefined;
        return this.agent.ready(topology);
      }
      if (this.#ports.monotonicMs() >= endMs) return;
    }
  }

  #adopted(topology: Topology): void {
    const { name } = this.#self;
    this.#hasLeft = !isMember(topology, name);
    this.#wasDropped = this.#hasLeft && !this.#cluster.topology.departing.some(member => member.name === name);
    this.#cluster.adopt(topology);
    for (const peer of this.#cluster.peers) {
      const member = this.#ports.memberOf(peer.name);
      if (!peer.isSelf && member !== undefined) peer.believe(member);
    }
    this.#ports.adopted(topology);
    this.#tell(topology);
    this.#next = undefined;
    const { latest } = this.agent;
    if (latest !== topology) this.#learned(latest);
  }

  #tell({ epoch, members, change, departing }: Topology): void {
    const names = (list: readonly { readonly name: NodeName }[]) => list.map(({ name }) => name);
    this.#ports.log.info('the ring is at a new epoch', {
      epoch,
      members: names(members),
      ...(change && { phase: change.phase, turnsInto: names(change.members) }),
      ...(departing.length > 0 && { departing: names(departing) }),
    });
    if (this.hasLeft) this.#ports.log.warn('this node has left the cluster', { epoch });
  }

  /** The process that bears the name, if it is held to be alive. */
  #actorOf(name: NodeName): string | undefined {
    if (name === this.#self.name) return this.#self.actor;
    const member = this.#ports.memberOf(name);
    return member?.status === 'alive' || member?.status === 'suspect' ? member.actor : undefined;
  }

  /** Whether the process has ended, as membership knows: another bears its name, or it has said goodbye. */
  #isGone(actor: string): boolean {
    const member = this.#ports.memberOf(nodeOfActor(actor));
    if (actor === this.#self.actor || member === undefined || member.status === 'unknown') return false;
    return member.actor !== actor || member.status === 'left';
  }

  /** What the member list says of this node follows from its own settings, which may have changed since it was last here. */
  #keepEntryRight(): void {
    if (this.#isCorrecting) return;
    const own = clusterMember(this.#ports.identity());
    const entry = targetOf(this.agent.latest).find(({ name }) => name === own.name);
    if (entry === undefined || isSameMember(entry, { ...own, place: entry.place })) return;
    this.#isCorrecting = true;
    this.agent.request(this.#joinOf(this.#ports.identity(), undefined), () => {
      this.#isCorrecting = false;
    });
  }
}

import type { Actors } from '../clock/actors.ts';
import { HybridClock, NO_STAMP } from '../clock/hybrid-clock.ts';
import { assert } from '../lib/assert.ts';
import { allAtOnce, type Steps } from '../lib/steps.ts';
import type { ClusterIdentity } from '../membership/cluster.ts';
import { isSameRing, type Topology } from '../membership/topology.ts';
import type { NodeName } from '../ports/outbox.ts';
import { AntiEntropy } from '../replication/anti-entropy.ts';
import type { ClockGuard } from '../replication/clock-guard.ts';
import { CollectingReplica } from '../replication/collecting-replica.ts';
import { Coordinator } from '../replication/coordinator.ts';
import type { ReplicationCounters } from '../replication/counters.ts';
import { EarlyMessages } from '../replication/early-messages.ts';
import { Fence } from '../replication/fence.ts';
import { Forwarder } from '../replication/forwarder.ts';
import { HintReplay } from '../replication/hint-replay.ts';
import { Hints } from '../replication/hints.ts';
import { Housekeeper } from '../replication/housekeeper.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import { Leftovers } from '../replication/leftovers.ts';
import type { KeyOperation } from '../replication/operation.ts';
import { Peer } from '../replication/peer.ts';
import { Placement } from '../replication/placement.ts';
import { type HeldBack, Quarantine } from '../replication/quarantine.ts';
import { RecordCodec } from '../replication/record-codec.ts';
import { Replica } from '../replication/replica.ts';
import { absorb, type ReplicationContext } from '../replication/replication-context.ts';
import { StandIn } from '../replication/stand-in.ts';
import { Survey } from '../replication/survey.ts';
import { TombstoneCollector } from '../replication/tombstone-collector.ts';
import type { Ring } from '../ring/ring.ts';
import type { OutcomeSink } from '../store/outcome.ts';
import { NEVER } from '../store/record.ts';
import type { NodeStorage } from './disk/node-storage.ts';
import { makeKeyspaces } from './make-keyspaces.ts';
import { Members, type MembersAt } from './members.ts';
import { Codecs, MessageRouter } from './message-router.ts';
import type { NodeOptions, NodePorts } from './node-options.ts';
import type { OperationRunner } from './session-keys.ts';

/** The clock is one that is judged. */
export interface ClusterPorts extends NodePorts {
  readonly clock: ClockGuard;
  readonly storage?: NodeStorage | undefined;
  /** A peer's message is of another ring epoch than this node's. */
  sawEpoch(from: Peer, epoch: number): void;
}

/** What a later epoch comes to, worked out before it is in force. */
interface PreparedEpoch {
  readonly topology: Topology;
  /** In force meanwhile. */
  readonly follows: Topology;
  readonly members: MembersAt;
  /** By N; none where the rings stay the same. */
  readonly placements: ReadonlyMap<number | 'all', Placement>;
}

/**
 * A founded cluster as one of its members runs it: the ring, the keyspaces and the parts that replicate them, made when the cluster
 * becomes known, and taken on from one epoch of the ring to the next. Routes clients' operations to this node or another.
 */
export class Cluster implements OperationRunner {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly self: Peer;
  readonly keyspaces: ReadonlyMap<number, Keyspace>;
  readonly context: ReplicationContext;
  readonly forwarder: Forwarder;
  readonly coordinator: Coordinator;
  readonly antiEntropy: AntiEntropy;
  readonly hints: Hints;
  readonly standIn: StandIn;
  readonly leftovers: Leftovers;
  readonly collector: TombstoneCollector;
  readonly survey: Survey;
  readonly #fence: Fence;
  readonly #hintReplay: HintReplay;
  readonly #early = new EarlyMessages();
  readonly #router: MessageRouter;
  readonly #housekeepers: readonly Housekeeper[];
  readonly #members: Members;
  readonly #clock: NodePorts['clock'];
  #topology: Topology;
  /** What `prepare` has come to last. */
  #prepared: PreparedEpoch | undefined;

  constructor(
    identity: ClusterIdentity,
    options: NodeOptions,
    ports: ClusterPorts,
    actor: string,
    actors: Actors,
    counters: ReplicationCounters,
  ) {
    this.id = identity.id;
    this.#clock = ports.clock;
    this.self = new Peer(options.name, true);
    this.#members = new Members(this.self, identity.topology, ports.rings);
    this.#topology = identity.topology;
    this.keyspaces = makeKeyspaces(options, this.#members.rings, identity.hashKey, actors, ports.storage);
    const codecs = new Codecs(new RecordCodec(actors));
    this.context = this.#makeContext(ports, options, actor, actors, counters, codecs);
    const hasten = (peer: Peer): void => this.antiEntropy.hasten(peer);
    this.hints = new Hints(this.context, options.hints, ports.log, hasten);
    this.#hintReplay = new HintReplay(this.context, this.hints, codecs.hint, options.hints.replayRate);
    this.standIn = new StandIn(this.context, this.hints);
    this.coordinator = new Coordinator(this.context, this.hints, codecs.hint, (keyspace, operation, sink) =>
      this.forwarder.forward(keyspace, operation, sink),
    );
    this.forwarder = new Forwarder(this.context, this.coordinator, codecs.forward);
    this.#housekeepers = [...this.keyspaces.values()].map(keyspace => new Housekeeper(keyspace, ports.clock));
    this.antiEntropy = new AntiEntropy(this.context, codecs.sync, options.antiEntropy);
    this.leftovers = new Leftovers(this.context, this.antiEntropy);
    this.survey = new Survey(this.context, codecs.survey);
    this.#fence = new Fence(this.context, codecs.collection, {
      leastStamp: () =>
        this.leftovers.any ? NO_STAMP : Math.min(this.coordinator.leastUndeliveredStamp(), this.#early.leastStamp()),
      vouch: upTo => {
        this.standIn.vouch(upTo);
        this.#early.vouch(upTo);
      },
      whenDropped: done => (ports.storage === undefined ? done() : ports.storage.whenDurable(done)),
    });
    const collectingReplica = new CollectingReplica(this.context, codecs.collection, this.#fence);
    this.collector = new TombstoneCollector(this.context, codecs.collection, collectingReplica, options.collection);
    const own = { replica: new Replica(this.context, codecs.hint), hintReplay: this.#hintReplay, fence: this.#fence };
    const { coordinator, forwarder, antiEntropy, standIn, collector, survey } = this;
    const receivers = { ...own, coordinator, forwarder, antiEntropy, standIn, collectingReplica, collector, survey };
    this.#router = new MessageRouter(codecs, receivers, this.#early);
  }

  /** Who the members are, and what the ring is turning into. */
  get topology(): Topology {
    return this.#topology;
  }

  /** The ring that reads go by. */
  get ring(): Ring {
    return this.#members.rings.owners.ring;
  }

  /** The members of that ring, in its order. */
  get owners(): readonly Peer[] {
    return this.#members.rings.owners.peers;
  }

  /** All members, those that are joining or departing too, by name. */
  get peers(): readonly Peer[] {
    return this.#members.peers;
  }

  /**
   * Works out ahead what `adopt` needs of the epoch that is to follow the present one: rings and placements are too much for one turn of
   * the event loop.
   */
  *prepare(topology: Topology): Steps<void> {
    const members = this.#members.next(topology);
    const placements = new Map<number | 'all', Placement>();
    if (!this.#hasSameRing(topology)) {
      yield;
      for (const { policy, placement } of this.keyspaces.values()) {
        const { replicas } = policy;
        if (placements.has(replicas)) continue;
        placements.set(replicas, yield* Placement.make(members.rings, replicas, placement));
      }
    }
    this.#prepared = { topology, follows: this.#topology, members, placements };
  }

  /** Goes on to a later epoch. */
  adopt(topology: Topology): void {
    assert(topology.epoch > this.#topology.epoch, `Cannot go from epoch ${this.#topology.epoch} to ${topology.epoch}`);
    const isPrepared = this.#prepared?.topology === topology && this.#prepared.follows === this.#topology;
    if (!isPrepared) allAtOnce(this.prepare(topology));
    const { members, placements } = this.#prepared!;
    const isSame = this.#hasSameRing(topology);
    const gone = this.#members.goneIn(topology);
    this.#prepared = undefined;
    this.#topology = topology;
    this.#members.follow(members);
    for (const peer of gone) peer.linked = false;
    this.#fence.giveUp();
    this.collector.ringChanged();
    if (isSame) for (const { placement } of this.keyspaces.values()) placement.goOnTo(topology.epoch);
    else this.#place(placements);
    // Ends operations of clients, who may go on at once: by the new lists.
    for (const peer of gone) this.#linkDown(peer);
    if (!isSame) this.#ringChanged();
    for (const { from, message } of this.#early.take()) this.receive(from, message);
  }

  /** Whether the epoch follows the present one and has the same rings. */
  #hasSameRing(topology: Topology): boolean {
    return topology.epoch === this.#topology.epoch + 1 && isSameRing(topology, this.#topology);
  }

  #place(placements: ReadonlyMap<number | 'all', Placement>): void {
    this.#hintReplay.ringChanges();
    for (const keyspace of this.keyspaces.values()) keyspace.place(placements.get(keyspace.policy.replicas)!);
  }

  /** The new ring is in force; now all that has to do with the former one. The order matters: what is kept for others, before leftovers. */
  #ringChanged(): void {
    this.hints.ringChanged();
    this.antiEntropy.ringChanged();
    this.leftovers.ringChanged();
    this.survey.ringChanged();
    this.coordinator.ringChanged();
    this.forwarder.ringChanged();
  }

  peerOf(name: NodeName): Peer | undefined {
    return this.#members.peerOf(name);
  }

  /** This node came back without its data: nothing it holds counts towards R until it has been merged from others. */
  beginRefill(): void {
    for (const keyspace of this.keyspaces.values()) keyspace.beginRefill();
  }

  /** Slots that are not whole yet, in all keyspaces together. */
  get refillingSlots(): number {
    let slots = 0;
    for (const keyspace of this.keyspaces.values()) slots += keyspace.refill.slotsLeft;
    return slots;
  }

  /**
   * How far this node is with what the present epoch asks of it, in all keyspaces together: slots that it is to own and has not merged, of so
   * many; slots of which it has not handed over all, what it keeps for others counted as one more; and bytes of records moved since the start.
   */
  progress(): { left: number; all: number; leftovers: number; bytes: number } {
    let left = 0;
    let all = 0;
    for (const { arrivals, arriving } of this.keyspaces.values()) {
      // Who lives may have changed, and with it what suffices.
      arrivals.settleAll();
      left += arrivals.slotsLeft;
      all += arriving;
    }
    const leftovers = this.leftovers.slots + (this.hints.keepsAny ? 1 : 0);
    return { left, all, leftovers, bytes: this.context.counters.transferBytes };
  }

  /** Names of those who have slots to merge before the ring may turn. */
  arrivers(): ReadonlySet<NodeName> {
    const names = new Set<NodeName>();
    for (const { placement } of this.keyspaces.values()) for (const { name } of placement.arrivers()) names.add(name);
    return names;
  }

  /** Whether the change may end once these have turned to the new owners. */
  mayEnd(turned: ReadonlySet<NodeName>): boolean {
    return [...this.keyspaces.values()].every(keyspace => keyspace.mayEnd(turned));
  }

  run(keyspace: Keyspace, operation: KeyOperation, sink: OutcomeSink): void {
    // A client is told by the node that it asked, though others might take the write: the node has to be seen to.
    const { refusal } = keyspace.durability;
    if (operation.kind === 'write' && refusal !== undefined) sink.complete({ status: 'refused', error: refusal });
    else if (this.#coordinatesBest(keyspace, operation)) this.coordinator.run(keyspace, operation, sink);
    else this.forwarder.forward(keyspace, operation, sink);
  }

  setHere(keyspace: Keyspace, slot: number, key: Buffer, value: Buffer): boolean {
    if (!keyspace.acknowledgesAlone(slot) || !keyspace.hasRoom || this.context.guard.stepsBack !== undefined)
      return false;
    this.coordinator.writes.setHere(keyspace, slot, key, value, NEVER);
    return true;
  }

  /** A data message of a peer. @throws MalformedMessageError for one that cannot be read. */
  receive(from: Peer, message: Buffer): void {
    this.#router.receive(from, message);
  }

  linkUp(name: NodeName): void {
    const peer = this.peerOf(name);
    if (peer === undefined || peer.isSelf) return;
    peer.linked = true;
    this.antiEntropy.hasten(peer);
  }

  linkDown(name: NodeName): void {
    const peer = this.peerOf(name);
    if (peer === undefined || peer.isSelf) return;
    peer.linked = false;
    this.#linkDown(peer);
  }

  /** Nothing that was asked of the peer will be answered. */
  #linkDown(peer: Peer): void {
    this.#early.forget(peer);
    this.antiEntropy.onLinkDown(peer);
    this.#hintReplay.onLinkDown(peer);
    this.forwarder.onLinkDown(peer);
    this.#fence.giveUp();
    this.collector.onLinkDown(peer);
    this.survey.onLinkDown(peer);
  }

  tick(): void {
    this.context.quarantine.tick(this.#clock.monotonicMs(), held => this.#release(held));
    this.coordinator.tick();
    this.forwarder.tick();
    this.hints.tick();
    this.#hintReplay.tick();
    this.antiEntropy.tick();
    this.leftovers.tick();
    this.#fence.tick();
    this.collector.tick();
    this.survey.tick();
    for (const housekeeper of this.#housekeepers) housekeeper.tick();
  }

  /** What was held back was not acknowledged: whoever sent it still has it, and hands it to others if the slot is theirs by now. */
  #release({ from, keyspace, slot, key, record }: HeldBack): void {
    if (keyspace.placement.isWrittenHere(slot)) absorb(this.context, from, keyspace, slot, key, record);
  }

  #makeContext(
    ports: ClusterPorts,
    options: NodeOptions,
    actor: string,
    actors: Actors,
    counters: ReplicationCounters,
    codecs: Codecs,
  ): ReplicationContext {
    const epochOf = (): number => this.#topology.epoch;
    const peersOf = (): readonly Peer[] => this.peers;
    const isSettled = (): boolean => this.#topology.change === undefined && this.#topology.departing.length === 0;
    return {
      clock: ports.clock,
      stamps: new HybridClock(),
      actors,
      self: actors.intern(actor),
      here: this.self,
      get epoch() {
        return epochOf();
      },
      get peers() {
        return peersOf();
      },
      get isSettled() {
        return isSettled();
      },
      keyspaces: this.keyspaces,
      messages: codecs.replica,
      collections: codecs.collection,
      limits: options.replication,
      guard: ports.clock,
      quarantine: new Quarantine(ports.clock),
      counters,
      sawEpoch: (from, epoch) => ports.sawEpoch(from, epoch),
      send: (to, { head, body }) => to.linked && !to.isSelf && ports.outbox.send(to.name, head, body),
      sendOrdered: (to, { head, body }) => to.linked && !to.isSelf && ports.outbox.sendOrdered(to.name, head, body),
    };
  }

  /**
   * A replica coordinates what it holds. While it is refilling it does so only if no other can: its own record may be
   * older than what it acknowledged before it lost its memory. And while its clock is off it stamps nothing.
   */
  #coordinatesBest(keyspace: Keyspace, { kind, slot }: KeyOperation): boolean {
    const stepsBack = kind === 'write' && this.context.guard.stepsBack !== undefined;
    if (keyspace.answersAlone(slot) && !stepsBack) return true;
    if (!keyspace.placement.isHeldHere(slot)) return false;
    const isBetter = (peer: Peer): boolean =>
      !peer.isSelf && peer.reachable && !peer.refilling && !(kind === 'write' && peer.clockOff);
    return !keyspace.placement.replicasOf(slot).some(isBetter);
  }
}

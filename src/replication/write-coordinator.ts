import type { Stamp } from '../clock/hybrid-clock.ts';
import { assert } from '../lib/assert.ts';
import type { ReplicaCount } from '../lib/replica-count.ts';
import type { Mutation } from '../store/mutation.ts';
import { type Outcome, type OutcomeSink, WRITTEN } from '../store/outcome.ts';
import { NEVER, type StoredRecord } from '../store/record.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import type { Durability } from './durability.ts';
import type { Hints } from './hints.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import type { WriteQuorum } from './quorum.ts';
import type { Replicated } from './replica-messages.ts';
import { firstOperationId, type ReplicationContext } from './replication-context.ts';
import { absentees, type StandInRequests } from './stand-in-requests.ts';
import { transferMs } from './transfer-time.ts';
import { stampOf } from './versions.ts';

/** A write that this node coordinates and that has not been acknowledged by W replicas. */
interface PendingWrite {
  readonly keyspace: Keyspace;
  readonly slot: number;
  readonly hash: number;
  readonly key: Uint8Array;
  /** What to stamp again above a replica that is ahead; undefined where an older version is all that was to be spread. */
  readonly mutation: Mutation | undefined;
  readonly outcome: Outcome;
  readonly sink: OutcomeSink;
  readonly startedMs: number;
  /** W as it was asked for. */
  readonly need: ReplicaCount;
  quorum: WriteQuorum;
  /** Whom it is sent to: the slot's writers. */
  writers: readonly Peer[];
  /** What its value adds to every wait. */
  readonly transferMs: number;
  readonly patienceMs: number;
  /** The version that is being replicated; a new one after each restamp. */
  record: StoredRecord;
  /** Bit i: writer i has acknowledged `record`; behind the writers the stand-ins. */
  answered: number;
  /** How many stand-ins, the nearest that can be reached, are asked besides the replicas. */
  standIns: number;
  lastSentMs: number;
  /** This node's own acknowledgement waits for its disk. */
  awaitsDisk: boolean;
}

/** So much longer than for others a write waits for this node's own disk, which is there, only slow. */
const DISK_PATIENCE_MS = 5_000;

/**
 * The coordinator's side of a write (DESIGN §5): stamp it on top of this replica's own record, send it to the other
 * replicas, answer at W acknowledgements. A replica that holds a larger stamp says so, and the write is stamped again
 * above it; so of two writes, one acknowledged before the other was begun, the later one wins, whatever the clocks.
 */
export class WriteCoordinator {
  readonly #context: ReplicationContext;
  readonly #hints: Hints;
  readonly #standIns: StandInRequests;
  readonly #pending: DeadlineQueue<PendingWrite>;

  constructor(context: ReplicationContext, hints: Hints, standIns: StandInRequests) {
    this.#context = context;
    this.#hints = hints;
    this.#standIns = standIns;
    this.#pending = new DeadlineQueue(firstOperationId(context));
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** The least stamp in any record that waits here to be sent again; +Infinity when none does. */
  get leastPendingStamp(): Stamp {
    let least = Number.POSITIVE_INFINITY;
    for (const { record } of this.#pending.values()) least = Math.min(least, record.dot.stamp);
    return least;
  }

  /**
   * Writes `mutation`, whose condition is known to hold, at `need` replicas; the sink gets `outcome` when they have
   * acknowledged. `key` and the mutation's value must not change until then.
   */
  write(
    keyspace: Keyspace,
    slot: number,
    key: Uint8Array,
    mutation: Mutation,
    need: ReplicaCount,
    outcome: Outcome,
    sink: OutcomeSink,
  ): void {
    const refusal = this.#refusal(keyspace, slot, key, mutation, need);
    if (refusal !== undefined) return sink.complete(refusal);
    const hash = keyspace.store.hashOf(key);
    if (mutation.kind === 'delete' && keyspace.placement.isAlone) {
      keyspace.store.remove(slot, hash, key);
      return this.#completeDurably(keyspace, outcome, sink);
    }
    const record = this.#stampHere(keyspace, slot, hash, key, mutation);
    const quorum = keyspace.writeQuorum(slot, need);
    if (keyspace.durability.mayAcknowledge) this.#addOwn(quorum, keyspace, slot);
    if (quorum.reached) {
      this.#replicate(keyspace, slot, key, record, 0, 0);
      return sink.complete(outcome);
    }
    this.#context.counters.quorumWrites++;
    const standIns = this.#standIns.missing(keyspace, slot, quorum.need);
    this.#begin({ keyspace, slot, hash, key, mutation, need, outcome, sink, quorum, record, answered: 0, standIns }, 0);
  }

  /** A write that this node alone has to acknowledge. */
  #completeDurably({ durability }: Keyspace, outcome: Outcome, sink: OutcomeSink): void {
    if (durability.mayAcknowledge) return sink.complete(outcome);
    durability.flush(isDurable => sink.complete(isDurable ? outcome : (refusedBy(durability) ?? outcome)));
  }

  /** What `need` replicas on each side are to hold, if this node holds it and those owners whose bits are set, which are whole. */
  heldBy(keyspace: Keyspace, slot: number, need: ReplicaCount, holders: number): WriteQuorum {
    const quorum = keyspace.writeQuorum(slot, need);
    if (keyspace.durability.mayAcknowledge) this.#addOwn(quorum, keyspace, slot);
    for (const i of keyspace.placement.replicasOf(slot).keys()) if ((holders & (1 << i)) !== 0) quorum.add(i, false);
    return quorum;
  }

  /**
   * Sees to it that `need` replicas, on each side where the slot moves, hold the version which this one holds, or a newer one; the sink
   * is told when they do.
   *
   * @param holders bit i: owner i is known to hold it, and is whole.
   * @param waitedMs how long whoever asks for it has waited already.
   */
  spread(
    keyspace: Keyspace,
    slot: number,
    key: Uint8Array,
    need: ReplicaCount,
    holders: number,
    waitedMs: number,
    sink: OutcomeSink,
  ): void {
    const { store } = keyspace;
    const hash = store.hashOf(key);
    const record = store.read(store.find(slot, hash, key));
    const quorum = this.heldBy(keyspace, slot, need, holders);
    if (quorum.reached) return sink.complete(WRITTEN);
    const spreading = { keyspace, slot, hash, key, mutation: undefined, need, outcome: WRITTEN, sink, quorum, record };
    this.#begin({ ...spreading, answered: holders, standIns: 0 }, waitedMs);
  }

  /** An unconditional SET that one acknowledgement, our own, satisfies: the hot path, without an operation object. */
  setHere(keyspace: Keyspace, slot: number, key: Uint8Array, value: Uint8Array, expiryAtMs: number): void {
    const { store } = keyspace;
    const { stamps, guard, self } = this.#context;
    const stamp = stamps.next(guard.stampMs());
    const ref = store.putValue(slot, store.hashOf(key), key, value, stamp, self, expiryAtMs);
    if (keyspace.isSoleReplica) return;
    const dot = { actor: self, stamp };
    const expiry = expiryAtMs === NEVER ? undefined : { dot, atMs: expiryAtMs };
    this.#replicate(keyspace, slot, key, { dot, value, vector: store.vectorOf(ref), expiry }, 0, 0);
  }

  onReplicated(from: Peer, message: Replicated): void {
    const write = this.#pending.get(message.id);
    if (this.#context.guard.isTooFarAhead(message.stamp)) return;
    this.#context.stamps.observe(message.stamp);
    if (write === undefined) return;
    // A copy of an answer to an earlier stamp: it speaks of a version that no longer is.
    if (message.status !== 'behind' && message.stamp !== stampOf(write.record)) return;
    const { mutation } = write;
    if (message.status === 'behind' && mutation !== undefined && mutation.kind !== 'expire') {
      return this.#restamp(write, mutation, message);
    }
    const index = this.#indexOf(from, write);
    const bit = 1 << index;
    if (index < 0 || (write.answered & bit) !== 0) return;
    // A stand-in that is behind holds something else, or has vouched: its copy is none of this version.
    if (message.status === 'behind' && index >= write.writers.length) return;
    // A refilling replica that does not count may be whole a moment later: it is asked again.
    if (message.status !== 'refilling' || write.quorum.takesAny) write.answered |= bit;
    // An expiry loses against a newer value or expiry only, and then takes its place right before it.
    write.quorum.add(index, message.status === 'refilling');
    if (write.quorum.reached) this.#acknowledge(write, message.id);
  }

  /** The ring has changed: a write whose slot has other writers needs W of those, and has what it has of them. */
  ringChanged(): void {
    this.#pending.forEachOlderThan(Number.POSITIVE_INFINITY, 0, (write, id) => {
      const { keyspace, slot } = write;
      const quorum = keyspace.writeQuorum(slot, write.need);
      const before = { writers: write.writers, answered: write.answered, counted: write.quorum.acknowledged };
      write.writers = keyspace.placement.writersOf(slot);
      write.quorum = quorum;
      write.answered = 0;
      for (const [i, peer] of write.writers.entries()) {
        const bit = 1 << before.writers.indexOf(peer);
        if ((before.answered & bit) !== 0) write.answered |= 1 << i;
        if ((before.counted & bit) !== 0) quorum.add(i, false);
      }
      if (quorum.reached) this.#acknowledge(write, id);
      else this.#sendAgain(write, id);
    });
  }

  /** Sends again what has not been answered, and gives up what has waited too long. */
  tick(): void {
    const { clock, limits, counters } = this.#context;
    const nowMs = clock.monotonicMs();
    this.#pending.forEachOlderThan(nowMs, limits.resendAfterMs, (write, id) => {
      if (nowMs - write.startedMs >= write.patienceMs + (write.awaitsDisk ? DISK_PATIENCE_MS : 0)) {
        this.#giveUp(write, id, refusedBy(write.keyspace.durability) ?? tooFew(write.quorum, write.patienceMs));
      } else if (nowMs - write.lastSentMs >= limits.resendAfterMs + write.transferMs) {
        counters.resends++;
        if (this.#mayStandIn(write)) write.standIns += write.quorum.missing;
        this.#sendAgain(write, id);
      }
    });
  }

  #acknowledge(write: PendingWrite, id: number): void {
    this.#pending.remove(id);
    write.sink.complete(write.outcome);
  }

  #giveUp(write: PendingWrite, id: number, outcome: Outcome): void {
    this.#pending.remove(id);
    this.#noteUnanswered(write);
    this.#context.counters.unavailable++;
    write.sink.complete(outcome);
  }

  #sendAgain(write: PendingWrite, id: number): void {
    write.lastSentMs = this.#context.clock.monotonicMs();
    this.#replicate(write.keyspace, write.slot, write.key, write.record, id, write.answered);
    this.#standIns.ask(write, id);
  }

  /** Sends what has to be acknowledged, and begins to wait for it. */
  #begin(
    begun: Omit<PendingWrite, 'writers' | 'transferMs' | 'patienceMs' | 'startedMs' | 'lastSentMs' | 'awaitsDisk'>,
    waitedMs: number,
  ): void {
    const { clock, limits } = this.#context;
    const { keyspace, slot, key, record, answered } = begun;
    const nowMs = clock.monotonicMs();
    const writers = keyspace.placement.writersOf(slot);
    const carryMs = transferMs((record.value?.length ?? 0) * (writers.length - 1));
    const patienceMs = Math.max(0, limits.requestTimeoutMs + carryMs - waitedMs);
    const sent = { startedMs: nowMs, lastSentMs: nowMs, awaitsDisk: false };
    const write = { ...begun, writers, transferMs: carryMs, patienceMs, ...sent };
    const id = this.#pending.add(write);
    this.#replicate(keyspace, slot, key, record, id, answered);
    this.#standIns.ask(write, id);
    this.#awaitDisk(write, id);
  }

  /** Where acknowledgements wait for the disk, this node's own does, too. */
  #awaitDisk(write: PendingWrite, id: number): void {
    const { keyspace, slot, record } = write;
    if (keyspace.durability.mayAcknowledge) return;
    write.awaitsDisk = true;
    keyspace.durability.flush(isDurable => {
      write.awaitsDisk = write.record !== record;
      if (!isDurable || this.#pending.get(id) !== write || write.record !== record) return;
      this.#addOwn(write.quorum, keyspace, slot);
      if (write.quorum.reached) this.#acknowledge(write, id);
    });
  }

  /** This node's own acknowledgement, as a writer or a stand-in. */
  #addOwn(quorum: WriteQuorum, keyspace: Keyspace, slot: number): void {
    const { here } = this.#context;
    const index = keyspace.placement.writersOf(slot).indexOf(here);
    if (index >= 0) return quorum.add(index, keyspace.refill.isPending(slot));
    const standIn = this.#standIns.indexOf(here, keyspace, slot);
    if (standIn >= 0) quorum.add(standIn, false);
  }

  #refusal(
    keyspace: Keyspace,
    slot: number,
    key: Uint8Array,
    mutation: Mutation,
    count: ReplicaCount,
  ): Outcome | undefined {
    const { limits, counters } = this.#context;
    const { placement, durability } = keyspace;
    if (mutation.kind === 'set' && !keyspace.hasRoom) return OUT_OF_MEMORY;
    if (durability.refusal !== undefined) return refusedBy(durability);
    if (!placement.isHeldHere(slot)) {
      const value = mutation.kind === 'set' ? mutation.value : undefined;
      if (!this.#hints.mayKeep(keyspace, key, value)) return { status: 'unavailable', reason: NO_ROOM_FOR_HINTS };
    }
    const possible = keyspace.writeQuorum(slot, count);
    if (possible.need === 1 && !placement.isMoving(slot) && !durability.acknowledgesLate) return undefined;
    if (this.#pending.size >= limits.maxPendingOperations) {
      return { status: 'unavailable', reason: `${this.#pending.size} writes are waiting for replicas` };
    }
    for (const [i, peer] of placement.writersOf(slot).entries()) if (peer.alive) possible.add(i, false);
    if (possible.reached) return undefined;
    const standIns = this.#standIns.reachable(keyspace, slot);
    if (possible.missing <= standIns) return undefined;
    counters.unavailable++;
    const who = standIns > 0 ? 'replicas and stand-ins' : 'replicas';
    const { have, need } = possible.tally;
    return { status: 'unavailable', reason: `${have + standIns} of ${need} ${who} are alive` };
  }

  /** Stores the mutation here under a new stamp, and returns the version that has come to be. */
  #stampHere(keyspace: Keyspace, slot: number, hash: number, key: Uint8Array, mutation: Mutation): StoredRecord {
    const { guard, stamps } = this.#context;
    const { placement } = keyspace;
    const stamp = stamps.next(guard.stampMs());
    const record = this.#put(keyspace, slot, hash, key, mutation, stamp);
    if (!placement.isWrittenHere(slot)) this.#hints.keep(keyspace, slot, hash, stamp, placement.writersOf(slot));
    return record;
  }

  #put(
    keyspace: Keyspace,
    slot: number,
    hash: number,
    key: Uint8Array,
    mutation: Mutation,
    stamp: Stamp,
  ): StoredRecord {
    const { self } = this.#context;
    const store = keyspace.storeOf(slot);
    if (mutation.kind === 'expire') return store.read(store.setExpiry(slot, hash, key, mutation.atMs, stamp, self));
    if (mutation.kind === 'delete') return store.read(store.putValue(slot, hash, key, undefined, stamp, self, NEVER));
    const dot = { actor: self, stamp };
    const expiryAtMs = mutation.expiry === 'keep' ? heldExpiry(keyspace, slot, hash, key) : mutation.expiry;
    const ref = store.putValue(slot, hash, key, mutation.value, stamp, self, expiryAtMs);
    const expiry = expiryAtMs === NEVER ? undefined : { dot, atMs: expiryAtMs };
    return { dot, value: mutation.value, vector: store.vectorOf(ref), expiry };
  }

  #restamp(write: PendingWrite, mutation: Mutation, { id, stamp }: Replicated): void {
    // Behind what we have since stamped ourselves: the answer to an earlier stamp of this write. An equal stamp is
    // another coordinator's, whose actor is the greater.
    if (stamp < stampOf(write.record)) return;
    const { keyspace, slot, hash, key, quorum } = write;
    if (this.#indexOf(this.#context.here, write) < 0) return this.#giveUp(write, id, SLOT_HAS_MOVED);
    this.#context.counters.restamps++;
    write.record = this.#stampHere(keyspace, slot, hash, key, mutation);
    assert(stampOf(write.record) > stamp, 'Cannot restamp: the clock did not rise above the replica (invariant 2)');
    write.answered = 0;
    quorum.restart();
    if (keyspace.durability.mayAcknowledge) this.#addOwn(quorum, keyspace, slot);
    else this.#awaitDisk(write, id);
    this.#sendAgain(write, id);
  }

  /**
   * Sends a version to the other writers, except to those whose bit is set in `answered`. What cannot be sent is a hint,
   * and so is what a link has taken to a peer that does not answer: the link may break with it.
   */
  #replicate(
    keyspace: Keyspace,
    slot: number,
    key: Uint8Array,
    record: StoredRecord,
    id: number,
    answered: number,
  ): void {
    const writers = keyspace.placement.writersOf(slot);
    if (writers.length === 1) return;
    const { messages, epoch } = this.#context;
    const message = messages.encodeReplicate(id, epoch, keyspace.db, key, record);
    for (let i = 0; i < writers.length; i++) {
      const peer = writers[i]!;
      if (peer.isSelf || (answered & (1 << i)) !== 0) continue;
      if (!this.#context.send(peer, message) || !peer.reachable) this.#noteKey(peer, keyspace, slot, key);
    }
  }

  /** Apart from `#replicate`, which every SET runs through. */
  #noteKey(peer: Peer, keyspace: Keyspace, slot: number, key: Uint8Array): void {
    this.#hints.note(peer, keyspace, slot, keyspace.store.hashOf(key));
  }

  /** The bit of a writer or stand-in in `answered`, or -1. */
  #indexOf(peer: Peer, write: PendingWrite): number {
    const { keyspace, slot, writers } = write;
    const index = writers.indexOf(peer);
    return index >= 0 || !this.#mayStandIn(write) ? index : this.#standIns.indexOf(peer, keyspace, slot);
  }

  /** What is spread for the sake of reads is looked for at replicas only. */
  #mayStandIn({ keyspace, mutation }: PendingWrite): boolean {
    return mutation !== undefined && this.#standIns.mayStandIn(keyspace);
  }

  /** The write has ended: whoever has not acknowledged it by now gets it as a hint. */
  #noteUnanswered(write: PendingWrite): void {
    const { keyspace, slot, hash, answered } = write;
    const absent = absentees(keyspace, slot, answered);
    for (const [i, peer] of keyspace.placement.writersOf(slot).entries()) {
      if ((absent & (1 << i)) !== 0) this.#hints.note(peer, keyspace, slot, hash);
    }
  }
}

/** This node owns the slot no more and cannot stamp the write again. Nobody else may: some have an earlier stamp of it. */
const SLOT_HAS_MOVED: Outcome = { status: 'unavailable', reason: 'the slot has moved' };

const OUT_OF_MEMORY: Outcome = {
  status: 'refused',
  error: "OOM command not allowed when used memory > 'maxmemory'.",
};

const NO_ROOM_FOR_HINTS = 'no replica is reachable, and hint-max-bytes leaves no room to stand in for them';

function heldExpiry(keyspace: Keyspace, slot: number, hash: number, key: Uint8Array): number {
  const store = keyspace.storeOf(slot);
  const ref = store.find(slot, hash, key);
  return ref === 0 ? NEVER : store.expiryAtMs(ref);
}

function refusedBy({ refusal }: Durability): Outcome | undefined {
  return refusal === undefined ? undefined : { status: 'refused', error: refusal };
}

function tooFew({ tally: { have, need } }: WriteQuorum, timeoutMs: number): Outcome {
  const reason = `${have} of ${need} replicas acknowledged in ${timeoutMs} ms`;
  return { status: 'unavailable', reason };
}

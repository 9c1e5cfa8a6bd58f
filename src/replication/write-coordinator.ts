import type { Stamp } from '../clock/hybrid-clock.ts';
import { assert } from '../lib/assert.ts';
import type { Mutation } from '../store/mutation.ts';
import type { Outcome, OutcomeSink } from '../store/outcome.ts';
import { NEVER, type StoredRecord } from '../store/record.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import { WriteQuorum } from './quorum.ts';
import type { Replicated } from './replica-messages.ts';
import { firstOperationId, type ReplicationContext } from './replication-context.ts';
import { transferMs } from './transfer-time.ts';
import { stampOf } from './versions.ts';

/** A write that this node coordinates and that has not been acknowledged by W replicas. */
interface PendingWrite {
  readonly keyspace: Keyspace;
  readonly slot: number;
  readonly hash: number;
  readonly key: Uint8Array;
  readonly mutation: Mutation;
  readonly outcome: Outcome;
  readonly sink: OutcomeSink;
  readonly startedMs: number;
  readonly quorum: WriteQuorum;
  /** What its value adds to every wait. */
  readonly transferMs: number;
  /** The version that is being replicated; a new one after each restamp. */
  record: StoredRecord;
  /** Bit i: replica i of the preference list has acknowledged `record`. */
  answered: number;
  lastSentMs: number;
}

/**
 * The coordinator's side of a write (DESIGN §5): stamp it on top of this replica's own record, send it to the other
 * replicas, answer at W acknowledgements. A replica that holds a larger stamp says so, and the write is stamped again
 * above it; so of two writes, one acknowledged before the other was begun, the later one wins, whatever the clocks.
 */
export class WriteCoordinator {
  readonly #context: ReplicationContext;
  readonly #pending: DeadlineQueue<PendingWrite>;

  constructor(context: ReplicationContext) {
    this.#context = context;
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
    need: number,
    outcome: Outcome,
    sink: OutcomeSink,
  ): void {
    const refusal = this.#refusal(keyspace, slot, mutation, need);
    if (refusal !== undefined) return sink.complete(refusal);
    const hash = keyspace.store.hashOf(key);
    if (mutation.kind === 'delete' && keyspace.isSoleReplica) {
      keyspace.store.remove(slot, hash, key);
      return sink.complete(outcome);
    }
    const record = this.#stampHere(keyspace, slot, hash, key, mutation);
    const quorum = new WriteQuorum(need);
    quorum.add(keyspace.refill.isRefilling(slot));
    if (quorum.reached) {
      this.#replicate(keyspace, slot, key, record, 0, 0);
      return sink.complete(outcome);
    }
    this.#context.counters.quorumWrites++;
    const nowMs = this.#context.clock.monotonicMs();
    const write: PendingWrite = {
      keyspace,
      slot,
      hash,
      key,
      mutation,
      outcome,
      sink,
      quorum,
      transferMs: transferMs((record.value?.length ?? 0) * (keyspace.placement.replicaCount - 1)),
      record,
      startedMs: nowMs,
      answered: 0,
      lastSentMs: nowMs,
    };
    this.#replicate(keyspace, slot, key, record, this.#pending.add(write), 0);
  }

  /** An unconditional SET that one acknowledgement, our own, satisfies: the hot path, without an operation object. */
  setHere(keyspace: Keyspace, slot: number, key: Uint8Array, value: Uint8Array, expiryAtMs: number): void {
    const { store } = keyspace;
    const { stamps, clock, self } = this.#context;
    const stamp = stamps.next(clock.wallMs());
    const ref = store.putValue(slot, store.hashOf(key), key, value, stamp, self, expiryAtMs);
    if (keyspace.isSoleReplica) return;
    const dot = { actor: self, stamp };
    const expiry = expiryAtMs === NEVER ? undefined : { dot, atMs: expiryAtMs };
    this.#replicate(keyspace, slot, key, { dot, value, vector: store.vectorOf(ref), expiry }, 0, 0);
  }

  onReplicated(from: Peer, message: Replicated): void {
    const write = this.#pending.get(message.id);
    this.#context.stamps.observe(message.stamp);
    if (write === undefined) return;
    // A copy of an answer to an earlier stamp: it speaks of a version that no longer is.
    if (message.status !== 'behind' && message.stamp !== stampOf(write.record)) return;
    if (message.status === 'behind' && write.mutation.kind !== 'expire') return this.#restamp(write, message);
    const index = write.keyspace.placement.replicasOf(write.slot).indexOf(from);
    const bit = 1 << index;
    if (index < 0 || (write.answered & bit) !== 0) return;
    // A refilling replica that does not count may be whole a moment later: it is asked again.
    if (message.status !== 'refilling' || write.quorum.need === 1) write.answered |= bit;
    // An expiry loses against a newer value or expiry only, and then takes its place right before it.
    write.quorum.add(message.status === 'refilling');
    if (!write.quorum.reached) return;
    this.#pending.remove(message.id);
    write.sink.complete(write.outcome);
  }

  /** Sends again what has not been answered, and gives up what has waited too long. */
  tick(): void {
    const { clock, limits, counters } = this.#context;
    const nowMs = clock.monotonicMs();
    this.#pending.forEachOlderThan(nowMs, limits.resendAfterMs, (write, id) => {
      const patienceMs = limits.requestTimeoutMs + write.transferMs;
      if (nowMs - write.startedMs >= patienceMs) {
        this.#pending.remove(id);
        counters.unavailable++;
        write.sink.complete(tooFew(write.quorum.acknowledged, write.quorum.need, patienceMs));
      } else if (nowMs - write.lastSentMs >= limits.resendAfterMs + write.transferMs) {
        write.lastSentMs = nowMs;
        counters.resends++;
        this.#replicate(write.keyspace, write.slot, write.key, write.record, id, write.answered);
      }
    });
  }

  #refusal(keyspace: Keyspace, slot: number, mutation: Mutation, need: number): Outcome | undefined {
    const { limits, counters } = this.#context;
    if (mutation.kind === 'set' && !keyspace.hasRoom) return OUT_OF_MEMORY;
    if (need === 1) return undefined;
    if (this.#pending.size >= limits.maxPendingOperations) {
      return { status: 'unavailable', reason: `${this.#pending.size} writes are waiting for replicas` };
    }
    const alive = keyspace.placement.replicasOf(slot).filter(peer => peer.alive).length;
    if (alive >= need) return undefined;
    counters.unavailable++;
    return { status: 'unavailable', reason: `${alive} of ${need} replicas are alive` };
  }

  /** Stores the mutation here under a new stamp, and returns the version that has come to be. */
  #stampHere(keyspace: Keyspace, slot: number, hash: number, key: Uint8Array, mutation: Mutation): StoredRecord {
    const { clock, stamps, self } = this.#context;
    const { store } = keyspace;
    const stamp = stamps.next(clock.wallMs());
    if (mutation.kind === 'expire') return store.read(store.setExpiry(slot, hash, key, mutation.atMs, stamp, self));
    if (mutation.kind === 'delete') return store.read(store.putValue(slot, hash, key, undefined, stamp, self, NEVER));
    const dot = { actor: self, stamp };
    const expiryAtMs = mutation.expiry === 'keep' ? heldExpiry(keyspace, slot, hash, key) : mutation.expiry;
    const ref = store.putValue(slot, hash, key, mutation.value, stamp, self, expiryAtMs);
    const expiry = expiryAtMs === NEVER ? undefined : { dot, atMs: expiryAtMs };
    return { dot, value: mutation.value, vector: store.vectorOf(ref), expiry };
  }

  #restamp(write: PendingWrite, { id, stamp }: Replicated): void {
    // Behind what we have since stamped ourselves: the answer to an earlier stamp of this write.
    if (stamp <= stampOf(write.record)) return;
    const { keyspace, slot, hash, key, mutation, quorum } = write;
    this.#context.counters.restamps++;
    write.record = this.#stampHere(keyspace, slot, hash, key, mutation);
    assert(stampOf(write.record) > stamp, 'Cannot restamp: the clock did not rise above the replica (invariant 2)');
    write.answered = 0;
    quorum.restart();
    quorum.add(keyspace.refill.isRefilling(slot));
    write.lastSentMs = this.#context.clock.monotonicMs();
    this.#replicate(keyspace, slot, key, write.record, id, 0);
  }

  /** Sends a version to the other replicas, except to those whose bit is set in `answered`. */
  #replicate(
    keyspace: Keyspace,
    slot: number,
    key: Uint8Array,
    record: StoredRecord,
    id: number,
    answered: number,
  ): void {
    const replicas = keyspace.placement.replicasOf(slot);
    if (replicas.length === 1) return;
    const { messages, epoch } = this.#context;
    const message = messages.encodeReplicate(id, epoch, keyspace.db, key, record);
    for (let i = 0; i < replicas.length; i++) {
      const peer = replicas[i]!;
      if (!peer.isSelf && (answered & (1 << i)) === 0) this.#context.send(peer, message);
    }
  }
}

const OUT_OF_MEMORY: Outcome = {
  status: 'refused',
  error: "OOM command not allowed when used memory > 'maxmemory'.",
};

function heldExpiry(keyspace: Keyspace, slot: number, hash: number, key: Uint8Array): number {
  const ref = keyspace.store.find(slot, hash, key);
  return ref === 0 ? NEVER : keyspace.store.expiryAtMs(ref);
}

function tooFew(acknowledged: number, need: number, timeoutMs: number): Outcome {
  const reason = `${acknowledged} of ${need} replicas acknowledged in ${timeoutMs} ms`;
  return { status: 'unavailable', reason };
}

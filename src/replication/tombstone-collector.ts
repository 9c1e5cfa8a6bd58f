import type { CollectingReplica } from './collecting-replica.ts';
import { CollectionBatch } from './collection-batch.ts';
import type { CollectionMessages, CollectionReply } from './collection-messages.ts';
import type { Peer } from './peer.ts';
import { firstOperationId, type ReplicationContext } from './replication-context.ts';
import { TombstoneWalk } from './tombstone-walk.ts';

export interface CollectionOptions {
  /** From one round over the tombstones to the next. */
  readonly intervalMs: number;
}

const BATCH_ENTRIES = 1000;
const BATCHES_UNDER_WAY = 8;
/** Records that one tick looks at. */
const BUDGET = 2000;
/** Monotonic milliseconds. A batch lives longer than a fence and the fence before it. */
const PATIENCE_MS = 10_000;
const ASK_AGAIN_MS = 1_000;

/**
 * Collects the tombstones of the slots that this node is the first replica of (DESIGN §5, "Deletes stay deleted";
 * invariant 5). A batch of them goes through three steps, each with all replicas of its slots:
 *
 * 1. `propose`. Each says which it holds, as this very version and without a value. Kept are those that all hold.
 * 2. `settle`. Each raises a fence (`fence.ts`), begun after all had said so, and says its floor.
 * 3. `remove`. Each removes those that are below the least floor and still just the same, and remembers them.
 *
 * **Why nothing older comes back.** Let T be a tombstone that is removed. After step 1 every replica of its key holds T,
 * and for as long as its actor lives its store sends nothing older than T. Other members' stores hold nothing of the
 * slot. So whatever is older than T and could still reach a replica X is one of these:
 *
 * - sent to X before step 1 was over, out of a store: it arrived before X's fence was through, since fences are answered
 *   in order and begin after step 1; it met T there and lost;
 * - an undecided write, or a record kept for others. Either its holder's answer to X's fence says so, with a floor that
 *   is not above its stamp, and T stays; or it was sent to X before that answer, and arrived before it. What could yet
 *   make a member hold such a record is a request to stand in that is on its way to it; `Undelivered.vouch` refuses that;
 * - in the memory of an actor that is gone: it sends nothing, and a link delivers nothing once a later one is there.
 *
 * A replica that loses its memory between the steps breaks its link to this node, which gives the batch up; what others
 * may have removed by then was removed by the rule. Its next actor is empty, and may refill T from a replica that has not
 * removed it: `CollectedTombstones` sets both right. A member that is away answers no fence: its return finds T in place.
 *
 * A later write of the key is another version, with a stamp above T's: step 3 finds it and leaves it alone.
 */
export class TombstoneCollector {
  readonly #context: ReplicationContext;
  readonly #messages: CollectionMessages;
  readonly #here: CollectingReplica;
  readonly #options: CollectionOptions;
  readonly #walk: TombstoneWalk;
  readonly #batches = new Map<number, CollectionBatch>();
  #nextId: number;
  #dueMs: number;

  /** @param here this node as one of the replicas. */
  constructor(
    context: ReplicationContext,
    messages: CollectionMessages,
    here: CollectingReplica,
    options: CollectionOptions,
  ) {
    this.#context = context;
    this.#messages = messages;
    this.#here = here;
    this.#options = options;
    this.#walk = new TombstoneWalk(context.keyspaces.values());
    this.#nextId = firstOperationId(context);
    this.#dueMs = context.clock.monotonicMs() + options.intervalMs;
  }

  tick(): void {
    const nowMs = this.#context.clock.monotonicMs();
    for (const batch of this.#batches.values()) {
      if (nowMs - batch.startedMs >= PATIENCE_MS) this.#batches.delete(batch.id);
      else if (nowMs - batch.askedMs >= ASK_AGAIN_MS) this.#ask(batch, nowMs);
    }
    if (this.#walk.isOver && nowMs >= this.#dueMs) this.#beginRound(nowMs);
    if (!this.#walk.isOver && this.#batches.size < BATCHES_UNDER_WAY) this.#gather(nowMs);
  }

  onReply(from: Peer, reply: CollectionReply): void {
    const batch = this.#batches.get(reply.id);
    if (batch?.answered(from, reply)) this.#proceed(batch);
  }

  /** Slots may have other replicas now. */
  ringChanged(): void {
    this.#batches.clear();
    this.#walk.stop();
  }

  /** Who was to answer may answer as another actor next. */
  onLinkDown(peer: Peer): void {
    for (const batch of this.#batches.values()) if (batch.replicas.includes(peer)) this.#batches.delete(batch.id);
  }

  /** While a member is away, or slots move, tombstones wait. */
  #beginRound(nowMs: number): void {
    this.#dueMs = nowMs + this.#options.intervalMs;
    const { peers, isSettled } = this.#context;
    if (isSettled && peers.every(peer => peer.isSelf || (peer.linked && peer.alive))) this.#walk.begin();
  }

  #gather(nowMs: number): void {
    const group = this.#walk.next(BUDGET, BATCH_ENTRIES);
    if (group === undefined) return;
    const batch = new CollectionBatch(this.#nextId++, group.keyspace, group.replicas, group.entries, nowMs);
    this.#context.counters.tombstonesProposed += group.entries.length;
    this.#batches.set(batch.id, batch);
    this.#ask(batch, nowMs);
  }

  #proceed(batch: CollectionBatch): void {
    if (batch.isOver) this.#batches.delete(batch.id);
    else this.#ask(batch, this.#context.clock.monotonicMs());
  }

  /** Asks all that have not answered, this node last. */
  #ask(batch: CollectionBatch, nowMs: number): void {
    batch.askedMs = nowMs;
    const request = batch.request(this.#context.epoch);
    const message = this.#messages.encodeCollection(request);
    const self = batch.replicas.find(peer => peer.isSelf)!;
    const waitsForSelf = batch.waitsFor.has(self);
    for (const peer of batch.waitsFor) if (!peer.isSelf) this.#context.send(peer, message);
    if (waitsForSelf) this.#here.take(batch.keyspace, request, reply => this.onReply(self, reply));
  }
}

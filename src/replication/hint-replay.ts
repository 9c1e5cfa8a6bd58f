import { Allowance } from './allowance.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import type { HintMessages } from './hint-messages.ts';
import { dbOf, type Hint, type HintQueue, hashOfHint, slotOfHint } from './hint-queue.ts';
import type { Hints } from './hints.ts';
import type { Peer } from './peer.ts';
import { firstOperationId, type ReplicationContext } from './replication-context.ts';
import { recordsUnder } from './slot-pages.ts';
import { transferMs } from './transfer-time.ts';

/** Records under way to one peer at a time. */
const WINDOW = 128;

/** What was not answered within so long, and the time its bytes take, is put back and sent again later. */
const PATIENCE_MS = 1000;

/** Records of this long a time are handed over at once after a pause. */
const BURST_MS = 100;

/** One hint on its way: a record, or as many as share its slot and hash. */
interface Handover {
  readonly peer: Peer;
  readonly hint: Hint;
  /** When it was noted, in seconds. */
  readonly second: number;
  /** Records that have no answer. */
  unanswered: number;
  isPutBack: boolean;
}

interface RecordUnderWay {
  readonly handover: Handover;
  readonly startedMs: number;
  readonly transferMs: number;
}

/**
 * Hands hints over to peers that are there again, so many records a second, and a window of them to each peer. The
 * peer's word that it holds the record, or a newer one, ends the hint; silence and a broken link put it back.
 */
export class HintReplay {
  readonly #context: ReplicationContext;
  readonly #hints: Hints;
  readonly #messages: HintMessages;
  readonly #underWay: DeadlineQueue<RecordUnderWay>;
  readonly #windows = new Map<Peer, number>();
  /** Records that may be sent now. */
  readonly #allowance: Allowance;

  /** @param rate records a second. */
  constructor(context: ReplicationContext, hints: Hints, messages: HintMessages, rate: number) {
    this.#context = context;
    this.#hints = hints;
    this.#messages = messages;
    this.#underWay = new DeadlineQueue(firstOperationId(context));
    const most = Math.max(1, (rate * BURST_MS) / 1000);
    this.#allowance = new Allowance(rate, most, 0, context.clock.monotonicMs());
  }

  /** Records that have been sent and not been answered. */
  get underWay(): number {
    return this.#underWay.size;
  }

  onHinted(from: Peer, id: number): void {
    const record = this.#underWay.get(id);
    if (record?.handover.peer !== from) return;
    this.#remove(id, record);
    const { handover } = record;
    this.#context.counters.hintsReplayed++;
    handover.unanswered--;
    if (handover.unanswered === 0 && !handover.isPutBack) this.#hints.release(from, handover.hint);
  }

  /** Who is to be handed what is about to change: everything under way is a hint again. */
  ringChanges(): void {
    this.#underWay.forEachOlderThan(Number.POSITIVE_INFINITY, 0, (record, id) => this.#putBack(id, record));
  }

  onLinkDown(peer: Peer): void {
    this.#underWay.forEachOlderThan(Number.POSITIVE_INFINITY, 0, (record, id) => {
      if (record.handover.peer === peer) this.#putBack(id, record);
    });
  }

  tick(): void {
    const nowMs = this.#context.clock.monotonicMs();
    this.#allowance.earn(nowMs);
    this.#underWay.forEachOlderThan(nowMs, PATIENCE_MS, (record, id) => {
      if (nowMs - record.startedMs >= PATIENCE_MS + record.transferMs) this.#putBack(id, record);
    });
    const ready = [...this.#hints.queues].filter(([peer]) => peer.reachable);
    const share = this.#allowance.left / ready.length;
    for (const [peer, queue] of ready) this.#handOverTo(peer, queue, Math.max(1, share), nowMs);
  }

  #handOverTo(peer: Peer, queue: HintQueue, share: number, nowMs: number): void {
    for (let left = share; left >= 1 && this.#allowance.left >= 1 && queue.size > 0; left--) {
      if (!queue.isFirstJudged) return;
      if (this.#windowOf(peer) >= WINDOW || !this.#handOver(peer, queue, nowMs)) return;
    }
  }

  /** @returns false when the link took no more. */
  #handOver(peer: Peer, queue: HintQueue, nowMs: number): boolean {
    const { keyspaces, epoch } = this.#context;
    const second = queue.firstSecond;
    const hint = queue.take();
    const slot = slotOfHint(hint);
    const keyspace = keyspaces.get(dbOf(hint))!;
    const records = recordsUnder(keyspace.storeOf(slot), slot, [hashOfHint(hint)]);
    if (records.length === 0) this.#hints.release(peer, hint);
    const handover = { peer, hint, second, unanswered: records.length, isPutBack: false };
    for (const { key, record } of records) {
      const underWay = { handover, startedMs: nowMs, transferMs: transferMs(record.value?.length ?? 0) };
      const id = this.#underWay.add(underWay);
      this.#windows.set(peer, this.#windowOf(peer) + 1);
      this.#allowance.spend(1);
      if (this.#context.send(peer, this.#messages.encodeHint({ id, epoch, db: keyspace.db, key, record }))) continue;
      this.#putBack(id, underWay);
      return false;
    }
    return true;
  }

  #putBack(id: number, record: RecordUnderWay): void {
    this.#remove(id, record);
    const { handover } = record;
    if (handover.isPutBack) return;
    handover.isPutBack = true;
    this.#hints.putBack(handover.peer, handover.hint, handover.second);
  }

  #remove(id: number, { handover }: RecordUnderWay): void {
    this.#underWay.remove(id);
    const left = this.#windowOf(handover.peer) - 1;
    if (left > 0) this.#windows.set(handover.peer, left);
    else this.#windows.delete(handover.peer);
  }

  #windowOf(peer: Peer): number {
    return this.#windows.get(peer) ?? 0;
  }
}

import { Inflights } from './inflights.ts';
import type { SnapshotMeta } from './snapshot.ts';
import { OutgoingSnapshot } from './snapshot-transfer.ts';

/**
 * What a leader knows of one follower's log, and so how it sends:
 * - `probe`: it is not known where the logs agree. One message at a time, until one is accepted.
 * - `replicate`: they agree up to `match`, and what follows is under way: messages are pipelined, `next` runs ahead.
 * - `snapshot`: what the follower needs next is compacted, so it is sent a snapshot.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export class Progress {
  /** Up to here the follower's log is known to be durable and equal to the leader's. Never falls while the leader leads. */
  match = 0;
  /** The index of the entry to send next. Above `match`. */
  next: number;
  /** The commit index that was sent last. */
  sentCommit = 0;
  /** Whether the follower was heard of since the last count of a quorum. */
  isActive = false;
  /** An append is to be sent though there may be nothing new: the follower lives and does not have all. */
  isAsked = true;
  readonly inflights: Inflights;
  #state: ProgressState = 'probe';
  #outgoing: OutgoingSnapshot | undefined;
  /** Of `probe`: a message is under way. */
  #isProbing = false;

  constructor(next: number, maxInflight: number) {
    this.next = next;
    this.inflights = new Inflights(maxInflight);
  }

  get state(): ProgressState {
    return this.#state;
  }

  get outgoing(): OutgoingSnapshot | undefined {
    return this.#outgoing;
  }

  /** Whether an append may be sent now. */
  get isOpen(): boolean {
    if (this.#state === 'probe') return !this.#isProbing;
    return this.#state === 'replicate' && !this.inflights.isFull;
  }

  /** Entries up to `last` were sent from `next` on; none if `last` is below. */
  sent(last: number, commit: number): void {
    this.sentCommit = Math.max(this.sentCommit, commit);
    this.isAsked = false;
    if (this.#state === 'probe') this.#isProbing = true;
    else if (last >= this.next) {
      this.inflights.add(last);
      this.next = last + 1;
    }
  }

  /** The follower has everything up to `index`, durably. From now on messages are pipelined. */
  accepted(index: number): void {
    this.inflights.freeUpTo(index);
    this.match = Math.max(this.match, index);
    this.next = Math.max(this.next, this.match + 1);
    if (this.#state === 'replicate') return;
    if (this.#state === 'snapshot' && index < this.#outgoing!.snapshot.index) return;
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  /**
   * The follower refused what was to follow `index`: its log agrees with the leader's up to `hint` at most.
   *
   * @returns false for an answer that is out of date.
   */
  refused(index: number, hint: number): boolean {
    if (this.#state === 'snapshot' || index <= this.match) return false;
    if (this.#state === 'probe' && index !== this.next - 1) return false;
    this.#enter('probe');
    this.next = Math.max(Math.min(index, hint + 1), this.match + 1);
    this.isAsked = true;
    return true;
  }

  needsSnapshot(snapshot: SnapshotMeta): void {
    this.#enter('snapshot');
    this.#outgoing = new OutgoingSnapshot(snapshot);
  }

  /** The follower answered a heartbeat: whatever waits for an answer of it may have been lost. */
  heard(last: number): void {
    this.isActive = true;
    this.#isProbing = false;
    this.#outgoing?.sendAgain();
    if (this.match < last) this.isAsked = true;
    if (this.inflights.isFull) this.inflights.freeFirst();
  }

  #enter(state: ProgressState): void {
    this.#state = state;
    this.#isProbing = false;
    this.#outgoing = undefined;
    this.inflights.clear();
  }
}

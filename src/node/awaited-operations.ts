import type { ReadReply, WriteReply } from '../commands/context.ts';
import type { Outcome, OutcomeSink } from '../store/outcome.ts';
import type { PendingReply } from './reply-queue.ts';
import type { SlotCounts } from './slot-counts.ts';

// Objects with their fields, not closures: quorum reads and writes make many.

/** An operation between its start and its outcome; its slot counts as undecided meanwhile. */
export class RunningOperation implements OutcomeSink {
  /** Whether the caller has gone on meanwhile, and has to be told of progress. */
  isAwaited = false;
  readonly #undecided: SlotCounts;
  readonly #slot: number;
  readonly #sink: OutcomeSink;
  readonly #onProgress: () => void;

  constructor(undecided: SlotCounts, slot: number, sink: OutcomeSink, onProgress: () => void) {
    this.#undecided = undecided;
    this.#slot = slot;
    this.#sink = sink;
    this.#onProgress = onProgress;
    undecided.add(slot);
  }

  complete(outcome: Outcome): void {
    this.#undecided.remove(this.#slot);
    this.#sink.complete(outcome);
    if (this.isAwaited) this.#onProgress();
  }
}

/** Writes the reply to a read when its outcome is there. */
export class AwaitedRead implements OutcomeSink {
  readonly #pending: PendingReply;
  readonly #project: ReadReply;

  constructor(pending: PendingReply, project: ReadReply) {
    this.#pending = pending;
    this.#project = project;
  }

  complete(outcome: Outcome): void {
    const reply = this.#pending.open();
    if (outcome.status === 'read') this.#project(reply, outcome.found);
    else reply.error(errorOf(outcome));
    this.#pending.close();
  }
}

/** Writes the reply to a write when its outcome is there. */
export class AwaitedWrite implements OutcomeSink {
  readonly #pending: PendingReply;
  readonly #project: WriteReply;

  constructor(pending: PendingReply, project: WriteReply) {
    this.#pending = pending;
    this.#project = project;
  }

  complete(outcome: Outcome): void {
    const reply = this.#pending.open();
    if (outcome.status === 'written') this.#project(reply, outcome);
    else reply.error(errorOf(outcome));
    this.#pending.close();
  }
}

/** The RESP error for an operation that did not come out well. */
export function errorOf(outcome: Outcome): string {
  if (outcome.status === 'unavailable') return `UNAVAILABLE ${outcome.reason}`;
  return outcome.status === 'refused' ? outcome.error : 'ERR the operation had no outcome';
}

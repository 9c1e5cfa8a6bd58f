import type { Decision } from './effects.ts';
import type { Entry } from './entry.ts';
import type { ForwardedCommand } from './messages.ts';
import type { ProposalRefusal } from './refusal.ts';

/** Numbers of one process that may be undecided at a time, from the lowest of them on. What bounds a leader's memory of them, too. */
export const PROPOSAL_WINDOW = 4_096;

interface Pending {
  /** The term in which it is in the log, or not at all. */
  readonly term: number;
  /** What is to be forwarded; undefined of what was appended here. */
  readonly data: Uint8Array | undefined;
  ticksSinceSent: number;
}

/**
 * Proposals that were made here, until it is certain what became of them.
 *
 * Each belongs to one term: it is appended by that term's leader, or never. So when an entry of a later term is committed and it was not
 * among those before, it never will be (terms never fall along a log): *dropped*, a certainty, after which it may be proposed anew. Within its term
 * a command is forwarded until it is decided; the leader sees to it that it is appended once (`forwarded-commands.ts`).
 */
export class Proposals {
  readonly #origin: string;
  /** By number, ascending. */
  readonly #pending = new Map<number, Pending>();
  #last = 0;
  #forwardedBytes = 0;
  /** The greatest term of an entry that was handed out. */
  #committedTerm = 0;
  #decisions: Decision[] = [];

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Numbers below are decided. */
  get floor(): number {
    const [lowest] = this.#pending.keys();
    return lowest ?? this.#last + 1;
  }

  get isFull(): boolean {
    return this.#last + 1 - this.floor >= PROPOSAL_WINDOW;
  }

  /** Of the commands that were forwarded and are not decided. */
  get forwardedBytes(): number {
    return this.#forwardedBytes;
  }

  /** The number that the next proposal will have. */
  get nextNumber(): number {
    return this.#last + 1;
  }

  /** A proposal to the leader of `term`; without `data` when this is the leader and has appended it. */
  begin(term: number, data?: Uint8Array): number {
    this.#pending.set(++this.#last, { term, data, ticksSinceSent: Number.POSITIVE_INFINITY });
    this.#forwardedBytes += data?.length ?? 0;
    return this.#last;
  }

  tick(): void {
    for (const pending of this.#pending.values()) pending.ticksSinceSent++;
  }

  /** Commands for the leader of `term` that were not sent in the last `repeatTicks`, as many as `maxBytes` hold, one at least. */
  takeDue(term: number, repeatTicks: number, maxBytes: number): ForwardedCommand[] {
    const due: ForwardedCommand[] = [];
    let bytes = 0;
    for (const [number, pending] of this.#pending) {
      const { data } = pending;
      if (data === undefined || pending.term !== term || pending.ticksSinceSent < repeatTicks) continue;
      bytes += data.length;
      if (bytes > maxBytes && due.length > 0) break;
      pending.ticksSinceSent = 0;
      due.push({ number, data });
    }
    return due;
  }

  /** The leader of `term` did not take it, and never will. */
  refused(number: number, term: number, reason: ProposalRefusal): void {
    if (this.#pending.get(number)?.term === term) this.#decide({ number, outcome: 'refused', reason });
  }

  /** These entries are handed out to be applied. */
  committed(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.term > this.#committedTerm) this.#dropBefore(entry.term);
      if (entry.kind === 'empty' || entry.proposal.origin !== this.#origin) continue;
      const { number } = entry.proposal;
      if (this.#pending.has(number)) this.#decide({ number, outcome: 'committed', index: entry.index });
    }
  }

  /** A snapshot has taken the place of entries up to this term. */
  skipped(term: number): void {
    this.#committedTerm = Math.max(this.#committedTerm, term);
    for (const [number, pending] of this.#pending)
      if (pending.term <= term) this.#decide({ number, outcome: 'unknown' });
  }

  takeDecisions(): Decision[] {
    const decisions = this.#decisions;
    this.#decisions = [];
    return decisions;
  }

  #dropBefore(term: number): void {
    this.#committedTerm = term;
    for (const [number, pending] of this.#pending)
      if (pending.term < term) this.#decide({ number, outcome: 'dropped' });
  }

  #decide(decision: Decision): void {
    this.#forwardedBytes -= this.#pending.get(decision.number)?.data?.length ?? 0;
    this.#pending.delete(decision.number);
    this.#decisions.push(decision);
  }
}

import { assert } from '../lib/assert.ts';
import { bitsIn } from '../lib/bits.ts';

/** What a write needs on the other side of a slot that moves (`placement.ts`). */
export interface OtherSide {
  /** W there. */
  readonly need: number;
  /** Bit i: writer i is an owner only; writer i is on the other side only. */
  readonly onlyOwners: number;
  readonly onlyOthers: number;
}

/**
 * Counts the acknowledgements of one write: arithmetic only, the coordinator does the waiting. Whoever may acknowledge has a bit:
 * the slot's writers in their order, and behind them stand-ins, which count on every side.
 *
 * - A replica that stored the write, or already had it, acknowledges.
 * - A replica that holds a larger stamp answers `behind`: no acknowledgement, the write must be stamped again.
 * - A refilling replica stores the write but may have forgotten a larger stamp, so it vouches for nothing; its answer
 *   counts only where one acknowledgement is all that was asked for, and order between writes is not promised.
 */
export class WriteQuorum {
  /** W among the owners. */
  readonly need: number;
  readonly #other: OtherSide | undefined;
  #acknowledged = 0;

  constructor(need: number, other?: OtherSide) {
    this.need = need;
    this.#other = other;
  }

  /** The bits of those whose acknowledgement counts. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Whether one acknowledgement is all that is asked for, on either side: then that of a refilling replica counts, too. */
  get takesAny(): boolean {
    return this.need === 1 && (this.#other?.need ?? 1) === 1;
  }

  get reached(): boolean {
    return this.missing === 0;
  }

  /** How many acknowledgements more it takes at least. */
  get missing(): number {
    return Math.max(0, this.#missingOwners, this.#missingOthers);
  }

  /** How many acknowledgements there are, of how many, on the side that lacks more. */
  get tally(): { readonly have: number; readonly need: number } {
    const other = this.#other;
    const need = other !== undefined && this.#missingOthers > this.#missingOwners ? other.need : this.need;
    return { have: need - this.missing, need };
  }

  /** One replica stored it. */
  add(index: number, refilling: boolean): void {
    assert(index >= 0, 'Cannot count an acknowledgement: whose it is was not found');
    if (!refilling || this.takesAny) this.#acknowledged |= 1 << index;
  }

  /** The write got a new stamp: what was acknowledged was the old one. */
  restart(): void {
    this.#acknowledged = 0;
  }

  get #missingOwners(): number {
    return this.need - bitsIn(this.#acknowledged & ~(this.#other?.onlyOthers ?? 0));
  }

  get #missingOthers(): number {
    const other = this.#other;
    return other === undefined ? 0 : other.need - bitsIn(this.#acknowledged & ~other.onlyOwners);
  }
}

/**
 * Counts the answers of one read.
 *
 * - A replica that has the record, or says that it has nothing, answers.
 * - A refilling replica may have forgotten what it acknowledged: its record is welcome, its answer does not count.
 */
export class ReadQuorum {
  readonly need: number;
  #answered = 0;

  constructor(need: number) {
    this.need = need;
  }

  get answered(): number {
    return this.#answered;
  }

  get reached(): boolean {
    return this.#answered >= this.need;
  }

  add(refilling: boolean): void {
    if (!refilling) this.#answered++;
  }
}

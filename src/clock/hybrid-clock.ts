/**
 * A *stamp* is a hybrid logical clock reading packed in one safe integer: `(ms since 2025-01-01) × 4096 + logical`.
 * It compares with `<`, fits 53 bits until 2094, and 4,096 stamps fit a millisecond; a burst of more borrows from
 * the next one (S. Kulkarni et al., "Logical Physical Clocks", 2014, §3, with the two parts packed as in §6.2).
 */
export type Stamp = number;

/** 2025-01-01T00:00:00Z in Unix milliseconds. */
export const STAMP_EPOCH_MS = 1_735_689_600_000;
const TICKS_PER_MS = 4096;

/** No write carries this stamp; every other is greater. */
export const NO_STAMP: Stamp = 0;

/** No honest clock comes near it; what is above would leave a clock nowhere to go. */
export const MAX_STAMP: Stamp = Number.MAX_SAFE_INTEGER - 2 ** 45;

/** The first stamp of the millisecond `wallMs` (Unix time). */
export function stampAt(wallMs: number): Stamp {
  return Math.max(0, Math.floor(wallMs - STAMP_EPOCH_MS)) * TICKS_PER_MS;
}

/** The Unix time in milliseconds that a stamp names. */
export function wallMsOf(stamp: Stamp): number {
  return Math.floor(stamp / TICKS_PER_MS) + STAMP_EPOCH_MS;
}

/**
 * Issues stamps that rise for ever: above the wall clock, above everything this node has stamped, and above
 * everything it has seen. So a write made after another was seen carries the greater stamp (invariant 2).
 */
export class HybridClock {
  #last: Stamp;

  constructor(last: Stamp = NO_STAMP) {
    this.#last = last;
  }

  /** The greatest stamp issued or observed. */
  get last(): Stamp {
    return this.#last;
  }

  /** A stamp greater than every other that this clock has issued or observed. */
  next(wallMs: number): Stamp {
    const now = stampAt(wallMs);
    this.#last = now > this.#last ? now : this.#last + 1;
    return this.#last;
  }

  /** Takes note of a stamp that another node issued. */
  observe(stamp: Stamp): void {
    if (stamp > this.#last) this.#last = stamp;
  }
}

import { assert } from '../lib/assert.ts';

/**
 * Tells a message that has been seen from one that has not, in constant memory: the highest number so far and a
 * bitmap of the ones just below it, the sliding window of IPsec's anti-replay (RFC 4303, §3.4.3). What lies below the
 * window counts as seen: refusing a message that never came is safe, carrying it out twice is not.
 */
export class ReplayWindow {
  readonly #bits: Uint32Array;
  readonly #size: number;
  #highest = 0;

  /** @param size how many numbers the window spans, more than can be under way at a time; a multiple of 32. */
  constructor(size: number) {
    assert(size % 32 === 0, `Cannot make a replay window of ${size}: it is no multiple of 32`);
    this.#size = size;
    this.#bits = new Uint32Array(size / 32);
  }

  /** Notes a number (above 0); false when it has been noted before or is too old to tell. */
  admit(number: number): boolean {
    if (number <= this.#highest - this.#size) return false;
    if (number > this.#highest) this.#slideTo(number);
    const at = number % this.#size;
    const mask = 1 << (at & 31);
    if ((this.#bits[at >>> 5]! & mask) !== 0) return false;
    this.#bits[at >>> 5]! |= mask;
    return true;
  }

  #slideTo(number: number): void {
    if (number - this.#highest >= this.#size) {
      this.#bits.fill(0);
    } else {
      for (let passed = this.#highest + 1; passed <= number; passed++) {
        const at = passed % this.#size;
        this.#bits[at >>> 5]! &= ~(1 << (at & 31));
      }
    }
    this.#highest = number;
  }
}

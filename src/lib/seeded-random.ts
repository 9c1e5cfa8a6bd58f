/**
 * sfc32 (C. Doty-Humphrey, PractRand): a small, fast generator whose whole future follows from its seed.
 * The simulator draws everything from one of these, and tests do too; production takes its seed from the system.
 * Not for secrets. Satisfies the `Random` port.
 */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** A uniform integer in [0, 2^32). */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** A generator of its own, so that drawing more from one part of a simulation does not shift another's draws. */
  fork(): SeededRandom {
    return new SeededRandom(this.uint32() + this.uint32() * 0x10_0000);
  }
}

import { randomFillSync } from 'node:crypto';
import type { ProcessFacts } from '../node/node-options.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

/** The machine's clocks. */
export const SYSTEM_CLOCK: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** The system's random source, drawn from in blocks. */
export class SystemRandom implements Random {
  readonly #block = new Uint32Array(256);
  #next = this.#block.length;

  uint32(): number {
    if (this.#next === this.#block.length) {
      randomFillSync(this.#block);
      this.#next = 0;
    }
    return this.#block[this.#next++]!;
  }
}

export const SYSTEM_PROCESS: ProcessFacts = {
  id: process.pid,
  memory: () => {
    const { rss, heapUsed } = process.memoryUsage();
    return { residentBytes: rss, heapUsedBytes: heapUsed };
  },
};

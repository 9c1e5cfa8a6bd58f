import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayWindow } from '../../src/replication/replay-window.ts';

/** The window as a Set: plainly right. */
class TwinWindow {
  readonly #seen = new Set<number>();
  readonly #size: number;
  #highest = 0;

  constructor(size: number) {
    this.#size = size;
  }

  admit(number: number): boolean {
    if (number <= this.#highest - this.#size || this.#seen.has(number)) return false;
    this.#seen.add(number);
    this.#highest = Math.max(this.#highest, number);
    return true;
  }
}

describe('The replay window', () => {
  it('admits every number once, and none below the window, as a set of all numbers does', () => {
    const step = fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 1, max: 3 }) },
      { weight: 5, arbitrary: fc.integer({ min: -40, max: 0 }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 80 }) },
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 2 ** 40 }),
        fc.array(step, { maxLength: 300, size: 'max' }),
        (start, steps) => {
          const [window, twin] = [new ReplayWindow(32), new TwinWindow(32)];
          let highest = start;
          for (const by of steps) {
            const number = Math.max(1, highest + by);
            expect(window.admit(number)).toBe(twin.admit(number));
            highest = Math.max(highest, number);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('holds just its size: the lowest number within is new, the next below counts as seen', () => {
    const window = new ReplayWindow(32);
    expect(window.admit(100)).toBe(true);
    expect(window.admit(69)).toBe(true);
    expect(window.admit(68)).toBe(false);
  });

  it('begins wherever the first number is, and ends with the safe integers without a loop', () => {
    const window = new ReplayWindow(4096);
    const last = Number.MAX_SAFE_INTEGER;
    expect(window.admit(last - 10)).toBe(true);
    expect(window.admit(last)).toBe(true);
    expect(window.admit(last - 1)).toBe(true);
    expect(window.admit(last)).toBe(false);
  });

  it('is made of whole words', () => {
    expect(() => new ReplayWindow(33)).toThrow('Cannot make a replay window of 33');
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffMs } from '../../../src/io/bus/backoff.ts';
import { Fifo } from '../../../src/io/bus/fifo.ts';
import { Pressure } from '../../../src/io/bus/pressure.ts';
import { FlushQueue } from '../../../src/io/flush-queue.ts';
import { SeededRandom } from '../../../src/lib/seeded-random.ts';

describe('a queue', () => {
  test('gives back what an array with shift would', () => {
    const steps = fc.array(fc.record({ put: fc.nat(3_000), drop: fc.nat(3_000) }), { maxLength: 12 });
    fc.assert(
      fc.property(steps, rounds => {
        const queue = new Fifo<number>();
        const twin: number[] = [];
        let next = 0;
        for (const { put, drop } of rounds) {
          for (let i = 0; i < put; i++) {
            queue.put(next);
            twin.push(next++);
          }
          for (let i = 0; i < drop && twin.length > 0; i++) {
            if (queue.peek() !== twin.shift()) return false;
            queue.drop();
          }
          if (queue.isEmpty !== (twin.length === 0) || queue.peek() !== twin[0]) return false;
        }
        return true;
      }),
      { numRuns: 50 },
    );
  });
});

describe('the back-off', () => {
  test('is drawn from all of a span that doubles up to its bound', () => {
    const random = new SeededRandom(7);
    for (const [attempt, span] of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000].entries()) {
      const draws = Array.from({ length: 300 }, () => backoffMs(random, attempt, 50, 2_000));
      expect(Math.max(...draws)).toBeLessThan(span);
      expect(Math.max(...draws)).toBeGreaterThan(span * 0.9);
      expect(Math.min(...draws)).toBeLessThan(span * 0.1);
    }
    expect(backoffMs(random, 5_000, 50, 2_000)).toBeLessThan(2_000);
  });
});

describe('pressure', () => {
  test('is on while any link is behind, and said once', () => {
    const said: boolean[] = [];
    const pressure = new Pressure(on => said.push(on));
    const [a, b] = [{}, {}];
    pressure.set(a, true);
    pressure.set(b, true);
    pressure.set(a, false);
    pressure.set(a, false);
    expect([pressure.on, said]).toEqual([true, [true]]);
    pressure.set(b, false);
    expect([pressure.on, said]).toEqual([false, [true, false]]);
  });
});

describe('a flush queue', () => {
  test('flushes once a turn what was added in it, and in the next what a flush adds', async () => {
    const queue = new FlushQueue();
    const log: string[] = [];
    const again = { flush: () => void log.push('again') };
    const once = {
      flush() {
        log.push('once');
        queue.add(again);
      },
    };
    queue.add(once);
    expect(log).toEqual([]);
    await new Promise(setImmediate);
    expect(log).toEqual(['once']);
    await new Promise(setImmediate);
    expect(log).toEqual(['once', 'again']);
  });
});

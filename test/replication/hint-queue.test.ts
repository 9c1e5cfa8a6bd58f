import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dbOf,
  type Hint,
  HintQueue,
  hashOfHint,
  MAX_GROWTH_BYTES,
  slotOfHint,
  toHint,
} from '../../src/replication/hint-queue.ts';

const hints = fc.record({
  db: fc.integer({ min: 0, max: 15 }),
  slot: fc.integer({ min: 0, max: 16_383 }),
  hash: fc.integer({ min: 0, max: 0xffff_ffff }),
});

/** Few slots and hashes, so that hints repeat and meet in the table of the newest. */
const fewHints = fc
  .record({ slot: fc.integer({ min: 0, max: 2 }), hash: fc.constantFrom(0, 1, 2, 16_384, 16_385, 0xffff_ffff) })
  .map(({ slot, hash }) => toHint(0, slot, hash));

describe('A hint', () => {
  it('is one safe integer that tells keyspace, slot and hash', () => {
    fc.assert(
      fc.property(hints, ({ db, slot, hash }) => {
        const hint = toHint(db, slot, hash);
        expect(Number.isSafeInteger(hint)).toBe(true);
        expect([dbOf(hint), slotOfHint(hint), hashOfHint(hint)]).toEqual([db, slot, hash]);
      }),
    );
  });
});

describe('A queue of hints', () => {
  it('gives back what was added, first in, first out, and never finds what is not there', () => {
    const steps = fc.array(fc.oneof(fewHints, fc.constant('take' as const)), { maxLength: 200 });
    fc.assert(
      fc.property(steps, all => {
        const queue = new HintQueue();
        const twin: { hint: Hint; second: number }[] = [];
        for (const [second, step] of all.entries()) {
          if (step !== 'take') {
            if (queue.hasLately(step)) expect(twin.some(({ hint }) => hint === step)).toBe(true);
            queue.add(step, second);
            twin.push({ hint: step, second });
            expect(queue.hasLately(step)).toBe(true);
          } else if (twin.length > 0) {
            expect(queue.firstSecond).toBe(twin[0]!.second);
            expect(queue.take()).toBe(twin.shift()!.hint);
          }
          expect(queue.size).toBe(twin.length);
          for (const { hint } of twin) expect(queue.has(hint)).toBe(true);
        }
      }),
    );
  });

  it('drops what is not wanted when it is judged, a block at a time, in its order, and takes nothing before', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 5_000 }) },
      fc.constantFrom('doubt', 'judge', 'take' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (steps, share) => {
        const queue = new HintQueue();
        const isWanted = (hint: Hint) => hashOfHint(hint) % share === 0;
        let twin: { hint: Hint; second: number; isJudged: boolean }[] = [];
        let next = 0;
        const judgeAll = () => {
          while (queue.judge(isWanted));
          twin = twin.filter(({ hint, isJudged }) => isJudged || isWanted(hint));
          for (const each of twin) each.isJudged = true;
        };
        for (const [second, what] of steps.entries()) {
          if (typeof what === 'number') {
            for (const end = next + what; next < end; next++) {
              const hint = toHint(0, 1, next);
              queue.add(hint, second);
              twin.push({ hint, second, isJudged: true });
            }
          } else if (what === 'doubt') {
            queue.doubt();
            for (const each of twin) each.isJudged = false;
          } else if (what === 'judge') judgeAll();
          else if (twin.length > 0 && queue.isFirstJudged) {
            expect(queue.firstSecond).toBe(twin[0]!.second);
            expect(queue.take()).toBe(twin.shift()!.hint);
          }
          expect(queue.size).toBe(twin.length);
        }
        judgeAll();
        for (const { hint } of twin) expect(queue.take()).toBe(hint);
        expect([queue.size, queue.byteLength]).toEqual([0, new HintQueue().byteLength]);
      }),
      { numRuns: 50 },
    );
  });

  it('that is left with few hints of each block keeps them in few blocks', () => {
    const queue = new HintQueue();
    for (let i = 0; i < 80_000; i++) queue.add(toHint(0, 1, i), 0);
    const before = queue.byteLength;
    queue.doubt();
    expect([queue.isFirstJudged, queue.hasLately(toHint(0, 1, 79_999))]).toEqual([false, false]);
    while (queue.judge(hint => hashOfHint(hint) % 8 === 0));
    expect(queue.size).toBe(10_000);
    expect(queue.byteLength).toBeLessThan(before / 3);
  });

  it('drops what is old wherever it is, a block at a time, and finds no room for what it does not have', () => {
    const queue = new HintQueue();
    for (let i = 0; i < 10_000; i++) queue.add(toHint(0, 1, i), 20 + i);
    queue.add(toHint(0, 1, 10_000), 5);
    const dropped: number[] = [];
    const drop = () => queue.dropOlderThan(22, hint => dropped.push(hashOfHint(hint)));
    expect([drop(), drop(), drop()]).toEqual([true, true, false]);
    expect(dropped).toEqual([0, 1, 10_000]);
    expect([queue.size, queue.firstSecond, queue.take()]).toEqual([9_998, 22, toHint(0, 1, 2)]);
    queue.doubt();
    expect(queue.dropOlderThan(99_999, () => {})).toBe(false);
  });

  it('goes on over many blocks, and gives their memory back', () => {
    const queue = new HintQueue();
    const empty = queue.byteLength;
    const many = 50_000;
    for (let i = 0; i < many; i++) {
      const before = queue.byteLength;
      const wasFull = queue.isFull;
      queue.add(toHint(1, i % 16_384, i), i);
      expect(queue.byteLength - before > 0).toBe(wasFull);
      expect(queue.byteLength - before).toBeLessThanOrEqual(MAX_GROWTH_BYTES);
    }
    expect(queue.byteLength).toBeLessThan(many * 15);
    for (let i = 0; i < many; i++) expect(queue.take()).toBe(toHint(1, i % 16_384, i));
    expect([queue.size, queue.byteLength]).toEqual([0, empty]);
  });

  it('does not take what has been taken out for something that waits', () => {
    const queue = new HintQueue();
    const hint = toHint(0, 1, 2);
    queue.add(hint, 0);
    queue.add(toHint(0, 1, 3), 0);
    expect(queue.take()).toBe(hint);
    expect(queue.hasLately(hint)).toBe(false);
    expect(queue.has(hint)).toBe(false);
  });

  it('finds a hint that is written over and over, once a block', () => {
    const queue = new HintQueue();
    const hot = toHint(0, 7, 0x9000_0000);
    for (let i = 0; i < 40_000; i++) {
      if (!queue.hasLately(hot)) queue.add(hot, 0);
      queue.add(toHint(0, i % 16_384, i), 0);
    }
    expect(queue.size - 40_000).toBeLessThanOrEqual(2 * Math.ceil(40_000 / 8192));
  });

  it('that is empty has no first hint', () => {
    expect(() => new HintQueue().firstSecond).toThrow('there is none');
    expect(() => new HintQueue().take()).toThrow('there is none');
  });
});

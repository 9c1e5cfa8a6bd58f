import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { allAtOnce, type Steps } from '../../src/lib/steps.ts';
import type { PreferenceTable } from '../../src/ring/preference-table.ts';
import { Ring } from '../../src/ring/ring.ts';
import { aMemberList, aTokenNumber, members } from './members.ts';

describe('a preference table', () => {
  const table = new Ring(members(5)).table(3);

  test('names each rank of a list, and the rank of each member on it', () => {
    for (let slot = 0; slot < SLOT_COUNT; slot += 13) {
      const list = table.of(slot);
      expect(list).toHaveLength(3);
      for (const [rank, index] of list.entries()) {
        expect(table.at(slot, rank)).toBe(index);
        expect(table.rankOf(slot, index)).toBe(rank);
      }
      const absent = [0, 1, 2, 3, 4].filter(index => !list.includes(index));
      for (const index of absent) expect(table.rankOf(slot, index)).toBe(-1);
    }
  });

  test('counts the slots of each list', () => {
    const counts = table.slotsByList();
    expect(counts).toHaveLength(table.lists.length);
    for (const [at, list] of table.lists.entries()) {
      const slots = Array.from({ length: SLOT_COUNT }, (_, slot) => slot).filter(slot => table.of(slot) === list);
      expect(counts[at]).toBe(slots.length);
    }
  });

  test('hands out one and the same list for a slot', () => {
    expect(table.of(7)).toBe(table.of(7));
  });

  test('is built once for each length, and a length beyond the members is all of them', () => {
    const ring = new Ring(members(5));
    expect(ring.table(3)).toBe(ring.table(3));
    expect(ring.table(3)).not.toBe(ring.table(2));
    expect(ring.table(9)).toBe(ring.table(5));
    expect(ring.table(9).length).toBe(5);
  });
});

test('a table that is built in steps is the one that is built at once, and those who build it together take half the steps each', () => {
  const stepsOf = (...builders: Steps<PreferenceTable>[]): number => {
    for (let steps = 1; ; steps++) if (builders.map(builder => builder.next().done).includes(true)) return steps;
  };
  const [alone, shared] = [new Ring(members(5)), new Ring(members(5))];
  const many = stepsOf(alone.prepare(3));
  expect(many).toBeGreaterThan(50);
  expect(stepsOf(shared.prepare(3), shared.prepare(3))).toBeLessThanOrEqual(many / 2 + 2);
  const [built, atOnce] = [shared.table(3), new Ring(members(5)).table(3)];
  expect(allAtOnce(shared.prepare(3))).toBe(built);
  for (let slot = 0; slot < SLOT_COUNT; slot++) expect(built.of(slot)).toEqual(atOnce.of(slot));
});

describe('slot ranges', () => {
  test('cover every slot once, in order, with its own list, and no two neighbours have the same', () => {
    fc.assert(
      fc.property(aMemberList, aTokenNumber, fc.integer({ min: 1, max: 5 }), (list, tokens, n) => {
        const ring = new Ring(list, { tokens });
        const ranges = ring.slotRanges(n);
        let next = 0;
        for (const [i, range] of ranges.entries()) {
          expect(range.first).toBe(next);
          for (let slot = range.first; slot <= range.last; slot++) {
            if (ring.table(n).of(slot).join() !== range.members.join())
              throw new Error(`slot ${slot} has another list`);
          }
          if (i > 0) expect(range.members).not.toEqual(ranges[i - 1]!.members);
          next = range.last + 1;
        }
        expect(next).toBe(SLOT_COUNT);
      }),
      { numRuns: 20 },
    );
  });

  test('of a single member are one range', () => {
    expect(new Ring(members(1)).slotRanges(3)).toEqual([{ first: 0, last: SLOT_COUNT - 1, members: [0] }]);
  });
});

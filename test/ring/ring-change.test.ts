import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { Ring, type RingMember } from '../../src/ring/ring.ts';
import { dumbReplicas } from './dumb-ring.ts';
import { aMemberList, aSlot, aTokenNumber, members, namesAt } from './members.ts';

/** What is in `a` and not in `b`. */
function without(a: readonly string[], b: readonly string[]): string[] {
  return a.filter(name => !b.includes(name));
}

/** A member list, one of its members, and the list without that member: read forwards a leave, backwards a join. */
const aChange = aMemberList
  .filter(list => list.length > 1)
  .chain(list => fc.tuple(fc.constant(list), fc.constantFrom(...list)))
  .map(([full, changed]) => ({ full, changed: changed.name, rest: full.filter(each => each !== changed) }));

describe('a join or a leave', () => {
  test('changes the replicas of a slot by that member alone, in exchange for one other where the list is full', () => {
    fc.assert(
      fc.property(aChange, aTokenNumber, aSlot, fc.integer({ min: 1, max: 9 }), (change, tokens, slot, n) => {
        const withIt = namesAt(new Ring(change.full, { tokens }), slot, n);
        const withoutIt = namesAt(new Ring(change.rest, { tokens }), slot, n);
        const holds = withIt.includes(change.changed);
        expect(without(withIt, withoutIt)).toEqual(holds ? [change.changed] : []);
        expect(without(withoutIt, withIt)).toHaveLength(holds && n <= change.rest.length ? 1 : 0);
      }),
      { numRuns: 400 },
    );
  });

  test('leaves a slot as it is, order included, when the member is not on its list', () => {
    fc.assert(
      fc.property(aChange, aTokenNumber, aSlot, fc.integer({ min: 1, max: 9 }), (change, tokens, slot, n) => {
        const withIt = namesAt(new Ring(change.full, { tokens }), slot, n);
        if (withIt.includes(change.changed)) return;
        expect(namesAt(new Ring(change.rest, { tokens }), slot, n)).toEqual(withIt);
      }),
      { numRuns: 400 },
    );
  });

  test('changes exactly the slots that the linear scan says must change', () => {
    const tokens = 64;
    const before = members(6, undefined, 2);
    const after = members(7, undefined, 2);
    const [ring, grown] = [new Ring(before, { tokens }), new Ring(after, { tokens })];
    for (let slot = 0; slot < SLOT_COUNT; slot += 97) {
      const changes = namesAt(ring, slot, 3).join() !== namesAt(grown, slot, 3).join();
      const mustChange = dumbReplicas(after, tokens, slot, 3).includes('n7');
      expect(changes).toBe(mustChange);
    }
  });

  test('keeps the other members in their order where all are in one zone, or no two on the list share one', () => {
    const inOneZone = (list: readonly RingMember[]) => list.map(each => ({ ...each, zone: '' }));
    const inTheirOwn = (list: readonly RingMember[]) => list.map(each => ({ ...each, zone: each.name }));
    fc.assert(
      fc.property(
        aChange,
        aTokenNumber,
        aSlot,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(inOneZone, inTheirOwn),
        (change, tokens, slot, n, zoned) => {
          const withIt = namesAt(new Ring(zoned(change.full), { tokens }), slot, n);
          const withoutIt = namesAt(new Ring(zoned(change.rest), { tokens }), slot, n);
          expect(withIt.filter(name => withoutIt.includes(name))).toEqual(
            withoutIt.filter(name => withIt.includes(name)),
          );
        },
      ),
    );
  });

  test('moves as many replicas as the new member is to hold, no more', () => {
    const [ring, grown] = [new Ring(members(10)), new Ring(members(11))];
    const joiner = grown.indexOf('n11');
    let moved = 0;
    let held = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      moved += without(namesAt(grown, slot, 3), namesAt(ring, slot, 3)).length;
      if (grown.table(3).rankOf(slot, joiner) >= 0) held++;
    }
    expect(moved).toBe(held);
    expect(held / (SLOT_COUNT * (3 / 11))).toBeGreaterThan(0.93);
    expect(held / (SLOT_COUNT * (3 / 11))).toBeLessThan(1.07);
  });
});

describe('a weight that grows', () => {
  test('brings slots to its member and moves no replica between the others', () => {
    fc.assert(
      fc.property(aChange, aTokenNumber, aSlot, fc.integer({ min: 1, max: 9 }), (change, tokens, slot, n) => {
        const heavier = change.full.map(each =>
          each.name === change.changed ? { ...each, weight: each.weight * 2 } : each,
        );
        const light = namesAt(new Ring(change.full, { tokens }), slot, n);
        const heavy = namesAt(new Ring(heavier, { tokens }), slot, n);
        for (const name of without(heavy, light)) expect(name).toBe(change.changed);
      }),
      { numRuns: 200 },
    );
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { SlotSet } from '../../src/store/slot-set.ts';

const someSlots = fc.uniqueArray(fc.oneof(fc.nat(SLOT_COUNT - 1), fc.nat(70), fc.constantFrom(31, 32, SLOT_COUNT - 1)));

function setOf(slots: readonly number[]): SlotSet {
  const set = new SlotSet();
  for (const slot of slots) set.add(slot);
  return set;
}

test('of two sets of slots those in both are found, ascending', () => {
  fc.assert(
    fc.property(someSlots, someSlots, (a, b) => {
      const both = a.filter(slot => b.includes(slot)).sort((x, y) => x - y);
      expect(setOf(a).alsoIn(setOf(b))).toEqual(both);
    }),
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { Ring, type RingMember } from '../../src/ring/ring.ts';
import { dumbReplicas } from './dumb-ring.ts';
import { aMemberList, aSlot, aTokenNumber, member, namesAt } from './members.ts';

describe('a ring', () => {
  test('lists for every slot and length what the linear scan lists', () => {
    fc.assert(
      fc.property(aMemberList, aTokenNumber, aSlot, fc.nat(10), (members, tokens, slot, n) => {
        const ring = new Ring(members, { tokens });
        expect(namesAt(ring, slot, n)).toEqual(dumbReplicas(members, tokens, slot, n));
      }),
      { numRuns: 500 },
    );
  });

  test('lists the same from its tables as from a walk, in all slots', () => {
    fc.assert(
      fc.property(aMemberList, aTokenNumber, fc.nat(10), (members, tokens, n) => {
        const ring = new Ring(members, { tokens });
        const table = ring.table(n);
        for (let slot = 0; slot < SLOT_COUNT; slot += 61) {
          expect(table.of(slot)).toEqual([...ring.replicasOf(slot, n)]);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('is equal whatever the order of the member list', () => {
    const inAnyOrder = aMemberList.chain(members =>
      fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
    );
    fc.assert(
      fc.property(inAnyOrder, aTokenNumber, aSlot, ([members, shuffled], tokens, slot) => {
        const [ring, other] = [new Ring(members, { tokens }), new Ring(shuffled, { tokens })];
        expect(other.members).toEqual(ring.members);
        expect(namesAt(other, slot, 10)).toEqual(namesAt(ring, slot, 10));
      }),
    );
  });

  test('lists min(n, members) distinct members', () => {
    fc.assert(
      fc.property(aMemberList, aTokenNumber, aSlot, fc.nat(12), (members, tokens, slot, n) => {
        const list = namesAt(new Ring(members, { tokens }), slot, n);
        expect(list).toHaveLength(Math.min(n, members.length));
        expect(new Set(list).size).toBe(list.length);
      }),
    );
  });

  test('takes members from distinct zones while there are any left, and then shares out the rest over the zones', () => {
    fc.assert(
      fc.property(aMemberList, aTokenNumber, aSlot, fc.nat(10), (members, tokens, slot, n) => {
        const ring = new Ring(members, { tokens });
        const taken = new Map<string, number>(members.map(({ zone }) => [zone, 0]));
        for (const index of ring.replicasOf(slot, n)) {
          const { zone } = ring.members[index]!;
          const sizes = (other: string) => members.filter(each => each.zone === other).length;
          const fewest = Math.min(
            ...[...taken].filter(([other, count]) => count < sizes(other)).map(([, count]) => count),
          );
          expect(taken.get(zone)).toBe(fewest);
          taken.set(zone, taken.get(zone)! + 1);
        }
      }),
    );
  });

  test('makes a shorter list a prefix of a longer one', () => {
    fc.assert(
      fc.property(aMemberList, aTokenNumber, aSlot, fc.nat(10), (members, tokens, slot, n) => {
        const ring = new Ring(members, { tokens });
        expect(namesAt(ring, slot, 10).slice(0, n)).toEqual(namesAt(ring, slot, n));
      }),
    );
  });

  test('knows its members by name and by index', () => {
    const ring = new Ring([member('n2'), member('n10'), member('n1')]);
    expect(ring.members.map(({ name }) => name)).toEqual(['n1', 'n10', 'n2']);
    expect(ring.indexOf('n10')).toBe(1);
    expect(ring.indexOf('n3')).toBe(-1);
    expect(ring.tokensOf('n3')).toHaveLength(0);
  });

  test('gives a member weight × tokens tokens, and at least one', () => {
    const ring = new Ring([member('a', '', 1), member('b', '', 2.5), member('c', '', 0.001)], { tokens: 100 });
    expect(['a', 'b', 'c'].map(name => ring.tokensOf(name).length)).toEqual([100, 250, 1]);
  });

  test('takes the greatest weight and the greatest number of tokens', () => {
    expect(new Ring([member('a', '', 64)], { tokens: 100 }).tokensOf('a')).toHaveLength(6_400);
    expect(new Ring([member('a')], { tokens: 16_384 }).tokensOf('a')).toHaveLength(16_384);
  });

  test('of no members lists none', () => {
    const ring = new Ring([]);
    expect(ring.replicasOf(0, 3)).toHaveLength(0);
    expect(ring.table(3).length).toBe(0);
    expect(ring.table(3).of(SLOT_COUNT - 1)).toEqual([]);
  });

  test.each<[string, readonly RingMember[]]>([
    ['a name twice', [member('n1'), member('n2'), member('n1')]],
    ['a weight of zero', [member('n1', '', 0)]],
    ['a weight that is no number', [member('n1', '', Number.NaN)]],
    ['a weight beyond the bound', [member('n1', '', 65)]],
  ])('refuses %s', (_, members) => {
    expect(() => new Ring(members)).toThrow(/^Cannot build a ring: n1 /);
  });

  test('refuses a number of tokens that is none, a slot that is none and a length that is none', () => {
    for (const tokens of [0, -1, 1.5, Number.NaN, 16_385])
      expect(() => new Ring([], { tokens })).toThrow(/no number of tokens/);
    const ring = new Ring([member('n1')]);
    for (const slot of [-1, SLOT_COUNT, 0.5]) expect(() => ring.replicasOf(slot, 1)).toThrow(/is no slot/);
    for (const n of [-1, 0.5, Number.NaN]) expect(() => ring.table(n)).toThrow(/is no number of members/);
  });

  test('keeps its own copy of the member list', () => {
    const members = [member('n1'), member('n2')];
    const ring = new Ring(members);
    members.pop();
    expect(ring.members).toHaveLength(2);
  });
});

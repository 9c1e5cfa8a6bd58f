import fc from 'fast-check';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import type { Ring, RingMember } from '../../src/ring/ring.ts';

export function member(name: string, zone = '', weight = 1): RingMember {
  return { name, zone, weight };
}

/** `count` members of weight 1 named by `name`, in `zones` zones in turn. */
export function members(
  count: number,
  name: (node: number) => string = node => `n${node + 1}`,
  zones = 1,
): RingMember[] {
  return Array.from({ length: count }, (_, node) => member(name(node), `zone-${node % zones}`));
}

/** One to eight members with all kinds of names, in up to four zones, of unequal weights. */
export const aMemberList = fc.uniqueArray(
  fc.record({
    name: fc.oneof(
      fc.integer({ min: 1, max: 12 }).map(node => `n${node}`),
      fc.string({ minLength: 1, maxLength: 12 }),
    ),
    zone: fc.constantFrom('a', 'b', 'c', 'd'),
    weight: fc.constantFrom(0.25, 0.5, 1, 1, 1, 2, 3),
  }),
  { minLength: 1, maxLength: 8, selector: ({ name }) => name },
);

/** From one token a member, where the walk must go all around, to enough that members share slots. */
export const aTokenNumber = fc.constantFrom(1, 2, 7, 64, 300);

export const aSlot = fc.oneof(fc.constantFrom(0, 1, SLOT_COUNT - 1), fc.integer({ min: 0, max: SLOT_COUNT - 1 }));

export function namesAt(ring: Ring, slot: number, n: number): string[] {
  return Array.from(ring.replicasOf(slot, n), index => ring.members[index]!.name);
}

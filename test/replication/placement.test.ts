import { describe, expect, it } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { allAtOnce } from '../../src/lib/steps.ts';
import { Placement } from '../../src/replication/placement.ts';
import { namesTo, TestRings } from './rings.ts';

function place(members: number, replicas: number, self = 'n1') {
  const rings = new TestRings(self).settled(namesTo(members));
  const { ring, peers } = rings.owners;
  return { ring, peers, placement: allAtOnce(Placement.make(rings, replicas)) };
}

describe('Placement', () => {
  const { ring, peers, placement } = place(5, 3);

  it("gives every slot the ring's preference list", () => {
    for (let slot = 0; slot < SLOT_COUNT; slot += 37) {
      const expected = [...ring.replicasOf(slot, 3)].map(index => peers[index]);
      expect(placement.replicasOf(slot)).toEqual(expected);
    }
  });

  it('shares one array among slots with the same list', () => {
    const lists = new Set(Array.from({ length: SLOT_COUNT }, (_, slot) => placement.replicasOf(slot)));
    expect(lists.size).toBeLessThanOrEqual(5 * 4 * 3);
  });

  it('knows what is held here, and what is held here and there, in ascending order', () => {
    const [self, other] = [peers[0]!, peers[1]!];
    const shared: number[] = [];
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const list = placement.replicasOf(slot);
      expect(placement.isHeldHere(slot)).toBe(list.includes(self));
      if (list.includes(self) && list.includes(other)) shared.push(slot);
    }
    expect([...placement.sharedSlots().get(other)!]).toEqual(shared);
    expect(shared.length).toBeGreaterThan(0);
  });

  it('is the same list of shared slots at both ends', () => {
    const there = place(5, 3, 'n2');
    expect(placement.sharedSlots().get(peers[1]!)).toEqual(there.placement.sharedSlots().get(there.peers[0]!));
  });

  it('has no more replicas than the ring has members', () => {
    expect(place(2, 3).placement.replicaCount).toBe(2);
    expect(placement.replicaCount).toBe(3);
  });

  it('takes a slot that does not exist for one that is neither held nor written here', () => {
    for (const slot of [SLOT_COUNT, 65_535])
      expect([placement.isHeldHere(slot), placement.isWrittenHere(slot), placement.isOnAllSides(slot)]).toEqual([
        ...[false, false, false],
      ]);
  });
});

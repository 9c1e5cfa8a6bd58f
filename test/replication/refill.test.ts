import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Peer } from '../../src/replication/peer.ts';
import { Refill } from '../../src/replication/refill.ts';

const PEERS = ['a', 'b', 'c', 'd'].map(name => new Peer(name, false));
const [A, B] = PEERS as [Peer, Peer];

describe('A refill', () => {
  it('of a slot ends when it has been merged from as many whole replicas as are needed', () => {
    const refill = new Refill(2, 4);
    refill.begin(5);
    expect([refill.isRefilling(5), refill.isRefilling(6), refill.slotsLeft]).toEqual([true, false, 1]);
    refill.merged(5, A, true);
    expect(refill.isRefilling(5)).toBe(true);
    refill.merged(5, B, true);
    expect([refill.isRefilling(5), refill.slotsLeft]).toEqual([false, 0]);
  });

  it('does not count one replica twice', () => {
    const refill = new Refill(2, 4);
    refill.begin(5);
    refill.merged(5, A, true);
    refill.merged(5, A, true);
    expect(refill.isRefilling(5)).toBe(true);
  });

  it('takes no replica that is refilling itself for a witness, until it is whole', () => {
    const refill = new Refill(2, 4);
    refill.begin(5);
    refill.merged(5, A, true);
    refill.merged(5, B, false);
    expect(refill.isRefilling(5)).toBe(true);
    refill.merged(5, B, true);
    expect(refill.isRefilling(5)).toBe(false);
  });

  it('ends when every other replica has been merged, whole or not: there is nobody left to ask', () => {
    const refill = new Refill(2, 2);
    refill.begin(5);
    refill.merged(5, A, true);
    refill.merged(5, B, false);
    expect(refill.isRefilling(5)).toBe(false);
  });

  it('has nothing to wait for where nobody else holds the slot', () => {
    const refill = new Refill(0, 0);
    refill.begin(5);
    expect([refill.isRefilling(5), refill.slotsLeft]).toEqual([false, 0]);
  });

  it('is what sets of peers for each slot say', () => {
    const merge = fc.tuple(fc.nat(3), fc.constantFrom(...PEERS), fc.boolean());
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(merge, { maxLength: 40 }), (needed, merges) => {
        const refill = new Refill(needed, PEERS.length);
        const slots = [0, 1, 2, 3].map(() => ({ any: new Set<Peer>(), whole: new Set<Peer>() }));
        const isLeft = ({ any, whole }: { any: Set<Peer>; whole: Set<Peer> }): boolean =>
          whole.size < needed && any.size < PEERS.length;
        for (const slot of slots.keys()) refill.begin(slot);
        for (const [slot, peer, peerIsWhole] of merges) {
          refill.merged(slot, peer, peerIsWhole);
          slots[slot]!.any.add(peer);
          if (peerIsWhole) slots[slot]!.whole.add(peer);
          expect(refill.slotsLeft).toBe(slots.filter(isLeft).length);
          expect(refill.isRefilling(slot)).toBe(isLeft(slots[slot]!));
        }
      }),
    );
  });
});

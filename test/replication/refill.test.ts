import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Peer } from '../../src/replication/peer.ts';
import { Refill } from '../../src/replication/refill.ts';

const PEERS = ['a', 'b', 'c', 'd'].map(name => new Peer(name, false));
const [A, B] = PEERS as [Peer, Peer];

describe('A refill', () => {
  it('of a slot ends when it has been merged from as many other replicas as are needed', () => {
    const refill = new Refill(2);
    refill.begin(5);
    expect([refill.isRefilling(5), refill.isRefilling(6), refill.slotsLeft]).toEqual([true, false, 1]);
    refill.merged(5, A);
    expect(refill.isRefilling(5)).toBe(true);
    refill.merged(5, B);
    expect([refill.isRefilling(5), refill.slotsLeft]).toEqual([false, 0]);
  });

  it('does not count one replica twice', () => {
    const refill = new Refill(2);
    refill.begin(5);
    refill.merged(5, A);
    expect([refill.wants(5, A), refill.wants(5, B), refill.wants(6, B)]).toEqual([false, true, false]);
    refill.merged(5, A);
    expect(refill.isRefilling(5)).toBe(true);
  });

  it('has nothing to wait for where nobody else holds the slot', () => {
    const refill = new Refill(0);
    refill.begin(5);
    expect([refill.isRefilling(5), refill.slotsLeft]).toEqual([false, 0]);
  });

  it('is what sets of peers for each slot say', () => {
    const merge = fc.tuple(fc.nat(3), fc.constantFrom(...PEERS));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(merge, { maxLength: 40 }), (needed, merges) => {
        const refill = new Refill(needed);
        const from = [0, 1, 2, 3].map(() => new Set<Peer>());
        for (const slot of from.keys()) refill.begin(slot);
        for (const [slot, peer] of merges) {
          refill.merged(slot, peer);
          from[slot]!.add(peer);
          const left = from.filter(peers => peers.size < needed).length;
          expect(refill.slotsLeft).toBe(left);
          expect(refill.isRefilling(slot)).toBe(from[slot]!.size < needed);
        }
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Peer } from '../../src/replication/peer.ts';
import { SlotMerges } from '../../src/replication/slot-merges.ts';

const PEERS = ['a', 'b', 'c', 'd'].map(name => new Peer(name, false));
const [A, B] = PEERS as [Peer, Peer];

/** Ends when so many whole ones have been merged, or as many as there are. */
function mergesOf(needed: number, peers: readonly Peer[] = PEERS): SlotMerges {
  return new SlotMerges(
    () => peers,
    (_, __, { all, whole }) => whole >= needed || all >= peers.length,
  );
}

describe('Merges of a slot', () => {
  it('end when their rule is content', () => {
    const merges = mergesOf(2);
    merges.begin(5);
    expect([merges.isPending(5), merges.isPending(6), merges.slotsLeft]).toEqual([true, false, 1]);
    expect(merges.merged(5, A, true)).toBe(false);
    expect(merges.isPending(5)).toBe(true);
    expect(merges.merged(5, B, true)).toBe(true);
    expect([merges.isPending(5), merges.slotsLeft]).toEqual([false, 0]);
  });

  it('do not count one peer twice', () => {
    const merges = mergesOf(2);
    merges.begin(5);
    merges.merged(5, A, true);
    merges.merged(5, A, true);
    expect(merges.isPending(5)).toBe(true);
  });

  it('tell a peer that is refilling itself from one that is whole, until it is', () => {
    const merges = mergesOf(2);
    merges.begin(5);
    merges.merged(5, A, true);
    merges.merged(5, B, false);
    expect(merges.isPending(5)).toBe(true);
    merges.merged(5, B, true);
    expect(merges.isPending(5)).toBe(false);
  });

  it('do not count peers that own the slot no more', () => {
    const owners = [A, B];
    const merges = new SlotMerges(
      () => owners,
      (_, __, { whole }) => whole >= 2,
    );
    merges.begin(5);
    merges.merged(5, A, true);
    owners[0] = PEERS[2]!;
    expect(merges.merged(5, B, true)).toBe(false);
  });

  it('tell their rule whom the slot was merged from, and are settled when the rule has come to be content', () => {
    let isContent = false;
    const asked: boolean[][] = [];
    const merges = new SlotMerges(
      () => PEERS,
      (_, mergedFrom) => {
        asked.push([mergedFrom(A), mergedFrom(B)]);
        return isContent;
      },
    );
    merges.begin(5);
    merges.begin(16_383);
    merges.merged(5, B, false);
    expect(asked).toEqual([
      [false, false],
      [false, false],
      [false, true],
    ]);
    isContent = true;
    merges.settleAll();
    expect(merges.slotsLeft).toBe(0);
  });

  it('that begin anew forget what was merged', () => {
    const merges = mergesOf(2);
    merges.begin(5);
    merges.merged(5, A, true);
    merges.begin(5);
    expect(merges.slotsLeft).toBe(1);
    merges.merged(5, B, true);
    expect(merges.isPending(5)).toBe(true);
  });

  it('can be ended, and have nothing to wait for where nobody else holds the slot', () => {
    const merges = mergesOf(2);
    merges.begin(5);
    merges.end(5);
    merges.end(5);
    expect([merges.isPending(5), merges.slotsLeft]).toEqual([false, 0]);
    const alone = mergesOf(1, []);
    alone.begin(5);
    expect(alone.slotsLeft).toBe(0);
  });

  it('are what sets of peers for each slot say', () => {
    const merge = fc.tuple(fc.nat(3), fc.constantFrom(...PEERS), fc.boolean());
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(merge, { maxLength: 40 }), (needed, steps) => {
        const merges = mergesOf(needed);
        const slots = [0, 1, 2, 3].map(() => ({ any: new Set<Peer>(), whole: new Set<Peer>() }));
        const isLeft = ({ any, whole }: { any: Set<Peer>; whole: Set<Peer> }): boolean =>
          whole.size < needed && any.size < PEERS.length;
        for (const slot of slots.keys()) merges.begin(slot);
        for (const [slot, peer, peerIsWhole] of steps) {
          merges.merged(slot, peer, peerIsWhole);
          slots[slot]!.any.add(peer);
          if (peerIsWhole) slots[slot]!.whole.add(peer);
          expect(merges.slotsLeft).toBe(slots.filter(isLeft).length);
          expect(merges.isPending(slot)).toBe(isLeft(slots[slot]!));
        }
      }),
    );
  });
});

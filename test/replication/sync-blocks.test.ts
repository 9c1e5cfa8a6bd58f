import { describe, expect, it } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { drawBelow } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { slotOf } from '../../src/lib/slots.ts';
import {
  CHILDREN,
  childOf,
  digestOf,
  isBlock,
  ROOT_BLOCK,
  rangeOf,
  slotsOf,
} from '../../src/replication/sync-blocks.ts';
import { NEVER } from '../../src/store/record.ts';
import { RecordStore } from '../../src/store/record-store.ts';

const SLOTS = Uint16Array.from({ length: 8192 }, (_, i) => 2 * i);
const ACTORS = new Actors();
const ACTOR = ACTORS.intern('n1.0');

function filled(keys: number, tag: string): RecordStore {
  const store = new RecordStore({ actors: ACTORS, hashKey: [1, 2] });
  for (let i = 0; i < keys; i++) {
    const key = Buffer.from(`${tag}${i}`);
    store.putValue(slotOf(key), store.hashOf(key), key, Buffer.from('v'), i + 1, ACTOR, NEVER);
  }
  return store;
}

describe('A block', () => {
  it.each(['', '{one}', '{foo}'])('has the digest that its children have together, at every depth (tag %j)', tag => {
    const store = filled(5000, tag);
    const random = new SeededRandom(3);
    for (let run = 0; run < 100; run++) {
      let block = ROOT_BLOCK;
      while (isBlock(block)) {
        const children = Array.from({ length: CHILDREN }, (_, i) => childOf(block, i));
        const sum = [0, 0];
        for (const child of children) {
          const [low, high] = digestOf(store, SLOTS, child);
          sum[0]! ^= low;
          sum[1]! ^= high;
        }
        expect(digestOf(store, SLOTS, block)).toEqual([sum[0]! >>> 0, sum[1]! >>> 0]);
        const full = children.filter(child => digestOf(store, SLOTS, child)[0] !== 0);
        block = (full.length > 0 ? full : children)[drawBelow(random, Math.max(1, full.length))]!;
      }
    }
  });

  it('stands for slots above, for hashes of one slot below', () => {
    expect(slotsOf({ place: 2 ** 36, bits: 36 })).toEqual({ from: 16, count: 16 });
    expect(rangeOf(SLOTS, { place: 3 * 2 ** 32 + 2 ** 28, bits: 28 })).toEqual({
      slot: 6,
      fromHash: 2 ** 28,
      lastHash: 2 ** 29 - 1,
    });
  });

  it.each([
    { place: 0, bits: 3 },
    { place: 0, bits: 0 },
    { place: 0, bits: 52 },
    { place: 1, bits: 4 },
    { place: 2 ** 48, bits: 32 },
  ])('of $bits bits at $place is none', block => {
    expect(isBlock(block)).toBe(false);
  });
});

import { expect, test } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { contribution } from '../../src/digest/contribution.ts';
import { drawBelow } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { slotOf } from '../../src/lib/slots.ts';
import { NEVER } from '../../src/store/record.ts';
import { RecordStore } from '../../src/store/record-store.ts';

const SLOT = slotOf(Buffer.from('{one}'));

test('the digest of every part of a slot is that of the records in it, while the slot grows and shrinks', () => {
  const actors = new Actors();
  const actor = actors.intern('n1.0');
  const store = new RecordStore({ actors, hashKey: [1, 2] });
  const random = new SeededRandom(11);
  const stamps = new Map<number, number>();
  const expected = (fromHash: number, bits: number) => {
    const sum = [0, 0];
    for (const [i, stamp] of stamps) {
      const hash = store.hashOf(keyOf(i));
      if (hash < fromHash || hash >= fromHash + 2 ** bits) continue;
      const [low, high] = contribution(hash, stamp, actors.wordOf(actor));
      sum[0]! ^= low;
      sum[1]! ^= high;
    }
    return [sum[0]! >>> 0, sum[1]! >>> 0];
  };
  const seen = new Set<number>();
  let stamp = 0;
  for (let run = 0; run < 60; run++) {
    const grows = run < 40;
    for (let step = 0; step < 800; step++) {
      const i = drawBelow(random, 20_000);
      const key = keyOf(i);
      const remove = grows ? step % 16 === 0 : step % 16 !== 0;
      if (remove) {
        const last = grows ? i : ([...stamps.keys()][0] ?? i);
        store.remove(SLOT, store.hashOf(keyOf(last)), keyOf(last));
        stamps.delete(last);
      } else {
        store.putValue(SLOT, store.hashOf(key), key, Buffer.from('v'), ++stamp, actor, NEVER);
        stamps.set(i, stamp);
      }
    }
    seen.add(store.digests.leafBits(SLOT));
    for (const bits of [32, 28, 24, 20, 16, 8]) {
      const fromHash = drawBelow(random, 2 ** (32 - bits)) * 2 ** bits;
      expect(store.digestOfRange(SLOT, fromHash, bits)).toEqual(expected(fromHash, bits));
    }
  }
  expect(seen.has(8)).toBe(true);
  store.clear();
  expect(store.digestOfRange(SLOT, 0, 32)).toEqual([0, 0]);
});

test('a slot gives its leaves back when most of its records have gone', () => {
  const actors = new Actors();
  const store = new RecordStore({ actors, hashKey: [1, 2] });
  for (let i = 0; i < 600; i++)
    store.putValue(SLOT, store.hashOf(keyOf(i)), keyOf(i), keyOf(i), i + 1, actors.intern('n1.0'), NEVER);
  expect(store.digests.leafBits(SLOT)).toBe(8);
  for (let i = 100; i < 600; i++) store.remove(SLOT, store.hashOf(keyOf(i)), keyOf(i));
  expect(store.digests.leafBits(SLOT)).toBe(0);
});

test('leaves cover expiries, too: together they are the digest of the slot', () => {
  const actors = new Actors();
  const actor = actors.intern('n1.0');
  const store = new RecordStore({ actors, hashKey: [1, 2] });
  for (let i = 0; i < 600; i++) {
    const hash = store.hashOf(keyOf(i));
    store.putValue(SLOT, hash, keyOf(i), keyOf(i), 2 * i + 1, actor, NEVER);
    store.setExpiry(SLOT, hash, keyOf(i), 2_000_000_000_000, 2 * i + 2, actor);
  }
  for (const bits of [28, 16]) {
    const sum = [0, 0];
    for (let fromHash = 0; fromHash < 2 ** 32; fromHash += 2 ** bits) {
      const [low, high] = store.digestOfRange(SLOT, fromHash, bits);
      sum[0]! ^= low;
      sum[1]! ^= high;
    }
    expect([sum[0]! >>> 0, sum[1]! >>> 0]).toEqual(store.digests.of(SLOT));
  }
});

function keyOf(i: number): Buffer {
  return Buffer.from(`{one}${i}`);
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contribution } from '../../src/digest/contribution.ts';
import { LEAF_STEP, LeafDigests, leafBitsFor } from '../../src/digest/leaf-digests.ts';
import { SlotDigests } from '../../src/digest/slot-digests.ts';

interface Dot {
  readonly hash: number;
  readonly stamp: number;
  readonly word: number;
}

const aWord = fc.integer({ min: 0, max: 0xffffffff });
const aStamp = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
/** Many of close hashes, so that ranges hold several. */
const aHash = fc.oneof(aWord, fc.integer({ min: 0x12340000, max: 0x1234ffff }), fc.constantFrom(0, 0xffffffff));
const someDots = fc.array(fc.record({ hash: aHash, stamp: aStamp, word: aWord }), { maxLength: 40 });
const aRange = fc
  .tuple(aHash, fc.integer({ min: 8, max: 32 }))
  .map(([hash, bits]) => ({ from: Math.floor(hash / 2 ** bits) * 2 ** bits, bits }));

/** The dumb twin: looks at every dot. */
function digestOver(dots: readonly Dot[], from: number, bits: number): [number, number] {
  const sum = new Uint32Array(2);
  for (const { hash, stamp, word } of dots) {
    if (hash < from || hash >= from + 2 ** bits) continue;
    const [low, high] = contribution(hash, stamp, word);
    sum[0]! ^= low;
    sum[1]! ^= high;
  }
  return [sum[0]!, sum[1]!];
}

test('leaves tell the digest of every range that is no finer than they are, and of no other', () => {
  fc.assert(
    fc.property(fc.constantFrom(0, 1, 8, 12, 16), someDots, aRange, (leafBits, dots, { from, bits }) => {
      const leaves = new LeafDigests(leafBits);
      for (const { hash, stamp, word } of dots) leaves.toggle(hash, stamp, word);
      const expected = bits < 32 - leafBits ? undefined : digestOver(dots, from, bits);
      expect(leaves.of(from, bits)).toEqual(expected);
    }),
  );
});

test('the whole range is the XOR of all leaves, also of the first and the last', () => {
  for (const bits of [0, 8, 16]) {
    const leaves = new LeafDigests(bits);
    const dots = [0, 0x7fffffff, 0x80000000, 0xffffffff].map(hash => ({ hash, stamp: 5, word: 6 }));
    for (const { hash, stamp, word } of dots) leaves.toggle(hash, stamp, word);
    expect(leaves.of(0, 32)).toEqual(digestOver(dots, 0, 32));
    expect(leaves.bits).toBe(bits);
  }
});

test('a slot with leaves tells ranges by them, and forgets them when it is cleared', () => {
  const digests = new SlotDigests();
  const dots = [1, 0x01000000, 0xff000000].map(hash => ({ hash, stamp: 7, word: 8 }));
  const leaves = new LeafDigests(8);
  digests.toggle(4, 1, 7, 8);
  leaves.toggle(1, 7, 8);
  expect(digests.ofRange(4, 0, 24)).toBeUndefined();
  expect(digests.leafBits(4)).toBe(0);
  digests.setLeaves(4, leaves);
  for (const { hash, stamp, word } of dots.slice(1)) digests.toggle(4, hash, stamp, word);
  expect(digests.leafBits(4)).toBe(8);
  for (const hash of [0, 0x01000000, 0x02000000, 0xff000000])
    expect(digests.ofRange(4, hash, 24)).toEqual(digestOver(dots, hash, 24));
  expect(digests.ofRange(4, 0, 32)).toEqual(digestOver(dots, 0, 32));
  expect(digests.ofRange(4, 0, 23)).toBeUndefined();
  digests.clear();
  expect(digests.leafBits(4)).toBe(0);
  expect(digests.ofRange(4, 0, 24)).toBeUndefined();
});

test('one digest over slots is the XOR of theirs, from the first index to before the last, and none beyond the end', () => {
  const digests = new SlotDigests();
  for (let slot = 0; slot < 6; slot++) digests.toggle(slot, slot + 1, 9, 10);
  const slots = Uint16Array.from([5, 3, 0, 4]);
  const expected = (...members: number[]) => {
    const sum = new Uint32Array(2);
    for (const slot of members) for (const i of [0, 1]) sum[i]! ^= digests.of(slot)[i]!;
    return [sum[0], sum[1]];
  };
  expect(digests.over(slots, 0, 4)).toEqual(expected(5, 3, 0, 4));
  expect(digests.over(slots, 1, 3)).toEqual(expected(3, 0));
  expect(digests.over(slots, 2, 9)).toEqual(expected(0, 4));
  expect(digests.over(slots, 2, 2)).toEqual([0, 0]);
});

test('leaves are refined as records come, and stay so until three quarters have gone', () => {
  const growing = [0, 511, 512, 16_383, 16_384, 262_143, 262_144, 10_000_000].map(records => leafBitsFor(records, 0));
  expect(growing).toEqual([0, 0, 8, 8, 12, 12, 16, 16]);
  const shrinking = [65_537, 65_536, 4097, 4096, 129, 128].map(records => leafBitsFor(records, 16));
  expect(shrinking).toEqual([16, 12, 12, 8, 8, 0]);
  expect([511, 512, 16_383, 16_384].map(records => leafBitsFor(records, 8))).toEqual([8, 8, 8, 12]);
});

test('how fine leaves should be changes at multiples of the step only', () => {
  for (const held of [0, 8, 12, 16]) {
    for (let records = 1; records < 20_000; records++) {
      if (leafBitsFor(records, held) === leafBitsFor(records - 1, held)) continue;
      expect(Math.min(records % LEAF_STEP, (records - 1) % LEAF_STEP)).toBe(0);
    }
  }
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contribution, EMPTY_DIGEST } from '../../src/digest/contribution.ts';
import { SlotDigests } from '../../src/digest/slot-digests.ts';

const aWord = fc.integer({ min: 0, max: 0xffffffff });
const aStamp = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const aDot = fc.record({ slot: fc.nat(3), hash: aWord, stamp: aStamp, word: aWord });

test('a digest is the XOR of the contributions of the dots held, in whatever order they came and went', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(aDot, fc.boolean()), { maxLength: 60 }), dots => {
      const digests = new SlotDigests();
      for (const [dot] of dots) digests.toggle(dot.slot, dot.hash, dot.stamp, dot.word);
      for (const [dot, leaves] of dots) if (leaves) digests.toggle(dot.slot, dot.hash, dot.stamp, dot.word);
      for (let slot = 0; slot < 4; slot++) {
        const twin = new Uint32Array(2);
        for (const [dot, leaves] of dots) {
          if (leaves || dot.slot !== slot) continue;
          const [low, high] = contribution(dot.hash, dot.stamp, dot.word);
          twin[0]! ^= low;
          twin[1]! ^= high;
        }
        expect(digests.of(slot)).toEqual([twin[0], twin[1]]);
      }
    }),
  );
});

test('the digest of nothing is the empty one', () => {
  const digests = new SlotDigests();
  expect(digests.of(16_383)).toEqual(EMPTY_DIGEST);
  digests.toggle(16_383, 1, 2, 3);
  expect(digests.of(16_383)).not.toEqual(EMPTY_DIGEST);
  digests.clear();
  expect(digests.of(16_383)).toEqual(EMPTY_DIGEST);
});

test('every bit of key, stamp and actor changes about half of the bits of the contribution', () => {
  const flipped = (from: readonly number[], to: readonly number[]) =>
    [0, 1].reduce((sum, i) => sum + ((from[i]! ^ to[i]!) >>> 0).toString(2).replaceAll('0', '').length, 0);
  const samples = fc.sample(fc.tuple(aWord, aStamp, aWord), { numRuns: 300, seed: 7 });
  const changes: ((input: readonly [number, number, number]) => readonly [number, number, number])[] = [];
  for (let bit = 0; bit < 32; bit++) {
    changes.push(([hash, stamp, word]) => [(hash ^ (1 << bit)) >>> 0, stamp, word]);
    changes.push(([hash, stamp, word]) => [hash, stamp, (word ^ (1 << bit)) >>> 0]);
  }
  for (let bit = 0n; bit < 53n; bit++) {
    changes.push(([hash, stamp, word]) => [hash, Number(BigInt(stamp) ^ (1n << bit)), word]);
  }
  for (const change of changes) {
    let bits = 0;
    for (const sample of samples) bits += flipped(contribution(...sample), contribution(...change(sample)));
    expect(bits / samples.length / 64).toBeGreaterThan(0.4);
    expect(bits / samples.length / 64).toBeLessThan(0.6);
  }
});

test('neighbours do not cancel: no XOR of up to four contributions of close keys and stamps is empty', () => {
  const dots: bigint[] = [];
  for (let hash = 0; hash < 12; hash++) {
    for (let stamp = 1; stamp < 12; stamp++) {
      const [low, high] = contribution(hash, stamp, 7);
      dots.push((BigInt(high) << 32n) | BigInt(low));
    }
  }
  const pairs = new Set<bigint>([0n]);
  for (let i = 0; i < dots.length; i++) {
    for (let j = i + 1; j < dots.length; j++) {
      const xor = dots[i]! ^ dots[j]!;
      expect(pairs.has(xor)).toBe(false);
      pairs.add(xor);
    }
  }
});

test('a dot contributes the same in every version: nodes of two versions compare their digests', () => {
  const known = ([hash, stamp, word]: readonly [number, number, number]) =>
    contribution(hash, stamp, word).map(half => half.toString(16));
  expect(known([0, 1, 0])).toEqual(['cddf21f4', '37a43879']);
  expect(known([0x12345678, Number.MAX_SAFE_INTEGER, 0x9abcdef0])).toEqual(['5a0e266', '9e51a745']);
  expect(known([0xffffffff, 247_000_000_000_000, 0x80000000])).toEqual(['dd9edf12', 'd6ca6fd']);
});

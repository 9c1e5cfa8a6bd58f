import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { finalMix, murmur3 } from '../../src/ring/murmur3.ts';
import { DISTANCE_BITS, tokenCount, tokensOf } from '../../src/ring/tokens.ts';

describe('murmur3', () => {
  test.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['aa', 0x9747b28c, 0x5d211726],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['test', 0, 0xba6bd213],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])('gives the published value for %j and seed %i', (text, seed, hash) => {
    expect(murmur3(Buffer.from(text), seed)).toBe(hash);
  });

  test('counts zero bytes at the end', () => {
    expect(murmur3(Buffer.from([0]), 0)).not.toBe(murmur3(Buffer.from([0, 0]), 0));
  });

  test('mixes so that each bit of the input moves about half of the output', () => {
    for (let bit = 0; bit < 32; bit++) {
      let moved = 0;
      for (let i = 0; i < 1000; i++) {
        const word = Math.imul(i, 0x9e3779b9);
        moved += bitCount(finalMix(word) ^ finalMix(word ^ (1 << bit)));
      }
      expect(Math.abs(moved / 1000 - 16)).toBeLessThan(1);
    }
  });
});

describe('the tokens of a name', () => {
  test('stand where they have always stood', () => {
    expect(hex('n1')).toEqual(['5fc5bd99', 'fd2fbd99', '6b44bd99', '1adabd99']);
    expect(hex('coterie-0.coterie.default.svc.cluster.local')).toEqual([
      '0aab86f9',
      '73c586f9',
      '8c0286f9',
      '09b086f9',
    ]);
    expect(hex('nœud-1')).toEqual(['79a82ca1', '9b6e2ca1', 'c3012ca1', '0a9f2ca1']);
    expect(tokensOf('n1', 4096).reduce((sum, token) => (sum + token) % 2 ** 32, 0)).toBe(2430832640);
  });

  test('are the same whatever their number: fewer are a prefix of more', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(300), (name, count) => {
        expect(tokensOf(name, count)).toEqual(tokensOf(name, 300).subarray(0, count));
      }),
    );
  });

  test('lie at even distances behind their slots: each of 2^k tokens alone in its 2^-k of the distances', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 12 }), (name, k) => {
        const distances = Array.from(tokensOf(name, 2 ** k), token => token % 2 ** DISTANCE_BITS);
        expect(new Set(distances.map(distance => distance >>> (DISTANCE_BITS - k))).size).toBe(2 ** k);
      }),
    );
  });

  test('meet slots as if at random: as many slots as a random choice would miss have none', () => {
    for (const name of ['n1', 'n2', 'coterie-0', 'a-much-longer-name.example.com']) {
      const slots = new Set(Array.from(tokensOf(name, SLOT_COUNT), token => token >>> DISTANCE_BITS));
      const expected = SLOT_COUNT * (1 - Math.exp(-1));
      expect(Math.abs(slots.size - expected)).toBeLessThan(4 * Math.sqrt(SLOT_COUNT * 0.1));
    }
  });

  test('are other tokens than those of a name that differs in one character', () => {
    const all = ['n1', 'n2', 'n11', 'N1', 'n1 '].flatMap(name => [...tokensOf(name, 1000)]);
    expect(new Set(all).size).toBeGreaterThan(all.length - 20);
  });

  test('number weight × tokens, rounded, and at least one', () => {
    expect([tokenCount(1, 2048), tokenCount(1.5, 3), tokenCount(0.0001, 100)]).toEqual([2048, 5, 1]);
  });
});

function hex(name: string): string[] {
  return Array.from(tokensOf(name, 4), token => token.toString(16).padStart(8, '0'));
}

function bitCount(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}

import { describe, expect, it } from 'vitest';
import { crc32c, masked } from '../../src/io/disk/crc32c.ts';
import { drawBelow } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';

/** Bit by bit. */
function slow(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0);
  }
  return ~sum >>> 0;
}

describe('crc32c', () => {
  it('is what RFC 3720 (B.4) says', () => {
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(masked(crc32c(Buffer.from('foo')))).not.toBe(crc32c(Buffer.from('foo')));
  });

  it('is that of the same bytes bit by bit, whatever their number, and whole or in parts', () => {
    const random = new SeededRandom(1);
    for (let length = 0; length < 100; length++) {
      const bytes = Buffer.from(Array.from({ length }, () => drawBelow(random, 256)));
      const cut = drawBelow(random, length + 1);
      expect(crc32c(bytes)).toBe(slow(bytes));
      expect(crc32c(bytes, cut, length, crc32c(bytes, 0, cut))).toBe(slow(bytes));
    }
  });
});

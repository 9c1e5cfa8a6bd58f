/** A 64-bit key as two unsigned 32-bit words, low word first. */
export type HashKey = readonly [low: number, high: number];

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/**
 * HalfSipHash-1-3, 32 bits of output: a keyed hash that a stranger who does not know the key cannot aim at, cheap
 * enough for every key of every command because it works on 32-bit words (J.-P. Aumasson and D. J. Bernstein,
 * "SipHash: a fast short-input PRF", 2012; the half-width variant is in the authors' reference code and in Linux).
 *
 * @returns an unsigned 32-bit integer.
 */
export function halfSipHash(bytes: Uint8Array, key: HashKey): number {
  const length = bytes.length;
  let v0 = key[0] | 0;
  let v1 = key[1] | 0;
  let v2 = 0x6c796765 ^ v0;
  let v3 = 0x74656462 ^ v1;
  let word = 0;
  const wholeWords = length & ~3;
  for (let i = 0; i <= wholeWords; i += 4) {
    if (i < wholeWords) {
      word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    } else {
      word = length << 24;
      for (let rest = wholeWords; rest < length; rest++) word |= bytes[rest]! << ((rest & 3) << 3);
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = rotate(v1, 5) ^ v0;
    v0 = rotate(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotate(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotate(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotate(v1, 13) ^ v2;
    v2 = rotate(v2, 16);
    v0 ^= word;
  }
  v2 ^= 0xff;
  for (let round = 0; round < 3; round++) {
    v0 = (v0 + v1) | 0;
    v1 = rotate(v1, 5) ^ v0;
    v0 = rotate(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotate(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotate(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotate(v1, 13) ^ v2;
    v2 = rotate(v2, 16);
  }
  return (v1 ^ v3) >>> 0;
}

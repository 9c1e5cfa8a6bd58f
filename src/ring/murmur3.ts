/**
 * MurmurHash3_x86_32 (A. Appleby, 2011, public domain): well mixed, not secret, and the same everywhere for ever, which
 * is all that names need. Keys that strangers choose go through `halfSipHash` instead.
 *
 * @returns an unsigned 32-bit integer.
 */
export function murmur3(bytes: Uint8Array, seed: number): number {
  const wholeWords = bytes.length & ~3;
  let hash = seed | 0;
  for (let i = 0; i < wholeWords; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    hash ^= scramble(word);
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let rest = 0;
  for (let i = wholeWords; i < bytes.length; i++) rest |= bytes[i]! << ((i & 3) << 3);
  if (rest !== 0) hash ^= scramble(rest);
  return finalMix(hash ^ bytes.length);
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

/** MurmurHash3's finaliser: a permutation of the 32-bit integers in which each bit of the input moves half the output. */
export function finalMix(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

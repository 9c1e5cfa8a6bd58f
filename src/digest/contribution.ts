/** 64 bits as two unsigned words. */
export type Digest = readonly [low: number, high: number];

/** The digest of nothing. */
export const EMPTY_DIGEST: Digest = [0, 0];

/** What one dot of one key adds to every digest that covers it. */
export function contribution(keyHash: number, stamp: number, actorWord: number): Digest {
  const low = new Uint32Array(1);
  const high = new Uint32Array(1);
  toggleInto(low, high, 0, keyHash, stamp, actorWord);
  return [low[0]!, high[0]!];
}

const TWO_TO_32 = 0x1_0000_0000;

/**
 * A Feistel network over two words (M. Luby and C. Rackoff, 1988), which is a bijection however its rounds mix: key and
 * actor go in, two rounds, the stamp goes in, three rounds. So two keys never collide under one stamp, nor two stamps
 * of one key, and other collisions are as rare as 64 bits make them. The outcome goes straight to where it is wanted,
 * since this runs twice for every write.
 */
export function toggleInto(
  lows: Uint32Array,
  highs: Uint32Array,
  at: number,
  keyHash: number,
  stamp: number,
  actorWord: number,
): void {
  let low = keyHash | 0;
  let high = actorWord | 0;
  high ^= mixed(low + 0x9e3779b9);
  low ^= mixed(high + 0x3c6ef372);
  low ^= stamp | 0;
  high ^= (stamp / TWO_TO_32) | 0;
  high ^= mixed(low + 0xdaa66d2b);
  low ^= mixed(high + 0x78dde6e4);
  high ^= mixed(low + 0x1715609d);
  lows[at]! ^= low;
  highs[at]! ^= high;
}

/** The finaliser of MurmurHash3 (A. Appleby, 2011): a bit of the input changes each of the output half of the time. */
function mixed(sum: number): number {
  let word = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

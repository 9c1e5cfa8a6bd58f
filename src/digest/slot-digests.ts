import { SLOT_COUNT } from '../lib/slots.ts';

/** 64 bits as two unsigned words. */
export type Digest = readonly [low: number, high: number];

/** The digest of nothing. */
export const EMPTY_DIGEST: Digest = [0, 0];

/**
 * For each slot 64 bits that are, with overwhelming probability, equal on two replicas just when they hold the same
 * writes: the XOR of one contribution for each dot held. XOR undoes itself, so a write costs two toggles, the old
 * dot out and the new one in, whatever the slot holds; order does not matter. (The idea is that of incremental
 * hashing, M. Bellare and D. Micciancio, 1997, with XOR in its place because contributions are keyed by the cluster's
 * hash key through `keyHash` and members are trusted.)
 *
 * A digest covers dots, of values and of expiries, never vectors nor whether the value is still there: replicas forget
 * those at different times without differing in any write.
 */
export class SlotDigests {
  readonly #low = new Uint32Array(SLOT_COUNT);
  readonly #high = new Uint32Array(SLOT_COUNT);

  /** Adds a dot to the slot's digest, or takes it out when it is in. `actorWord` is `Actors.wordOf`. */
  toggle(slot: number, keyHash: number, stamp: number, actorWord: number): void {
    this.#low[slot]! ^= lowWord(keyHash, stamp, actorWord);
    this.#high[slot]! ^= highWord(keyHash, stamp, actorWord);
  }

  of(slot: number): Digest {
    return [this.#low[slot]!, this.#high[slot]!];
  }

  equal(slot: number, digest: Digest): boolean {
    return this.#low[slot] === digest[0] && this.#high[slot] === digest[1];
  }

  clear(): void {
    this.#low.fill(0);
    this.#high.fill(0);
  }
}

/** What one dot adds to its slot's digest. */
export function contribution(keyHash: number, stamp: number, actorWord: number): Digest {
  return [lowWord(keyHash, stamp, actorWord) >>> 0, highWord(keyHash, stamp, actorWord) >>> 0];
}

const TWO_TO_32 = 0x1_0000_0000;

/** The two words differ in seed and in the order in which they take the input, so that they fail independently. */
function lowWord(keyHash: number, stamp: number, actorWord: number): number {
  const upper = (stamp / TWO_TO_32) | 0;
  return avalanche(absorb(absorb(absorb(absorb(0x2545f491, keyHash), stamp | 0), upper), actorWord));
}

function highWord(keyHash: number, stamp: number, actorWord: number): number {
  const upper = (stamp / TWO_TO_32) | 0;
  return avalanche(absorb(absorb(absorb(absorb(0x9e3779b9, actorWord), upper), stamp | 0), keyHash));
}

/** One word into the state: the body of MurmurHash3_x86_32 (A. Appleby, 2011). */
function absorb(state: number, word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  const turned = state ^ Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0;
}

/** The finaliser of MurmurHash3: each bit of the input changes each of the output with probability one half. */
function avalanche(state: number): number {
  let word = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

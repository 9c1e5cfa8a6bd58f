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
    toggleInto(this.#low, this.#high, slot, keyHash, stamp, actorWord);
  }

  of(slot: number): Digest {
    return [this.#low[slot]!, this.#high[slot]!];
  }

  /** One digest over many slots: equal just when, with overwhelming probability, all of theirs are. */
  fold(slots: Uint16Array): Digest {
    let low = 0;
    let high = 0;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      low = Math.imul(low ^ this.#low[slot]!, 0x01000193) ^ (low >>> 15);
      high = Math.imul(high ^ this.#high[slot]!, 0x01000193) ^ (high >>> 13);
    }
    return [low >>> 0, high >>> 0];
  }

  equal(slot: number, digest: Digest): boolean {
    return this.#low[slot] === digest[0] && this.#high[slot] === digest[1];
  }

  clear(): void {
    this.#low.fill(0);
    this.#high.fill(0);
  }
}

/** What one dot of one key adds to its slot's digest. */
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
function toggleInto(
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

import { type Digest, toggleInto } from './contribution.ts';

/**
 * The lowest level of a slot's tree: one digest for each value of the top bits of the key hash. The levels above are
 * not kept, since XOR folds them when they are asked for, and a write so touches one leaf whatever the tree's height.
 */
export class LeafDigests {
  /** How many top bits of a hash choose its leaf, 0 to 16. */
  readonly bits: number;
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;

  constructor(bits: number) {
    this.bits = bits;
    this.#low = new Uint32Array(1 << bits);
    this.#high = new Uint32Array(1 << bits);
  }

  toggle(keyHash: number, stamp: number, actorWord: number): void {
    toggleInto(this.#low, this.#high, this.#leafOf(keyHash), keyHash, stamp, actorWord);
  }

  /** Over the 2^`rangeBits` hashes from `fromHash`, a multiple of that; undefined when they are part of one leaf. */
  of(fromHash: number, rangeBits: number): Digest | undefined {
    if (rangeBits < 32 - this.bits) return undefined;
    const from = this.#leafOf(fromHash);
    const to = from + 2 ** (rangeBits - 32 + this.bits);
    let low = 0;
    let high = 0;
    for (let leaf = from; leaf < to; leaf++) {
      low ^= this.#low[leaf]!;
      high ^= this.#high[leaf]!;
    }
    return [low >>> 0, high >>> 0];
  }

  #leafOf(hash: number): number {
    return this.bits === 0 ? 0 : hash >>> (32 - this.bits);
  }
}

/** A slot's leaves are refined at these numbers of records: they take 4 bytes a record then, in larger slots 2. */
const REFINEMENTS = [
  { bits: 16, records: 262_144 },
  { bits: 12, records: 16_384 },
  { bits: 8, records: 512 },
] as const;

/** All the numbers at which `leafBitsFor` changes its answer are multiples of this. */
export const LEAF_STEP = 128;

/**
 * How fine a slot's leaves should be: 0 where the slot's own digest is enough, for a page names all its records.
 *
 * @param held how fine they are: what has been refined stays so until three quarters of the records have gone.
 */
export function leafBitsFor(records: number, held: number): number {
  for (const { bits, records: least } of REFINEMENTS) {
    if (bits <= held ? records > least / 4 : records >= least) return bits;
  }
  return 0;
}

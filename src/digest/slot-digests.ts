import { SLOT_COUNT } from '../lib/slots.ts';
import { type Digest, toggleInto } from './contribution.ts';
import type { LeafDigests } from './leaf-digests.ts';

/**
 * For each slot 64 bits that are, with overwhelming probability, equal on two replicas just when they hold the same
 * writes: the XOR of one contribution for each dot held. XOR undoes itself, so a write costs two toggles, the old
 * dot out and the new one in, whatever the slot holds; order does not matter. (The idea is that of incremental
 * hashing, M. Bellare and D. Micciancio, 1997, with XOR in its place because contributions are keyed by the cluster's
 * hash key through `keyHash` and members are trusted.) A slot with many records has leaves below that.
 *
 * A digest covers dots, of values and of expiries, never vectors nor whether the value is still there: replicas forget
 * those at different times without differing in any write.
 */
export class SlotDigests {
  readonly #low = new Uint32Array(SLOT_COUNT);
  readonly #high = new Uint32Array(SLOT_COUNT);
  readonly #leaves: (LeafDigests | undefined)[] = new Array<undefined>(SLOT_COUNT).fill(undefined);

  /** Adds a dot to the slot's digest, or takes it out when it is in. `actorWord` is `Actors.wordOf`. */
  toggle(slot: number, keyHash: number, stamp: number, actorWord: number): void {
    toggleInto(this.#low, this.#high, slot, keyHash, stamp, actorWord);
    this.#leaves[slot]?.toggle(keyHash, stamp, actorWord);
  }

  of(slot: number): Digest {
    return [this.#low[slot]!, this.#high[slot]!];
  }

  /** One digest over the slots in `slots` from index `from` to below `to`, which may be beyond its end. */
  over(slots: Uint16Array, from: number, to: number): Digest {
    let low = 0;
    let high = 0;
    for (let i = from; i < to && i < slots.length; i++) {
      low ^= this.#low[slots[i]!]!;
      high ^= this.#high[slots[i]!]!;
    }
    return [low >>> 0, high >>> 0];
  }

  /** Over a range of the slot's hashes, as `LeafDigests.of`; undefined when it is finer than the slot's leaves. */
  ofRange(slot: number, fromHash: number, rangeBits: number): Digest | undefined {
    return rangeBits === 32 ? this.of(slot) : this.#leaves[slot]?.of(fromHash, rangeBits);
  }

  leafBits(slot: number): number {
    return this.#leaves[slot]?.bits ?? 0;
  }

  /** Keeps these leaves, which cover all that the slot's digest covers, from now on. */
  setLeaves(slot: number, leaves: LeafDigests | undefined): void {
    this.#leaves[slot] = leaves;
  }

  /** The slot holds nothing any more. */
  drop(slot: number): void {
    this.#low[slot] = 0;
    this.#high[slot] = 0;
    this.#leaves[slot] = undefined;
  }

  clear(): void {
    this.#low.fill(0);
    this.#high.fill(0);
    this.#leaves.fill(undefined);
  }
}

import { SLOT_COUNT } from '../lib/slots.ts';
import type { Peer } from './peer.ts';

/**
 * What a replica that came back without its data has yet to learn. It takes writes, but its answer counts towards no
 * R until it has merged the slot from N−W+1 other replicas: any write acknowledged by W of N is held by at least one
 * of those, so afterwards the replica knows every write that it may have acknowledged before it lost its memory.
 */
export class Refill {
  readonly #needed: number;
  /** Per slot: merges still to come; 0 once the slot is whole. */
  readonly #missing = new Uint8Array(SLOT_COUNT);
  readonly #mergedFrom = new Map<Peer, Uint8Array>();
  #slotsLeft = 0;

  /** @param needed min(N−W+1, N−1) */
  constructor(needed: number) {
    this.#needed = needed;
  }

  /** Marks a slot as lost. */
  begin(slot: number): void {
    if (this.#missing[slot] === 0 && this.#needed > 0) this.#slotsLeft++;
    this.#missing[slot] = this.#needed;
  }

  isRefilling(slot: number): boolean {
    return this.#missing[slot] !== 0;
  }

  /** How many slots are not whole yet. */
  get slotsLeft(): number {
    return this.#slotsLeft;
  }

  /** Whether a merge of this slot from `peer` would bring the refill on. */
  wants(slot: number, peer: Peer): boolean {
    return this.isRefilling(slot) && this.#mergedFrom.get(peer)?.[slot] !== 1;
  }

  /** All that `peer` held of the slot at some moment since the return has been merged here. */
  merged(slot: number, peer: Peer): void {
    if (!this.wants(slot, peer)) return;
    let slots = this.#mergedFrom.get(peer);
    if (slots === undefined) {
      slots = new Uint8Array(SLOT_COUNT);
      this.#mergedFrom.set(peer, slots);
    }
    slots[slot] = 1;
    this.#missing[slot]!--;
    if (this.#missing[slot] === 0) this.#slotsLeft--;
    if (this.#slotsLeft === 0) this.#mergedFrom.clear();
  }
}

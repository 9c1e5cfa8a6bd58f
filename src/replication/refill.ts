import { SLOT_COUNT } from '../lib/slots.ts';
import type { Peer } from './peer.ts';

/** What has been merged of a slot from one peer. */
const NOTHING = 0;
const FROM_REFILLING = 1;
const FROM_WHOLE = 2;

/**
 * What a replica that came back without its data has yet to learn. It takes writes, but its answer counts towards no
 * R until it has merged the slot from N−W+1 other replicas that are whole: any write acknowledged by W of N is held by
 * at least one of those, so afterwards the replica knows every write that it may have acknowledged before it lost its
 * memory. A peer that is refilling itself is no such witness; but when all others have been merged, whole or not, there
 * is nobody left to ask, and what is missing is lost (more than W−1 replicas lost it).
 */
export class Refill {
  readonly #wholeNeeded: number;
  readonly #others: number;
  readonly #refilling = new Uint8Array(SLOT_COUNT);
  /** What was merged from each peer, by slot. */
  readonly #merged = new Map<Peer, Uint8Array>();
  #slotsLeft = 0;

  /** @param wholeNeeded min(N−W+1, N−1) @param others N−1: the slot's other replicas. */
  constructor(wholeNeeded: number, others: number) {
    this.#wholeNeeded = wholeNeeded;
    this.#others = others;
  }

  /** Marks a slot as lost. Where there are no other replicas there is nothing to learn. */
  begin(slot: number): void {
    if (this.#refilling[slot] === 1 || this.#others === 0) return;
    this.#refilling[slot] = 1;
    this.#slotsLeft++;
  }

  isRefilling(slot: number): boolean {
    return this.#refilling[slot] === 1;
  }

  /** How many slots are not whole yet. */
  get slotsLeft(): number {
    return this.#slotsLeft;
  }

  /** All that `peer` held of the slot at some moment since the return has been merged here. */
  merged(slot: number, peer: Peer, peerIsWhole: boolean): void {
    if (!this.isRefilling(slot)) return;
    let slots = this.#merged.get(peer);
    if (slots === undefined) {
      slots = new Uint8Array(SLOT_COUNT);
      this.#merged.set(peer, slots);
    }
    slots[slot] = Math.max(slots[slot]!, peerIsWhole ? FROM_WHOLE : FROM_REFILLING);
    if (!this.#knowsEnough(slot)) return;
    this.#refilling[slot] = 0;
    this.#slotsLeft--;
    if (this.#slotsLeft === 0) this.#merged.clear();
  }

  #knowsEnough(slot: number): boolean {
    let merged = 0;
    let whole = 0;
    for (const slots of this.#merged.values()) {
      if (slots[slot] !== NOTHING) merged++;
      if (slots[slot] === FROM_WHOLE) whole++;
    }
    return whole >= this.#wholeNeeded || merged === this.#others;
  }
}

import { SLOT_COUNT } from '../lib/slots.ts';
import type { Peer } from './peer.ts';

/** What has been merged of a slot from one peer. */
const NOTHING = 0;
const FROM_REFILLING = 1;
const FROM_WHOLE = 2;

/** From how many of the peers that count a slot has been merged, and from how many of those that were whole. */
export interface Merged {
  readonly all: number;
  readonly whole: number;
}

/**
 * The slots that this node has yet to merge from others before it knows of them what it must know: because it came back without its
 * data (refilling), or because it is to own them. What suffices is the caller's rule.
 */
export class SlotMerges {
  readonly #isEnough: (slot: number, mergedFrom: (peer: Peer) => boolean, merged: Merged) => boolean;
  readonly #ownersOf: (slot: number) => readonly Peer[];
  readonly #pending = new Uint8Array(SLOT_COUNT);
  /** What was merged from each peer, by slot. */
  readonly #merged = new Map<Peer, Uint8Array>();
  #slotsLeft = 0;
  /** The slot that `#isEnough` is being asked about. */
  #asked = 0;
  readonly #isMergedFrom = (peer: Peer): boolean => this.#from(this.#asked, peer) !== NOTHING;

  /** @param ownersOf the slot's owners now: only what was merged from them counts. */
  constructor(
    ownersOf: (slot: number) => readonly Peer[],
    isEnough: (slot: number, mergedFrom: (peer: Peer) => boolean, merged: Merged) => boolean,
  ) {
    this.#ownersOf = ownersOf;
    this.#isEnough = isEnough;
  }

  /** How many slots are left. */
  get slotsLeft(): number {
    return this.#slotsLeft;
  }

  isPending(slot: number): boolean {
    return this.#pending[slot] === 1;
  }

  /** The slot must be merged from now on. Where there is nobody to merge from it is done at once. */
  begin(slot: number): void {
    for (const slots of this.#merged.values()) slots[slot] = NOTHING;
    if (this.#pending[slot] === 0) this.#slotsLeft++;
    this.#pending[slot] = 1;
    this.settle(slot);
  }

  /** Nothing need be merged of the slot any more. */
  end(slot: number): void {
    if (this.#pending[slot] === 0) return;
    this.#pending[slot] = 0;
    this.#slotsLeft--;
    if (this.#slotsLeft === 0) this.#merged.clear();
  }

  /** All that `peer` held of the slot at some moment since `begin` has been merged here. @returns whether that was the last. */
  merged(slot: number, peer: Peer, peerIsWhole: boolean): boolean {
    if (!this.isPending(slot)) return false;
    let slots = this.#merged.get(peer);
    if (slots === undefined) {
      slots = new Uint8Array(SLOT_COUNT);
      this.#merged.set(peer, slots);
    }
    slots[slot] = Math.max(slots[slot]!, peerIsWhole ? FROM_WHOLE : FROM_REFILLING);
    return this.settle(slot);
  }

  /** Ends the slot if enough has been merged, by what is known now. @returns whether it did. */
  settle(slot: number): boolean {
    if (!this.isPending(slot)) return false;
    this.#asked = slot;
    if (!this.#isEnough(slot, this.#isMergedFrom, this.#count(slot))) return false;
    this.end(slot);
    return true;
  }

  /** `settle` for all slots: who lives has changed. */
  settleAll(): void {
    if (this.#slotsLeft === 0) return;
    for (let slot = 0; slot < SLOT_COUNT; slot++) if (this.#pending[slot] === 1) this.settle(slot);
  }

  #count(slot: number): Merged {
    let all = 0;
    let whole = 0;
    for (const peer of this.#ownersOf(slot)) {
      const from = this.#from(slot, peer);
      if (from !== NOTHING) all++;
      if (from === FROM_WHOLE) whole++;
    }
    return { all, whole };
  }

  #from(slot: number, peer: Peer): number {
    return this.#merged.get(peer)?.[slot] ?? NOTHING;
  }
}

import type { Digest } from '../digest/contribution.ts';
import type { RecordStore } from '../store/record-store.ts';

/**
 * A part of what two replicas share: 2^`bits` places from `place` on, which is a multiple of that. A key's place is the
 * index of its slot among the shared slots, times 2^32, plus its hash: so one tree of blocks, each with 16 children, goes
 * through the slots and on inside each slot, and many small slots and one huge one are the same to it.
 */
export interface SyncBlock {
  readonly place: number;
  readonly bits: number;
}

/** A range of one slot's hashes, both ends included. */
export interface HashRange {
  readonly slot: number;
  readonly fromHash: number;
  readonly lastHash: number;
}

const CHILD_BITS = 4;
export const CHILDREN = 1 << CHILD_BITS;
/** The bits of a block that is just one slot. */
export const SLOT_BITS = 32;
/** Room for every slot; places behind the last shared one are empty on both sides. */
export const ROOT_BLOCK: SyncBlock = { place: 0, bits: 48 };

const TWO_TO_32 = 0x1_0000_0000;

/** Whether there may be such a block, with children. */
export function isBlock({ place, bits }: SyncBlock): boolean {
  const { bits: most } = ROOT_BLOCK;
  return bits >= CHILD_BITS && bits <= most && bits % CHILD_BITS === 0 && place < 2 ** most && place % 2 ** bits === 0;
}

export function childOf({ place, bits }: SyncBlock, index: number): SyncBlock {
  return { place: place + index * 2 ** (bits - CHILD_BITS), bits: bits - CHILD_BITS };
}

/** Index among the shared slots of the block's first, and how many it spans; 1 for a part of one. */
export function slotsOf({ place, bits }: SyncBlock): { from: number; count: number } {
  return { from: Math.floor(place / TWO_TO_32), count: 2 ** Math.max(0, bits - SLOT_BITS) };
}

/** The hashes of a block that is a slot or part of one. */
export function rangeOf(slots: Uint16Array, block: SyncBlock): HashRange {
  const fromHash = block.place % TWO_TO_32;
  return { slot: slots[slotsOf(block).from]!, fromHash, lastHash: fromHash + 2 ** block.bits - 1 };
}

/** What this store holds of a block, as a digest. */
export function digestOf(store: RecordStore, slots: Uint16Array, block: SyncBlock): Digest {
  const { from, count } = slotsOf(block);
  if (block.bits >= SLOT_BITS || from >= slots.length) return store.digests.over(slots, from, from + count);
  return store.digestOfRange(slots[from]!, block.place % TWO_TO_32, block.bits);
}

/** About how many records are here of a block that is a slot or part of one. */
export function recordsIn(store: RecordStore, slots: Uint16Array, block: SyncBlock): number {
  return store.slotRecords(slots[slotsOf(block).from]!) * 2 ** (block.bits - SLOT_BITS);
}

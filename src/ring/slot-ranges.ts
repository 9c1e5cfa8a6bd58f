import { SLOT_COUNT } from '../lib/slots.ts';
import type { PreferenceTable } from './preference-table.ts';

/** Consecutive slots, both ends included, that have the same preference list. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
  /** Member indexes, first replica first. */
  readonly members: readonly number[];
}

/**
 * All slots in order as the fewest such ranges: what `CLUSTER SLOTS` lists. A fair ring is a fine-grained one, so expect
 * thousands, up to one for each slot.
 */
export function slotRanges(table: PreferenceTable): SlotRange[] {
  const ranges: SlotRange[] = [];
  let first = 0;
  for (let slot = 1; slot <= SLOT_COUNT; slot++) {
    if (slot < SLOT_COUNT && table.sameList(first, slot)) continue;
    ranges.push({ first, last: slot - 1, members: table.of(first) });
    first = slot;
  }
  return ranges;
}

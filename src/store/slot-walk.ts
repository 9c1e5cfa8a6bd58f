import { SLOT_COUNT } from '../lib/slots.ts';
import type { KeyIndex } from './key-index.ts';
import type { SlotSet } from './slot-set.ts';
import { NO_CELL, type SlotTable } from './slot-table.ts';

/**
 * A place in the round through all records of a keyspace, slot after slot in the order of hashes, that background work
 * takes in small steps. Between steps the tables may change at will: records that are there all the time are visited
 * once a round.
 */
export class SlotWalk {
  #slot = 0;
  #hash = 0;

  /**
   * Visits about `budget` cells (those of equal hashes together) of the slots in `wanted`, at most one round. `visit`
   * may point a cell at another record; it must not add or remove cells.
   */
  step(index: KeyIndex, budget: number, wanted: SlotSet, visit: (slot: number, cell: number) => void): void {
    let left = budget;
    let passed = 0;
    while (left > 0) {
      passed += this.#goToFirst(wanted);
      if (passed > SLOT_COUNT) return;
      const table = index.tableOf(this.#slot);
      if (table !== undefined) {
        const stop = visitFrom(table, this.#hash, left, cell => visit(this.#slot, cell));
        left -= stop.visited;
        if (stop.hash >= 0) {
          this.#hash = stop.hash;
          return;
        }
      }
      this.#slot = (this.#slot + 1) % SLOT_COUNT;
      this.#hash = 0;
      passed++;
    }
  }

  /** Goes on to the next slot in the set, if it is not there. @returns how many slots that was, more than a round if there is none. */
  #goToFirst(wanted: SlotSet): number {
    const before = this.#slot;
    let slot = wanted.firstFrom(before);
    if (slot === before) return 0;
    if (slot < 0) slot = wanted.firstFrom(0);
    if (slot < 0) return SLOT_COUNT + 1;
    this.#slot = slot;
    this.#hash = 0;
    return (slot - before + SLOT_COUNT) % SLOT_COUNT;
  }
}

/**
 * Visits cells in the order of their hashes, from the first that is at least `fromHash`: `limit` of them, and then as
 * many as have the last one's hash, so that to go on from the returned hash misses none and repeats none.
 *
 * @param toHash cells with greater hashes are not visited.
 * @returns the hash to go on from, -1 at the end; and how many cells were visited.
 */
export function visitFrom(
  table: SlotTable,
  fromHash: number,
  limit: number,
  visit: (cell: number) => void,
  toHash = Number.POSITIVE_INFINITY,
): { hash: number; visited: number } {
  let visited = 0;
  let last = -1;
  for (let cell = table.seek(fromHash); cell !== NO_CELL; cell = table.following(cell)) {
    const hash = table.hashAt(cell);
    if (hash > toHash) break;
    if (visited >= limit && hash !== last) return { hash, visited };
    visit(cell);
    visited++;
    last = hash;
  }
  return { hash: -1, visited };
}

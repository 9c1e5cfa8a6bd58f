import { SLOT_COUNT } from '../lib/slots.ts';
import type { PreferenceWalk } from './preference-walk.ts';

/** The preference lists of all slots, all of one length, precomputed: what routing reads for every command. */
export class PreferenceTable {
  /** Members in each list: the policy's N, or all of the ring's members where they are fewer. */
  readonly length: number;
  readonly #members: Uint16Array;
  readonly #lists: Array<readonly number[] | undefined>;

  constructor(walk: PreferenceWalk, length: number) {
    const plan = walk.plan(length);
    this.length = length;
    this.#members = new Uint16Array(SLOT_COUNT * length);
    for (let slot = 0; slot < SLOT_COUNT; slot++) walk.list(slot, plan, this.#members, slot * length);
    this.#lists = new Array(SLOT_COUNT).fill(undefined);
  }

  /** The index of the member at `rank` in the slot's list; rank 0 is the first replica, the last is `length - 1`. */
  at(slot: number, rank: number): number {
    return this.#members[slot * this.length + rank]!;
  }

  /** Where the member stands in the slot's list, or -1 when it is no replica of that slot. */
  rankOf(slot: number, member: number): number {
    const start = slot * this.length;
    for (let rank = 0; rank < this.length; rank++) if (this.#members[start + rank] === member) return rank;
    return -1;
  }

  /** The slot's list, first replica first. Made when first asked for and kept, so asking again allocates nothing. */
  of(slot: number): readonly number[] {
    let list = this.#lists[slot];
    if (list === undefined) {
      list = Array.from(this.#members.subarray(slot * this.length, (slot + 1) * this.length));
      this.#lists[slot] = list;
    }
    return list;
  }

  /** Whether two slots have the same members in the same order. */
  sameList(a: number, b: number): boolean {
    for (let rank = 0; rank < this.length; rank++) if (this.at(a, rank) !== this.at(b, rank)) return false;
    return true;
  }
}

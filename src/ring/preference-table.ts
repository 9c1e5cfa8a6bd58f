import { SLOT_COUNT } from '../lib/slots.ts';
import { SLOTS_A_STEP, type Steps } from '../lib/steps.ts';
import type { PreferenceWalk } from './preference-walk.ts';

/** The preference lists of all slots, all of one length, precomputed: what routing reads for every command. */
export class PreferenceTable {
  /** Members in each list: the policy's N, or all of the ring's members where they are fewer. */
  readonly length: number;
  /** All different lists. */
  readonly lists: readonly (readonly number[])[];
  /** Index among `lists` of each slot's. */
  readonly #listOf: Uint16Array;

  private constructor(length: number, lists: readonly (readonly number[])[], listOf: Uint16Array) {
    this.length = length;
    this.lists = lists;
    this.#listOf = listOf;
  }

  static *make(walk: PreferenceWalk, length: number): Steps<PreferenceTable> {
    const plan = walk.plan(length);
    const members = new Uint16Array(length);
    const lists: (readonly number[])[] = [];
    const listOf = new Uint16Array(SLOT_COUNT);
    const root = new ListNode();
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      walk.list(slot, plan, members, 0);
      let node = root;
      for (let rank = 0; rank < length; rank++) node = node.next(members[rank]!);
      if (node.list < 0) {
        node.list = lists.length;
        lists.push(Array.from(members));
      }
      listOf[slot] = node.list;
      if (slot % SLOTS_A_STEP === SLOTS_A_STEP - 1) yield;
    }
    return new PreferenceTable(length, lists, listOf);
  }

  /** The index of the member at `rank` in the slot's list; rank 0 is the first replica, the last is `length - 1`. */
  at(slot: number, rank: number): number {
    return this.of(slot)[rank]!;
  }

  /** Where the member stands in the slot's list, or -1 when it is no replica of that slot. */
  rankOf(slot: number, member: number): number {
    return this.of(slot).indexOf(member);
  }

  /** The slot's list, first replica first. Slots with the same list share it. */
  of(slot: number): readonly number[] {
    return this.lists[this.#listOf[slot]!]!;
  }

  /** Index among `lists` of the slot's. */
  listAt(slot: number): number {
    return this.#listOf[slot]!;
  }

  /** How many slots have each of `lists`. */
  slotsByList(): Uint16Array {
    const counts = new Uint16Array(this.lists.length);
    for (const list of this.#listOf) counts[list]!++;
    return counts;
  }

  /** Whether two slots have the same members in the same order. */
  sameList(a: number, b: number): boolean {
    return this.#listOf[a] === this.#listOf[b];
  }
}

/** A node of the trie of lists: who stands at the next rank. */
class ListNode {
  list = -1;
  readonly #next = new Map<number, ListNode>();

  next(member: number): ListNode {
    let node = this.#next.get(member);
    if (node === undefined) {
      node = new ListNode();
      this.#next.set(member, node);
    }
    return node;
  }
}

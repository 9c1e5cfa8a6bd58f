import { SLOT_COUNT } from '../lib/slots.ts';
import type { PreferenceWalk } from './preference-walk.ts';

/** The preference lists of all slots, all of one length, precomputed: what routing reads for every command. */
export class PreferenceTable {
  /** Members in each list: the policy's N, or all of the ring's members where they are fewer. */
  readonly length: number;
  readonly #members: Uint16Array;
  /** Which of the different lists each slot has, and these; found when first asked for. */
  #listOf: Uint16Array | undefined;
  #lists: (readonly number[])[] = [];

  constructor(walk: PreferenceWalk, length: number) {
    const plan = walk.plan(length);
    this.length = length;
    this.#members = new Uint16Array(SLOT_COUNT * length);
    for (let slot = 0; slot < SLOT_COUNT; slot++) walk.list(slot, plan, this.#members, slot * length);
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

  /** The slot's list, first replica first. Slots with the same list share it. */
  of(slot: number): readonly number[] {
    return this.lists[this.listAt(slot)]!;
  }

  /** All different lists. */
  get lists(): readonly (readonly number[])[] {
    this.#listOf ??= this.#findLists();
    return this.#lists;
  }

  /** Index among `lists` of the slot's. */
  listAt(slot: number): number {
    this.#listOf ??= this.#findLists();
    return this.#listOf[slot]!;
  }

  #findLists(): Uint16Array {
    const listOf = new Uint16Array(SLOT_COUNT);
    const root = new ListNode();
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      let node = root;
      for (let rank = 0; rank < this.length; rank++) node = node.next(this.at(slot, rank));
      if (node.list < 0) {
        node.list = this.#lists.length;
        this.#lists.push(Array.from(this.#members.subarray(slot * this.length, (slot + 1) * this.length)));
      }
      listOf[slot] = node.list;
    }
    return listOf;
  }

  /** Whether two slots have the same members in the same order. */
  sameList(a: number, b: number): boolean {
    for (let rank = 0; rank < this.length; rank++) if (this.at(a, rank) !== this.at(b, rank)) return false;
    return true;
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

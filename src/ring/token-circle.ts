import { SLOT_COUNT } from '../lib/slots.ts';
import { SLOTS_A_STEP, type Steps } from '../lib/steps.ts';
import { DISTANCE_BITS } from './tokens.ts';

const OWNER_BITS = 32 - DISTANCE_BITS;
const DISTANCE_MASK = (1 << DISTANCE_BITS) - 1;
const OWNER_MASK = (1 << OWNER_BITS) - 1;

/** What the packing of a token and its owner in 32 bits leaves room for. */
export const MAX_MEMBERS = 1 << OWNER_BITS;

/** All members' tokens in the order of the ring. */
export class TokenCircle {
  /** The member index that each token belongs to, clockwise from slot 0. */
  readonly owners: Uint16Array;
  readonly #firstOfSlot: Uint32Array;

  private constructor(owners: Uint16Array, firstOfSlot: Uint32Array) {
    this.owners = owners;
    this.#firstOfSlot = firstOfSlot;
  }

  /**
   * A token's high bits name a slot, so the tokens are first dealt to the slots that meet them and then sorted in each, by distance and,
   * where two members share a place, by member: linear in the number of tokens, and nothing has to search afterwards.
   *
   * @param members each member's tokens, by member index; a step takes them of one.
   */
  static *make(members: Iterable<Uint32Array>): Steps<TokenCircle> {
    const tokensByMember: Uint32Array[] = [];
    const firstOfSlot = new Uint32Array(SLOT_COUNT + 1);
    for (const tokens of members) {
      tokensByMember.push(tokens);
      count(tokens, firstOfSlot);
      yield;
    }
    for (let slot = 1; slot <= SLOT_COUNT; slot++) firstOfSlot[slot]! += firstOfSlot[slot - 1]!;
    yield;
    const packed = new Uint32Array(firstOfSlot[SLOT_COUNT]!);
    const next = firstOfSlot.slice();
    for (const [member, tokens] of tokensByMember.entries()) {
      deal(tokens, member, next, packed);
      yield;
    }
    const owners = new Uint16Array(packed.length);
    for (let slot = 0; slot < SLOT_COUNT; slot += SLOTS_A_STEP) {
      sort(packed, firstOfSlot, slot, owners);
      yield;
    }
    return new TokenCircle(owners, firstOfSlot);
  }

  /** Where in `owners` the walk from a slot begins; `owners.length` means at 0, once around. */
  firstOf(slot: number): number {
    return this.#firstOfSlot[slot]!;
  }
}

/** Counts the tokens of each slot at the place of the next, so that sums over them say how many tokens lie before a slot. */
function count(tokens: Uint32Array, counts: Uint32Array): void {
  for (let i = 0; i < tokens.length; i++) counts[(tokens[i]! >>> DISTANCE_BITS) + 1]!++;
}

/** Puts the tokens with those of their slots, each as its distance and its owner in one word that sorts as it should. */
function deal(tokens: Uint32Array, member: number, next: Uint32Array, packed: Uint32Array): void {
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    packed[next[token >>> DISTANCE_BITS]!++] = ((token & DISTANCE_MASK) << OWNER_BITS) | member;
  }
}

/** Sorts the tokens of some slots, and says whose they are. */
function sort(packed: Uint32Array, firstOfSlot: Uint32Array, firstSlot: number, owners: Uint16Array): void {
  const end = firstSlot + SLOTS_A_STEP;
  for (let slot = firstSlot; slot < end; slot++) packed.subarray(firstOfSlot[slot], firstOfSlot[slot + 1]).sort();
  for (let i = firstOfSlot[firstSlot]!; i < firstOfSlot[end]!; i++) owners[i] = packed[i]! & OWNER_MASK;
}

import { assert } from '../lib/assert.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import { DISTANCE_BITS } from './tokens.ts';

const OWNER_BITS = 32 - DISTANCE_BITS;
const DISTANCE_MASK = (1 << DISTANCE_BITS) - 1;
const OWNER_MASK = (1 << OWNER_BITS) - 1;

/** What the packing of a token and its owner in 32 bits leaves room for. */
export const MAX_MEMBERS = 1 << OWNER_BITS;

/**
 * All members' tokens in the order of the ring. A token's high bits name a slot, so the tokens are first dealt to
 * the slots that meet them and then sorted in each, by distance and, where two members share a place, by member: linear in
 * the number of tokens, and nothing has to search afterwards.
 */
export class TokenCircle {
  /** The member index that each token belongs to, clockwise from slot 0. */
  readonly owners: Uint16Array;
  readonly #firstOfSlot: Uint32Array;

  /** @param tokensByMember each member's tokens, by member index. */
  constructor(tokensByMember: readonly Uint32Array[]) {
    assert(
      tokensByMember.length <= MAX_MEMBERS,
      `Cannot build a ring: ${tokensByMember.length} members exceed ${MAX_MEMBERS}`,
    );
    this.#firstOfSlot = countBefore(tokensByMember);
    const packed = deal(tokensByMember, this.#firstOfSlot);
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      packed.subarray(this.#firstOfSlot[slot], this.#firstOfSlot[slot + 1]).sort();
    }
    this.owners = new Uint16Array(packed.length);
    for (let i = 0; i < packed.length; i++) this.owners[i] = packed[i]! & OWNER_MASK;
  }

  /** Where in `owners` the walk from a slot begins; `owners.length` means at 0, once around. */
  firstOf(slot: number): number {
    return this.#firstOfSlot[slot]!;
  }
}

/** For each slot, how many tokens lie before it; one entry more for them all. */
function countBefore(tokensByMember: readonly Uint32Array[]): Uint32Array {
  const before = new Uint32Array(SLOT_COUNT + 1);
  for (const tokens of tokensByMember) {
    for (let i = 0; i < tokens.length; i++) before[(tokens[i]! >>> DISTANCE_BITS) + 1]!++;
  }
  for (let slot = 1; slot <= SLOT_COUNT; slot++) before[slot]! += before[slot - 1]!;
  return before;
}

/** The tokens grouped by slot, each as its distance and its owner in one word that sorts as it should. */
function deal(tokensByMember: readonly Uint32Array[], firstOfSlot: Uint32Array): Uint32Array {
  const next = firstOfSlot.slice();
  const packed = new Uint32Array(firstOfSlot[SLOT_COUNT]!);
  for (let member = 0; member < tokensByMember.length; member++) {
    const tokens = tokensByMember[member]!;
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!;
      packed[next[token >>> DISTANCE_BITS]!++] = ((token & DISTANCE_MASK) << OWNER_BITS) | member;
    }
  }
  return packed;
}

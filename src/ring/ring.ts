import { assert } from '../lib/assert.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import { allAtOnce, type Steps } from '../lib/steps.ts';
import { PreferenceTable } from './preference-table.ts';
import { PreferenceWalk } from './preference-walk.ts';
import { type SlotRange, slotRanges } from './slot-ranges.ts';
import { MAX_MEMBERS, TokenCircle } from './token-circle.ts';
import { DEFAULT_TOKENS, MAX_TOKENS, MAX_WEIGHT, tokenCount, tokensOf } from './tokens.ts';

/** A member as the ring sees it. Neither its address nor whether it lives is the ring's business. */
export interface RingMember {
  readonly name: string;
  /** Replicas of a slot are put in distinct zones while there are any left. */
  readonly zone: string;
  /** The member's share relative to the others'; above 0, at most `MAX_WEIGHT`, usually 1. */
  readonly weight: number;
}

export interface RingOptions {
  /** Tokens of a member of weight 1, at most `MAX_TOKENS`; the same on every node of a cluster. */
  readonly tokens?: number;
}

/**
 * Which members hold which slot: a pure function of the member list (D. Karger et al., "Consistent Hashing and Random
 * Trees", 1997; virtual nodes and preference lists as in G. DeCandia et al., "Dynamo", 2007, §4.2 and §4.3).
 * The order of the list does not matter. Nothing here changes after construction: another member list is another ring.
 *
 * Members go by their index in `members`, which is good for this ring only. What is looked up is worked out when it is first asked for, or
 * ahead of that, in steps.
 */
export class Ring {
  /** Sorted by name, in the order of UTF-16 code units. */
  readonly members: readonly RingMember[];
  readonly #indexes = new Map<string, number>();
  readonly #tokens: number;
  #walk: PreferenceWalk | undefined;
  readonly #tables = new Map<number, PreferenceTable>();
  /** Tables that are being built, by length: whoever needs one takes the next step. */
  readonly #building = new Map<number, Steps<PreferenceTable>>();

  constructor(members: readonly RingMember[], options: RingOptions = {}) {
    this.#tokens = options.tokens ?? DEFAULT_TOKENS;
    assert(isTokenNumber(this.#tokens), `Cannot build a ring: ${this.#tokens} is no number of tokens`);
    this.members = members.map(({ name, zone, weight }) => ({ name, zone, weight })).sort(byName);
    const { length } = this.members;
    assert(length <= MAX_MEMBERS, `Cannot build a ring: ${length} members exceed ${MAX_MEMBERS}`);
    for (const [index, { name, weight }] of this.members.entries()) {
      assert(!this.#indexes.has(name), `Cannot build a ring: ${name} is in the member list twice`);
      assert(weight > 0 && weight <= MAX_WEIGHT, `Cannot build a ring: ${name} has weight ${weight}`);
      this.#indexes.set(name, index);
    }
  }

  /** The member's index, or -1 when the ring has no member of this name. */
  indexOf(name: string): number {
    return this.#indexes.get(name) ?? -1;
  }

  /** The member's tokens, in no particular order; none when the ring has no member of this name. */
  tokensOf(name: string): Uint32Array {
    const member = this.members[this.indexOf(name)];
    return member === undefined ? new Uint32Array(0) : this.#tokensOf(member);
  }

  /**
   * The first `n` members of the slot's preference list, or all where there are fewer; the first is the first replica.
   * What follows a keyspace's own N is the order in which others stand in. Walks the ring and allocates: for
   * inspection and for stand-ins. Every request's routing reads a `table`.
   */
  replicasOf(slot: number, n: number): Uint16Array {
    assert(Number.isInteger(slot) && slot >= 0 && slot < SLOT_COUNT, `Cannot list replicas: ${slot} is no slot`);
    const walk = allAtOnce(this.#prepareWalk());
    const plan = walk.plan(this.#listLength(n));
    const list = new Uint16Array(plan.length);
    walk.list(slot, plan, list, 0);
    return list;
  }

  /** The first `n` members for every slot, or all where there are fewer; built when first asked for and kept. */
  table(n: number): PreferenceTable {
    return this.#tables.get(this.#listLength(n)) ?? allAtOnce(this.prepare(n));
  }

  /** Builds `table(n)` in steps, which are shared among all who do so at the same time. */
  *prepare(n: number): Steps<PreferenceTable> {
    const length = this.#listLength(n);
    for (;;) {
      const table = this.#tables.get(length);
      if (table !== undefined) return table;
      const steps = this.#building.get(length) ?? this.#build(length);
      this.#building.set(length, steps);
      steps.next();
      yield;
    }
  }

  *#build(length: number): Steps<PreferenceTable> {
    const walk = yield* this.#prepareWalk();
    const table = yield* PreferenceTable.make(walk, length);
    this.#tables.set(length, table);
    this.#building.delete(length);
    return table;
  }

  *#prepareWalk(): Steps<PreferenceWalk> {
    if (this.#walk !== undefined) return this.#walk;
    const circle = yield* TokenCircle.make(this.#allTokens());
    const zones = this.members.map(({ zone }) => zone);
    this.#walk = new PreferenceWalk(circle, zones);
    return this.#walk;
  }

  *#allTokens(): Iterable<Uint32Array> {
    for (const member of this.members) yield this.#tokensOf(member);
  }

  /** The slots as runs with identical preference lists of length `n`. */
  slotRanges(n: number): SlotRange[] {
    return slotRanges(this.table(n));
  }

  #tokensOf(member: RingMember): Uint32Array {
    return tokensOf(member.name, tokenCount(member.weight, this.#tokens));
  }

  #listLength(n: number): number {
    assert(Number.isInteger(n) && n >= 0, `Cannot list replicas: ${n} is no number of members`);
    return Math.min(n, this.members.length);
  }
}

function isTokenNumber(tokens: number): boolean {
  return Number.isInteger(tokens) && tokens > 0 && tokens <= MAX_TOKENS;
}

function byName(a: RingMember, b: RingMember): number {
  return a.name < b.name ? -1 : 1;
}

import { assert } from '../lib/assert.ts';
import type { TokenCircle } from './token-circle.ts';

/**
 * How a slot's preference list comes off the circle: laps.
 *
 * Each lap walks the whole ring clockwise from the slot and takes the first member of each zone that no earlier lap took. So
 * the list is from distinct zones while there are any left, then begins over with the zones that have members left:
 *
 *     circle from the slot:  a1 a2 b1 a1 b2 a3 …      zones a, b
 *     lap 1: a1 b1   lap 2: a2 b2   lap 3: a3         list: a1 b1 a2 b2 a3
 *
 * The lap in which a member is taken is its rank within its zone, and how many each lap takes is known beforehand
 * from the zones' sizes. So one walk does for all laps: a member goes to the end of its lap's part of the list, or is passed
 * over when that part is full, and the walk ends with the list.
 *
 * A shorter list is a prefix of a longer one. When a member joins, the *set* of any slot's first n changes by that member
 * coming in for one other, or not at all; when one leaves, by the reverse. (A zone's k-th member can only come nearer when
 * one joins it; so the zone gains at most one place, and if it gains none then the joiner displaces the zone's own last.)
 */
export class PreferenceWalk {
  readonly #circle: TokenCircle;
  /** Zone of each member, as a small integer. */
  readonly #zoneOf: Uint16Array;
  readonly #zoneSizes: Uint16Array;
  readonly #seen: Uint8Array;
  readonly #takenOfZone: Uint16Array;

  /** @param zones each member's zone, by member index. */
  constructor(circle: TokenCircle, zones: readonly string[]) {
    const indexes = new Map<string, number>();
    for (const zone of zones) if (!indexes.has(zone)) indexes.set(zone, indexes.size);
    this.#circle = circle;
    this.#zoneOf = Uint16Array.from(zones, zone => indexes.get(zone)!);
    this.#zoneSizes = new Uint16Array(indexes.size);
    for (const zone of this.#zoneOf) this.#zoneSizes[zone]!++;
    this.#seen = new Uint8Array(zones.length);
    this.#takenOfZone = new Uint16Array(indexes.size);
  }

  /** What lists of this length have in common; `length` at most the number of members. */
  plan(length: number): LapPlan {
    assert(length <= this.#zoneOf.length, `Cannot list ${length} members: the ring has ${this.#zoneOf.length}`);
    return new LapPlan(this.#zoneSizes, length);
  }

  /** Writes the preference list of `slot` to `out[at, at + plan.length)`, as member indexes. */
  list(slot: number, plan: LapPlan, out: Uint16Array, at: number): void {
    const owners = this.#circle.owners;
    const ends = plan.begin(at);
    this.#seen.fill(0);
    this.#takenOfZone.fill(0);
    const first = this.#circle.firstOf(slot);
    let missing = plan.length;
    for (let step = 0; missing > 0; step++) {
      assert(step < owners.length, `Cannot list ${plan.length} members: once around the ring, ${missing} are missing`);
      const place = first + step;
      const member = owners[place < owners.length ? place : place - owners.length]!;
      if (this.#seen[member] === 1) continue;
      this.#seen[member] = 1;
      const lap = this.#takenOfZone[this.#zoneOf[member]!]!++;
      if (lap >= plan.laps || ends[lap] === at + plan.lapStarts[lap + 1]!) continue;
      out[ends[lap]!++] = member;
      missing--;
    }
  }
}

/** How many members of a list each lap contributes. */
export class LapPlan {
  readonly length: number;
  readonly laps: number;
  /** Where each lap's part of the list begins, and one entry more for the end of the list. */
  readonly lapStarts: Uint32Array;
  readonly #ends: Uint32Array;

  constructor(zoneSizes: Uint16Array, length: number) {
    const starts = [0];
    for (let lap = 0, total = 0; total < length; lap++) {
      for (const size of zoneSizes) if (size > lap && total < length) total++;
      starts.push(total);
    }
    this.length = length;
    this.laps = starts.length - 1;
    this.lapStarts = Uint32Array.from(starts);
    this.#ends = new Uint32Array(starts.length);
  }

  /** Where each lap's next member goes in a list that begins at `at`; scratch space, good until the next call. */
  begin(at: number): Uint32Array {
    for (let lap = 0; lap < this.laps; lap++) this.#ends[lap] = at + this.lapStarts[lap]!;
    return this.#ends;
  }
}

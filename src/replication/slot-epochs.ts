import { SLOT_COUNT } from '../lib/slots.ts';
import { haveSameOwners, isSameSides, type Sides, sufficeFor } from './sides.ts';

/**
 * Since which epoch requests have meant for each slot what they mean now (decision 0015), as far as a node knows: where it has missed
 * epochs, since the present one.
 */
export class SlotEpochs {
  /** The lists, and what reads and writes make of them, have been the same. */
  readonly lists = new Uint32Array(SLOT_COUNT);
  /** Writes have gone to all who are sent them now, and needed W of each list that there is now. */
  readonly writes = new Uint32Array(SLOT_COUNT);
  /** Reads have gone to the owners of now, and writes needed W of them. */
  readonly reads = new Uint32Array(SLOT_COUNT);

  /** Slots come to be as they are at this epoch. */
  begin(slot: number, epoch: number): void {
    this.lists[slot] = epoch;
    this.writes[slot] = epoch;
    this.reads[slot] = epoch;
  }

  /** The slot is as it was at the epoch before this one in these respects; in the others it comes to be as it is at this epoch. */
  goOn(slot: number, epoch: number, { lists, writes, reads }: Continuity, before: SlotEpochs): void {
    this.lists[slot] = lists ? before.lists[slot]! : epoch;
    this.writes[slot] = writes ? before.writes[slot]! : epoch;
    this.reads[slot] = reads ? before.reads[slot]! : epoch;
  }
}

/** What requests of the epoch before mean as well at the next. */
export interface Continuity {
  readonly lists: boolean;
  readonly writes: boolean;
  readonly reads: boolean;
}

/** Works out what goes on where slots were `then` and are `now`; many slots have both in common. */
export class Continuities {
  readonly #known = new Map<Sides, Map<Sides, Continuity>>();
  /** By the index of `then`, what was asked for last: mostly the same again. */
  readonly #last: { readonly now: Sides; readonly continuity: Continuity }[] = [];

  of(then: Sides, now: Sides): Continuity {
    const last = this.#last[then.index];
    if (last?.now === now) return last.continuity;
    const continuity = this.#find(then, now);
    this.#last[then.index] = { now, continuity };
    return continuity;
  }

  #find(then: Sides, now: Sides): Continuity {
    const known = this.#known.get(then) ?? new Map<Sides, Continuity>();
    if (known.size === 0) this.#known.set(then, known);
    let continuity = known.get(now);
    if (continuity === undefined) {
      const lists = isSameSides(then, now);
      continuity = { lists, writes: lists || sufficeFor(then, now), reads: lists || haveSameOwners(then, now) };
      known.set(now, continuity);
    }
    return continuity;
  }
}

import { SLOT_COUNT } from '../lib/slots.ts';
import { SlotSet } from '../store/slot-set.ts';
import type { Peer } from './peer.ts';
import { ALL_SIDES, OWNS, type Sides } from './sides.ts';
import { Continuities, SlotEpochs } from './slot-epochs.ts';

/** What a placement says of each slot. */
export interface SlotFacts {
  /** Slots with the same lists share them. */
  readonly sides: readonly Sides[];
  /** What this node is to the slot. */
  readonly flags: Uint8Array;
  readonly epochs: SlotEpochs;
}

/** The facts of a new placement and what is different in it, put together slot by slot, ascending. */
export class PlacedSlots implements SlotFacts {
  readonly sides: Sides[] = new Array(SLOT_COUNT);
  readonly flags = new Uint8Array(SLOT_COUNT);
  readonly epochs = new SlotEpochs();
  /** Slots that had other lists before, as far as this node knows. */
  readonly changed = new SlotList();
  /** Of those, the ones that this node has to merge, and those that it comes to own without having been sent their writes. */
  readonly gained = new SlotList();
  /** Slots whose writes this node is not sent. */
  readonly foreign = new SlotSet();
  /** Slots that this node and a peer compare. */
  readonly shared = new Map<Peer, SlotList>();
  /** How many slots this node has to merge before the ring can turn. */
  arriving = 0;
  readonly #epoch: number;
  readonly #before: SlotFacts | undefined;
  readonly #isNext: boolean;
  readonly #continuities = new Continuities();
  /** By the index of the sides. */
  readonly #sharedBy: (readonly SlotList[])[] = [];

  /** @param before what is said of them until now. @param isNext whether that was in the epoch before this one. */
  constructor(epoch: number, before: SlotFacts | undefined, isNext: boolean) {
    this.#epoch = epoch;
    this.#before = before;
    this.#isNext = isNext;
  }

  place(slot: number, sides: Sides): void {
    const { flags, mustArrive } = sides;
    const before = this.#before;
    this.sides[slot] = sides;
    this.flags[slot] = flags;
    if (flags === 0) this.foreign.add(slot);
    if (mustArrive) this.arriving++;
    if (!this.#goesOn(slot, sides)) {
      this.changed.add(slot);
      const isNew = before !== undefined && (flags & OWNS) !== 0 && (before.flags[slot]! & ALL_SIDES) === 0;
      if (mustArrive || isNew) this.gained.add(slot);
    }
    for (const list of this.#sharedLists(sides)) list.add(slot);
  }

  /** Whether the slot is as it was at the epoch before this one. */
  #goesOn(slot: number, sides: Sides): boolean {
    const before = this.#before;
    if (before === undefined || !this.#isNext) {
      this.epochs.begin(slot, this.#epoch);
      return false;
    }
    const continuity = this.#continuities.of(before.sides[slot]!, sides);
    this.epochs.goOn(slot, this.#epoch, continuity, before.epochs);
    return continuity.lists;
  }

  #sharedLists(sides: Sides): readonly SlotList[] {
    let lists = this.#sharedBy[sides.index];
    if (lists === undefined) {
      lists = sides.compared.map(peer => this.#sharedWith(peer));
      this.#sharedBy[sides.index] = lists;
    }
    return lists;
  }

  #sharedWith(peer: Peer): SlotList {
    const list = this.shared.get(peer) ?? new SlotList();
    this.shared.set(peer, list);
    return list;
  }
}

/** Slots, in the order in which they are added. */
class SlotList {
  readonly #slots = new Uint16Array(SLOT_COUNT);
  #count = 0;

  get slots(): Uint16Array {
    return this.#slots.slice(0, this.#count);
  }

  add(slot: number): void {
    this.#slots[this.#count++] = slot;
  }
}

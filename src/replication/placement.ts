import { SLOT_COUNT } from '../lib/slots.ts';
import { SLOTS_A_STEP, type Steps } from '../lib/steps.ts';
import type { SlotSet } from '../store/slot-set.ts';
import type { Peer } from './peer.ts';
import { PlacedSlots, type SlotFacts } from './placed-slots.ts';
import { ownerCounts, type PeeredRing, type Rings } from './rings.ts';
import { ALL_SIDES, MAX_REPLICAS, OWNS, type Sides, SlotSides } from './sides.ts';
import type { SlotEpochs } from './slot-epochs.ts';

/** Members beyond the preference list that may be asked to stand in. */
const MAX_STAND_INS = 16;

/**
 * Who holds which slot in one keyspace at one ring epoch: the rings' preference lists, as the peers themselves.
 * Slots with the same list share one array, so a list is found by one look-up and nothing is allocated.
 *
 * A slot *moves* while its lists on the two sides differ. Then it has the owners, whom reads go to, and on the other side those who
 * will own it (or, in the last phase, have owned it). A write has to be acknowledged on both sides.
 */
export class Placement {
  /** The last epoch at which these were the lists, as far as is known. */
  #epoch: number;
  readonly isAlone: boolean;
  /** min(N, members): how many owners every slot has, and how many it has on the other side while the ring changes. */
  readonly replicaCount: number;
  readonly otherCount: number;
  /** Members that are gone for good. */
  readonly lost: ReadonlySet<Peer>;
  /** Slots that had other lists before this placement, as far as this node knows. */
  readonly changedSlots: Uint16Array;
  /** Of those, the ones that this node has to merge, and those that it comes to own without having been sent their writes. */
  readonly gainedSlots: Uint16Array;
  /** Slots whose writes this node is not sent. */
  readonly foreignSlots: SlotSet;
  /** How many slots `mustArrive`. */
  readonly arriving: number;
  readonly #sides: readonly Sides[];
  readonly #flags: Uint8Array;
  readonly #epochs: SlotEpochs;
  /** All different ones. */
  readonly #differentSides: readonly Sides[];
  readonly #shared: ReadonlyMap<Peer, Uint16Array>;
  readonly #ring: PeeredRing;
  readonly #standIns = new Map<number, readonly Peer[]>();
  /** By the owners. */
  readonly #knowing = new Map<readonly Peer[], readonly Peer[]>();
  #arrivers: ReadonlySet<Peer> | undefined;

  private constructor(rings: Rings, replicas: number | 'all', slots: PlacedSlots, different: readonly Sides[]) {
    this.#epoch = rings.epoch;
    this.isAlone = rings.isAlone;
    [this.replicaCount, this.otherCount] = ownerCounts(rings, replicas);
    this.lost = rings.lost;
    this.changedSlots = slots.changed.slots;
    this.gainedSlots = slots.gained.slots;
    this.foreignSlots = slots.foreign;
    this.arriving = slots.arriving;
    this.#sides = slots.sides;
    this.#flags = slots.flags;
    this.#epochs = slots.epochs;
    this.#differentSides = different;
    this.#shared = new Map([...slots.shared].map(([peer, list]) => [peer, list.slots]));
    this.#ring = rings.owners;
  }

  /** @param before what is in force here until this is; undefined for the first. */
  static *make(rings: Rings, replicas: number | 'all', before?: Placement): Steps<Placement> {
    const sides = yield* SlotSides.make(rings, replicas);
    // A node that has missed epochs does not know what changed in them, and takes everything for changed.
    const isNext = before !== undefined && rings.epoch === before.epoch + 1;
    const slots = new PlacedSlots(rings.epoch, before?.slotFacts, isNext);
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      slots.place(slot, sides.of(slot));
      if (slot % SLOTS_A_STEP === SLOTS_A_STEP - 1) yield;
    }
    return new Placement(rings, replicas, slots, sides.different);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The next epoch has the same rings. */
  goOnTo(epoch: number): void {
    this.#epoch = epoch;
  }

  /** The slot's owners, whom reads go to: its preference list. */
  replicasOf(slot: number): readonly Peer[] {
    return this.#sides[slot]!.owners;
  }

  /** The slot's owners but for this node and those that are gone for good: who may still know something of it. */
  knowing(slot: number): readonly Peer[] {
    const owners = this.replicasOf(slot);
    let knowing = this.#knowing.get(owners);
    if (knowing === undefined) {
      knowing = owners.filter(peer => !peer.isSelf && !this.lost.has(peer));
      this.#knowing.set(owners, knowing);
    }
    return knowing;
  }

  /** Whom a write is sent to: the owners, and behind them, while the slot moves, those on the other side. */
  writersOf(slot: number): readonly Peer[] {
    return this.#sides[slot]!.writers;
  }

  /** Whether the ring changes; not every slot moves then. */
  get isChanging(): boolean {
    return this.otherCount > 0;
  }

  isMoving(slot: number): boolean {
    return this.#sides[slot]!.isMoving;
  }

  /** Bit i: writer i is an owner, and not on the other side. */
  onlyOwners(slot: number): number {
    return this.#sides[slot]!.onlyOwner;
  }

  /** Bit i: writer i is on the other side, and no owner. */
  onlyOthers(slot: number): number {
    return this.#sides[slot]!.onlyOther;
  }

  /** The members that follow the slot's owners on the ring and stand in for them, the nearest first; found when first asked for. */
  standInsOf(slot: number): readonly Peer[] {
    let list = this.#standIns.get(slot);
    if (list === undefined) {
      const writers = this.writersOf(slot);
      const most = Math.min(writers.length + MAX_STAND_INS, MAX_REPLICAS);
      const indexes = this.#ring.ring.replicasOf(slot, most).subarray(this.replicaCount);
      const others = Array.from(indexes, index => this.#ring.peers[index]!).filter(peer => !writers.includes(peer));
      list = others.slice(0, MAX_REPLICAS - writers.length);
      this.#standIns.set(slot, list);
    }
    return list;
  }

  /** Whether this node is one of the slot's owners. */
  isHeldHere(slot: number): boolean {
    return (this.#flags[slot]! & OWNS) !== 0;
  }

  /** Whether this node is sent the slot's writes. */
  isWrittenHere(slot: number): boolean {
    return (this.#flags[slot]! & ALL_SIDES) !== 0;
  }

  /** Whether this node's acknowledgement counts on both sides. */
  isOnAllSides(slot: number): boolean {
    return this.#flags[slot] === ALL_SIDES;
  }

  /** Whether this node has to merge the slot before the ring can turn. */
  mustArrive(slot: number): boolean {
    return this.#sides[slot]!.mustArrive;
  }

  /** Those who have to merge slots before the ring can turn (`mustArrive`); found when first asked for. */
  arrivers(): ReadonlySet<Peer> {
    this.#arrivers ??= this.#findArrivers();
    return this.#arrivers;
  }

  /** The former owners of slots that move and have turned to their new ones: every list that there is. */
  formerOwnerLists(): (readonly Peer[])[] {
    const moving = this.#differentSides.filter(({ isMoving }) => isMoving);
    return moving.map(({ writers, onlyOwner }) => writers.filter((_, i) => (onlyOwner & (1 << i)) === 0));
  }

  /** Whether what was sent at this epoch is about the slot as it is now. */
  isCurrent(slot: number, epoch: number): boolean {
    return epoch >= this.#epochs.lists[slot]!;
  }

  /**
   * Whether this node stores and acknowledges a write that was sent at this epoch. One of an earlier epoch has to be as good as one of
   * now, or it is sent again by the present one: a new owner that has merged the slot from here counts on it. One of a later epoch is
   * taken as far as this node can tell: that a record is held here is true at any epoch.
   */
  takesWrites(slot: number, epoch: number): boolean {
    return this.isWrittenHere(slot) && epoch >= this.#epochs.writes[slot]!;
  }

  /** Whether this node answers a read that was sent at this epoch: of an earlier one only where the owners were the same. */
  takesReads(slot: number, epoch: number): boolean {
    return this.isHeldHere(slot) && epoch >= this.#epochs.reads[slot]!;
  }

  /** The slots that this node and each other compare, ascending; the same at both ends. */
  sharedSlots(): ReadonlyMap<Peer, Uint16Array> {
    return this.#shared;
  }

  /** What the placement that follows this one compares itself with. */
  get slotFacts(): SlotFacts {
    return { sides: this.#sides, flags: this.#flags, epochs: this.#epochs };
  }

  #findArrivers(): ReadonlySet<Peer> {
    const arrivers = new Set<Peer>();
    for (const { writers, arriving } of this.#differentSides)
      for (const [i, peer] of writers.entries()) if ((arriving & (1 << i)) !== 0) arrivers.add(peer);
    return arrivers;
  }
}

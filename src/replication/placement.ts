import { assert } from '../lib/assert.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import type { PreferenceTable } from '../ring/preference-table.ts';
import type { Ring } from '../ring/ring.ts';
import type { Peer } from './peer.ts';

/** Coordinators note who has answered in the bits of one integer. */
const MAX_REPLICAS = 31;

/** Members beyond the preference list that may be asked to stand in. */
const MAX_STAND_INS = 16;

/** What this node is to a slot: bits of its flags. */
const OWNS = 1;
const OWNS_ON_THE_OTHER_SIDE = 2;
const ALL_SIDES = OWNS | OWNS_ON_THE_OTHER_SIDE;

/** A ring, and its members in the ring's order as peers. */
export interface PeeredRing {
  readonly ring: Ring;
  readonly peers: readonly Peer[];
}

/** The rings of one epoch (`membership/topology.ts`). */
export interface Rings {
  readonly epoch: number;
  readonly phase: 'settled' | 'merge' | 'pass';
  /** Whether the cluster has one member, who has never to fear another's older version of anything. */
  readonly isAlone: boolean;
  /** Members that are gone for good, and what they held with them. */
  readonly lost: ReadonlySet<Peer>;
  /** Whose preference lists reads go by: of two, the old ring until the new owners have merged, then the new one. */
  readonly owners: PeeredRing;
  /** While the ring changes the one that reads do not go by; writes go to both. */
  readonly other: PeeredRing | undefined;
}

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
  /** Whether those on the other side are still merging what they will own. */
  readonly isMerging: boolean;
  readonly isAlone: boolean;
  /** min(N, members): how many owners every slot has, and how many it has on the other side while the ring changes. */
  readonly replicaCount: number;
  readonly otherCount: number;
  /** By slot; slots with the same lists share them. */
  readonly #sides: Sides[] = new Array(SLOT_COUNT);
  /** All different ones. */
  readonly #differentSides: readonly Sides[];
  readonly #flags = new Uint8Array(SLOT_COUNT);
  /** Slots that had other lists before this placement, as far as this node knows. */
  readonly changedSlots: Uint16Array;
  /** Slots whose writes this node is not sent. */
  readonly foreignSlots: Uint16Array;
  /** How many slots `mustArrive`. */
  readonly arriving: number;
  /** The epoch at which a slot's lists last changed, as far as this node knows; a later one if it has missed some. */
  readonly #changedAt = new Uint32Array(SLOT_COUNT);
  /** Members that are gone for good. */
  readonly lost: ReadonlySet<Peer>;
  readonly #ring: PeeredRing;
  readonly #standIns = new Map<number, readonly Peer[]>();
  #arrivers: ReadonlySet<Peer> | undefined;
  #shared: ReadonlyMap<Peer, Uint16Array> | undefined;

  /** @param before what was in force here until now. */
  constructor({ epoch, phase, isAlone, lost, owners, other }: Rings, replicas: number | 'all', before?: Placement) {
    const countOf = ({ peers }: PeeredRing) => (replicas === 'all' ? peers.length : Math.min(replicas, peers.length));
    this.#epoch = epoch;
    this.isMerging = phase === 'merge';
    this.isAlone = isAlone;
    this.lost = lost;
    this.replicaCount = countOf(owners);
    this.otherCount = other === undefined ? 0 : countOf(other);
    this.#ring = owners;
    const slotSides = new SlotSides(owners, this.replicaCount, other, this.otherCount);
    // A node that has missed epochs does not know what changed in them, and takes everything for changed.
    const known = before !== undefined && epoch === before.epoch + 1 ? before : undefined;
    const changed = new SlotList();
    const foreign = new SlotList();
    let arriving = 0;
    // One loop over the slots, and few elsewhere: it runs in one go, and seldom enough to run slowly.
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const sides = slotSides.of(slot);
      this.#sides[slot] = sides;
      this.#flags[slot] = sides.flags;
      if (sides.flags === 0) foreign.add(slot);
      if (this.#hasToMerge(sides)) arriving++;
      const isAsBefore = known !== undefined && isSameSides(sides, known.#sides[slot]!);
      if (!isAsBefore) changed.add(slot);
      this.#changedAt[slot] = isAsBefore ? known.#changedAt[slot]! : epoch;
    }
    this.#differentSides = slotSides.different;
    this.changedSlots = changed.slots;
    this.foreignSlots = foreign.slots;
    this.arriving = arriving;
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
    return this.replicasOf(slot).filter(peer => !peer.isSelf && !this.lost.has(peer));
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

  /**
   * Whether this node has to merge the slot before the ring can turn: it is to own it. Where there will be fewer owners than there
   * are, those that stay must, too, or what W of the many hold would be on too few.
   */
  mustArrive(slot: number): boolean {
    return this.#hasToMerge(this.#sides[slot]!);
  }

  #hasToMerge({ flags, isMoving }: Sides): boolean {
    if (!this.isMerging || !isMoving || (flags & OWNS_ON_THE_OTHER_SIDE) === 0) return false;
    return (flags & OWNS) === 0 || this.otherCount < this.replicaCount;
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

  /** Whether a request that was sent at this epoch is about the slot as it is now. */
  isCurrent(slot: number, epoch: number): boolean {
    return epoch >= this.#changedAt[slot]!;
  }

  /**
   * The slots that this node and each other compare, ascending: both are sent their writes, and one of them at least is an owner. The
   * same at both ends; found when first asked for.
   */
  sharedSlots(): ReadonlyMap<Peer, Uint16Array> {
    this.#shared ??= this.#findShared();
    return this.#shared;
  }

  #findShared(): ReadonlyMap<Peer, Uint16Array> {
    const shared = new Map<Peer, SlotList>();
    const listsOf = new Map<Sides, readonly SlotList[]>();
    for (const sides of this.#differentSides) {
      const lists = sides.compared.map(peer => {
        const list = shared.get(peer) ?? new SlotList();
        shared.set(peer, list);
        return list;
      });
      listsOf.set(sides, lists);
    }
    for (let slot = 0; slot < SLOT_COUNT; slot++) for (const list of listsOf.get(this.#sides[slot]!)!) list.add(slot);
    return new Map([...shared].map(([peer, list]) => [peer, list.slots]));
  }

  #findArrivers(): ReadonlySet<Peer> {
    const arrivers = new Set<Peer>();
    if (!this.isMerging) return arrivers;
    const shrinks = this.otherCount < this.replicaCount;
    for (const { isMoving, writers, onlyOwner, onlyOther } of this.#differentSides) {
      if (!isMoving) continue;
      for (const [i, peer] of writers.entries()) {
        const bit = 1 << i;
        if ((onlyOther & bit) !== 0 || (shrinks && (onlyOwner & bit) === 0)) arrivers.add(peer);
      }
    }
    return arrivers;
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

/** The lists of a slot, and what follows from them. */
interface Sides {
  readonly owners: readonly Peer[];
  /** Owners, and behind them those that are on the other side only. */
  readonly writers: readonly Peer[];
  readonly isMoving: boolean;
  /** Bit i: writer i is an owner only, is on the other side only. */
  readonly onlyOwner: number;
  readonly onlyOther: number;
  readonly flags: number;
  /** With whom this node compares the slot. */
  readonly compared: readonly Peer[];
}

/** The sides of slots; those of slots with the same lists are worked out once, and share their arrays. */
class SlotSides {
  readonly #owners: PreferenceTable;
  readonly #others: PreferenceTable | undefined;
  readonly #ownerLists: readonly (readonly Peer[])[];
  readonly #otherLists: readonly (readonly Peer[])[];
  readonly #known: (Sides | undefined)[][];
  readonly different: Sides[] = [];

  constructor(owners: PeeredRing, ownerCount: number, other: PeeredRing | undefined, otherCount: number) {
    this.#owners = owners.ring.table(ownerCount);
    this.#others = other?.ring.table(otherCount);
    this.#ownerLists = peersOf(this.#owners, owners.peers);
    this.#otherLists = this.#others === undefined ? [] : peersOf(this.#others, other!.peers);
    this.#known = this.#ownerLists.map(() => []);
  }

  of(slot: number): Sides {
    const owner = this.#owners.listAt(slot);
    const other = this.#others?.listAt(slot) ?? 0;
    const known = this.#known[owner]!;
    let sides = known[other];
    if (sides === undefined) {
      const owners = this.#ownerLists[owner]!;
      sides = sidesOf(owners, this.#otherLists[other] ?? owners);
      known[other] = sides;
      this.different.push(sides);
    }
    return sides;
  }
}

function peersOf(table: PreferenceTable, peers: readonly Peer[]): readonly (readonly Peer[])[] {
  return table.lists.map(list => list.map(index => peers[index]!));
}

function sidesOf(owners: readonly Peer[], others: readonly Peer[]): Sides {
  const added = others.filter(peer => !owners.includes(peer));
  const writers = added.length === 0 ? owners : [...owners, ...added];
  assert(writers.length <= MAX_REPLICAS, `Cannot place ${writers.length} replicas: ${MAX_REPLICAS} is the most`);
  let onlyOwner = 0;
  let onlyOther = 0;
  let flags = 0;
  for (const [i, peer] of writers.entries()) {
    const isOwner = i < owners.length;
    const isOther = others.includes(peer);
    if (!isOther) onlyOwner |= 1 << i;
    if (!isOwner) onlyOther |= 1 << i;
    if (peer.isSelf) flags = (isOwner ? OWNS : 0) | (isOther ? OWNS_ON_THE_OTHER_SIDE : 0);
  }
  const isMoving = onlyOwner !== 0 || onlyOther !== 0;
  return { owners, writers, isMoving, onlyOwner, onlyOther, flags, compared: comparedWith(owners, writers, flags) };
}

function comparedWith(owners: readonly Peer[], writers: readonly Peer[], flags: number): readonly Peer[] {
  if (flags === 0) return [];
  return ((flags & OWNS) !== 0 ? writers : owners).filter(peer => !peer.isSelf);
}

function isSameSides(a: Sides, b: Sides): boolean {
  const isSame = a.onlyOwner === b.onlyOwner && a.onlyOther === b.onlyOther;
  return isSame && isSameList(a.writers, b.writers);
}

function isSameList(a: readonly Peer[], b: readonly Peer[]): boolean {
  return a === b || (a.length === b.length && a.every((peer, i) => peer === b[i]));
}

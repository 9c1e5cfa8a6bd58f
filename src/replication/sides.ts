import { assert } from '../lib/assert.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import type { Steps } from '../lib/steps.ts';
import type { PreferenceTable } from '../ring/preference-table.ts';
import type { Peer } from './peer.ts';
import { ownerCounts, type PeeredRing, type Rings } from './rings.ts';

/** Coordinators note who has answered in the bits of one integer. */
export const MAX_REPLICAS = 31;

/** What this node is to a slot: bits of its flags. */
export const OWNS = 1;
export const OWNS_ON_THE_OTHER_SIDE = 2;
export const ALL_SIDES = OWNS | OWNS_ON_THE_OTHER_SIDE;

/** The lists of a slot, and what follows from them. */
export interface Sides {
  /** Its place among all different ones of its placement. */
  readonly index: number;
  readonly owners: readonly Peer[];
  /** Those on the other side; the owners where the slot does not move. */
  readonly others: readonly Peer[];
  /** Owners, and behind them those that are on the other side only. */
  readonly writers: readonly Peer[];
  readonly isMoving: boolean;
  /** Bit i: writer i is an owner only, is on the other side only. */
  readonly onlyOwner: number;
  readonly onlyOther: number;
  /** Bit i: writer i has to merge the slot before the ring can turn. */
  readonly arriving: number;
  /** What this node is to the slot. */
  readonly flags: number;
  /** Whether this node is one of those that have to merge it. */
  readonly mustArrive: boolean;
  /** With whom this node compares the slot. */
  readonly compared: readonly Peer[];
}

/** The sides of slots; those of slots with the same lists are worked out once, and share their arrays. */
export class SlotSides {
  readonly different: Sides[] = [];
  readonly #owners: PreferenceTable;
  readonly #others: PreferenceTable | undefined;
  readonly #ownerLists: readonly (readonly Peer[])[];
  readonly #otherLists: readonly (readonly Peer[])[];
  /** By the indexes of the owners' list and of the other side's, in one number. */
  readonly #known = new Map<number, Sides>();
  readonly #isMerging: boolean;

  private constructor(rings: Rings, owners: PreferenceTable, others: PreferenceTable | undefined) {
    this.#owners = owners;
    this.#others = others;
    this.#ownerLists = peersOf(owners, rings.owners);
    this.#otherLists = others === undefined ? [] : peersOf(others, rings.other!);
    this.#isMerging = rings.phase === 'merge';
  }

  static *make(rings: Rings, replicas: number | 'all'): Steps<SlotSides> {
    const [ownerCount, otherCount] = ownerCounts(rings, replicas);
    const owners = yield* rings.owners.ring.prepare(ownerCount);
    const others = rings.other && (yield* rings.other.ring.prepare(otherCount));
    return new SlotSides(rings, owners, others);
  }

  of(slot: number): Sides {
    const owner = this.#owners.listAt(slot);
    const other = this.#others?.listAt(slot) ?? 0;
    const both = owner * SLOT_COUNT + other;
    let sides = this.#known.get(both);
    if (sides === undefined) {
      const owners = this.#ownerLists[owner]!;
      sides = sidesOf(this.different.length, owners, this.#otherLists[other] ?? owners, this.#isMerging);
      this.#known.set(both, sides);
      this.different.push(sides);
    }
    return sides;
  }
}

/**
 * Whether the lists are the same, and who has to merge. When an owner to be is lost the ring may go from passing to the new lists to merging
 * the old ones: the lists are the same, but who will own the slot again may have come back without it meanwhile.
 */
export function isSameSides(a: Sides, b: Sides): boolean {
  const isSame = a.onlyOwner === b.onlyOwner && a.onlyOther === b.onlyOther && a.arriving === b.arriving;
  return isSame && isSameList(a.writers, b.writers);
}

/** Whether W on each side of these are W on each side of those, too: no side of those is none of these. */
export function sufficeFor(these: Sides, those: Sides): boolean {
  return isSideOf(those.owners, these) && isSideOf(those.others, these);
}

/** Whether the owners are the same ones, in whatever order. */
export function haveSameOwners(a: Sides, b: Sides): boolean {
  return isSameSet(a.owners, b.owners);
}

function peersOf(table: PreferenceTable, { peers }: PeeredRing): readonly (readonly Peer[])[] {
  return table.lists.map(list => list.map(index => peers[index]!));
}

function sidesOf(index: number, owners: readonly Peer[], others: readonly Peer[], isMerging: boolean): Sides {
  const added = others.filter(peer => !owners.includes(peer));
  const writers = added.length === 0 ? owners : [...owners, ...added];
  assert(writers.length <= MAX_REPLICAS, `Cannot place ${writers.length} replicas: ${MAX_REPLICAS} is the most`);
  let onlyOwner = 0;
  let onlyOther = 0;
  let onBoth = 0;
  let flags = 0;
  let self = 0;
  for (const [i, peer] of writers.entries()) {
    const bit = 1 << i;
    const isOwner = i < owners.length;
    const isOther = others.includes(peer);
    if (!isOther) onlyOwner |= bit;
    else if (isOwner) onBoth |= bit;
    else onlyOther |= bit;
    if (!peer.isSelf) continue;
    self = bit;
    flags = (isOwner ? OWNS : 0) | (isOther ? OWNS_ON_THE_OTHER_SIDE : 0);
  }
  const isMoving = onlyOwner !== 0 || onlyOther !== 0;
  // Where there will be fewer owners than there are, those that stay must merge, too, or what W of the many hold would be on too few.
  const mustMerge = others.length < owners.length ? onlyOther | onBoth : onlyOther;
  const arriving = isMerging && isMoving ? mustMerge : 0;
  const mustArrive = (arriving & self) !== 0;
  const compared = comparedWith(owners, writers, flags);
  return { index, owners, others, writers, isMoving, onlyOwner, onlyOther, arriving, flags, mustArrive, compared };
}

/** Both are sent the slot's writes, and one of them at least is an owner. */
function comparedWith(owners: readonly Peer[], writers: readonly Peer[], flags: number): readonly Peer[] {
  if (flags === 0) return [];
  return ((flags & OWNS) !== 0 ? writers : owners).filter(peer => !peer.isSelf);
}

function isSideOf(peers: readonly Peer[], { owners, others }: Sides): boolean {
  return isSameSet(peers, owners) || isSameSet(peers, others);
}

/** Of lists without duplicates. */
function isSameSet(a: readonly Peer[], b: readonly Peer[]): boolean {
  return a === b || (a.length === b.length && a.every(peer => b.includes(peer)));
}

function isSameList(a: readonly Peer[], b: readonly Peer[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

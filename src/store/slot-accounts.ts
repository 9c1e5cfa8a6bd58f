import type { Actors } from '../clock/actors.ts';
import type { Digest } from '../digest/contribution.ts';
import { LeafDigests } from '../digest/leaf-digests.ts';
import { SlotDigests } from '../digest/slot-digests.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import type { PackedRecords, RecordRef } from './packed-records.ts';
import { NEVER } from './record.ts';
import { SlotSet } from './slot-set.ts';
import { LAST_HASH, NO_CELL, type SlotTable } from './slot-table.ts';

/** Tells what an expiry's dot adds to the digest from what a value's does. */
const EXPIRY_TAG = 0x5bd1e995;

/**
 * What a keyspace counts: records, values and values that expire, and for each slot the digest. Every record `enter`s
 * when it is stored and `leave`s just before it is replaced or removed; nothing else keeps the figures right.
 */
export class SlotAccounts {
  readonly digests = new SlotDigests();
  /** The slots that have values with a time to expire. */
  readonly expiringSlots = new SlotSet();
  /** The slots that have records without a value. */
  readonly tombstoneSlots = new SlotSet();
  readonly #actors: Actors;
  readonly #records: PackedRecords;
  readonly #valuesIn = new Uint32Array(SLOT_COUNT);
  readonly #expiringIn = new Uint32Array(SLOT_COUNT);
  readonly #tombstonesIn = new Uint32Array(SLOT_COUNT);
  #recordCount = 0;
  #valueCount = 0;
  #expiringCount = 0;

  constructor(actors: Actors, records: PackedRecords) {
    this.#actors = actors;
    this.#records = records;
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  /** Records that have a value. */
  get valueCount(): number {
    return this.#valueCount;
  }

  /** Values that have a time to expire. */
  get expiringCount(): number {
    return this.#expiringCount;
  }

  valuesIn(slot: number): number {
    return this.#valuesIn[slot]!;
  }

  enter(slot: number, hash: number, ref: RecordRef): void {
    this.#toggleDigest(slot, hash, ref);
    this.#count(slot, ref, 1);
  }

  leave(slot: number, hash: number, ref: RecordRef): void {
    this.#toggleDigest(slot, hash, ref);
    this.#count(slot, ref, -1);
  }

  /** All records of the slot leave at once. */
  drop(slot: number): void {
    const values = this.#valuesIn[slot]!;
    this.digests.drop(slot);
    this.#recordCount -= values + this.#tombstonesIn[slot]!;
    this.#valueCount -= values;
    this.#expiringCount -= this.#expiringIn[slot]!;
    for (const counts of [this.#valuesIn, this.#expiringIn, this.#tombstonesIn]) counts[slot] = 0;
    for (const slots of [this.expiringSlots, this.tombstoneSlots]) slots.delete(slot);
  }

  /** Lays the digests of the slot's leaves out anew: `bits` of the hash choose a record's leaf, 0: there are none. */
  setLeaves(slot: number, table: SlotTable | undefined, bits: number): void {
    const isFine = table !== undefined && bits > 0;
    this.digests.setLeaves(slot, isFine ? this.#leavesOf(table, 0, LAST_HASH, bits) : undefined);
  }

  /** The digest over a part of a slot that is finer than its leaves: of the records there, one by one. */
  digestOfRange(table: SlotTable, fromHash: number, rangeBits: number): Digest {
    return this.#leavesOf(table, fromHash, fromHash + 2 ** rangeBits - 1, 0).of(0, 32)!;
  }

  #leavesOf(table: SlotTable, fromHash: number, toHash: number, bits: number): LeafDigests {
    const leaves = new LeafDigests(bits);
    for (let cell = table.seek(fromHash); cell !== NO_CELL; cell = table.following(cell)) {
      const hash = table.hashAt(cell);
      if (hash > toHash) break;
      this.#toggleLeaf(leaves, hash, table.refAt(cell));
    }
    return leaves;
  }

  clear(): void {
    this.digests.clear();
    this.#valuesIn.fill(0);
    this.#expiringIn.fill(0);
    this.#tombstonesIn.fill(0);
    this.expiringSlots.clear();
    this.tombstoneSlots.clear();
    this.#recordCount = 0;
    this.#valueCount = 0;
    this.#expiringCount = 0;
  }

  #toggleDigest(slot: number, hash: number, ref: RecordRef): void {
    const records = this.#records;
    this.digests.toggle(slot, hash, records.stampOf(ref), this.#actors.wordOf(records.actorOf(ref)));
    if (records.hasExpiryDot(ref)) this.digests.toggle(slot, hash, records.expiryStamp(ref), this.#expiryWord(ref));
  }

  #toggleLeaf(leaves: LeafDigests, hash: number, ref: RecordRef): void {
    const records = this.#records;
    leaves.toggle(hash, records.stampOf(ref), this.#actors.wordOf(records.actorOf(ref)));
    if (records.hasExpiryDot(ref)) leaves.toggle(hash, records.expiryStamp(ref), this.#expiryWord(ref));
  }

  /**
   * What stands for the actor of an expiry. One that came with the value needs no contribution of its own, since one dot
   * is one write (invariant 1); nor does it get one on another replica, whatever way it came there.
   */
  #expiryWord(ref: RecordRef): number {
    return this.#actors.wordOf(this.#records.expiryActor(ref)) ^ EXPIRY_TAG;
  }

  #count(slot: number, ref: RecordRef, change: 1 | -1): void {
    this.#recordCount += change;
    if (!this.#records.hasValue(ref)) return countIn(this.#tombstonesIn, this.tombstoneSlots, slot, change);
    this.#valueCount += change;
    this.#valuesIn[slot]! += change;
    if (this.#records.expiryAtMs(ref) === NEVER) return;
    this.#expiringCount += change;
    countIn(this.#expiringIn, this.expiringSlots, slot, change);
  }
}

/** Keeps the count of the slot, and the set of the slots where it is not 0. */
function countIn(counts: Uint32Array, slots: SlotSet, slot: number, change: 1 | -1): void {
  const count = counts[slot]! + change;
  counts[slot] = count;
  if (count === 0) slots.delete(slot);
  else slots.add(slot);
}

import type { ActorIndex, Actors } from '../clock/actors.ts';
import type { Stamp } from '../clock/hybrid-clock.ts';
import type { VersionVector } from '../clock/version-vector.ts';
import { type Digest, EMPTY_DIGEST } from '../digest/contribution.ts';
import { LEAF_STEP, leafBitsFor } from '../digest/leaf-digests.ts';
import type { SlotDigests } from '../digest/slot-digests.ts';
import { assert } from '../lib/assert.ts';
import { type HashKey, halfSipHash } from '../lib/half-sip-hash.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import type { ConflictJournal } from './conflict-journal.ts';
import { DroppedTables } from './dropped-tables.ts';
import { KeyIndex } from './key-index.ts';
import type { ValueSink } from './outcome.ts';
import { PackedRecords, type RecordRef } from './packed-records.ts';
import { type Dot, type Expiry, NEVER, type StoredRecord } from './record.ts';
import type { RecordJournal } from './record-journal.ts';
import { type MergeOutcome, RecordMerger } from './record-merger.ts';
import { SlotAccounts } from './slot-accounts.ts';
import type { SlotSet } from './slot-set.ts';
import { LAST_HASH, NO_CELL } from './slot-table.ts';
import { SlotWalk, visitFrom } from './slot-walk.ts';

export type { RecordRef } from './packed-records.ts';
export type { MergeOutcome } from './record-merger.ts';

/** No record. */
export const NO_RECORD: RecordRef = 0;

/**
 * The records of one keyspace, outside the JavaScript heap: a table for each slot (`slot-table.ts`) of refs to packed
 * records (`record-layout.ts`) in a slab (`slab.ts`). Keeps the slots' digests in step with every change.
 *
 * `slot` and `hash` are the key's own, by `slotOf` and `hashOf`, everywhere: the caller has them already. A `RecordRef`
 * is good until the store next changes.
 */
export class RecordStore {
  readonly #actors: Actors;
  readonly #hashKey: HashKey;
  readonly #records = new PackedRecords();
  readonly #merger: RecordMerger;
  readonly #accounts: SlotAccounts;
  readonly #index = new KeyIndex(this.#records);
  readonly #dropped = new DroppedTables(this.#records);
  readonly #expiryWalk = new SlotWalk();
  readonly #compactionWalk = new SlotWalk();
  readonly #conflicts: ConflictJournal | undefined;
  #journal: RecordJournal | undefined;

  constructor(options: { readonly actors: Actors; readonly hashKey: HashKey; readonly conflicts?: ConflictJournal }) {
    this.#conflicts = options.conflicts;
    this.#actors = options.actors;
    this.#hashKey = options.hashKey;
    this.#merger = new RecordMerger(options.actors, this.#records);
    this.#accounts = new SlotAccounts(options.actors, this.#records);
  }

  /** From now on the journal is told of every change. */
  tell(journal: RecordJournal): void {
    this.#journal = journal;
  }

  /** An empty store for keys of the same hash and the same actors, which tells nobody. */
  createAlike(): RecordStore {
    return new RecordStore({ actors: this.#actors, hashKey: this.#hashKey });
  }

  /** For each slot the digest of the dots held. */
  get digests(): SlotDigests {
    return this.#accounts.digests;
  }

  /** The digest over the slot's records whose hashes are among the 2^`rangeBits` from `fromHash`, a multiple of that. */
  digestOfRange(slot: number, fromHash: number, rangeBits: number): Digest {
    const table = this.#index.tableOf(slot);
    if (table === undefined) return EMPTY_DIGEST;
    return this.digests.ofRange(slot, fromHash, rangeBits) ?? this.#accounts.digestOfRange(table, fromHash, rangeBits);
  }

  /** The hash that tables and digests go by; under one `hashKey` equal on all nodes. */
  hashOf(key: Uint8Array): number {
    return halfSipHash(key, this.#hashKey);
  }

  /** Keys with a value, those included that have expired and were not yet swept. */
  get keyCount(): number {
    return this.#accounts.valueCount;
  }

  /** Records without a value. */
  get tombstoneCount(): number {
    return this.#accounts.recordCount - this.#accounts.valueCount;
  }

  /** Values that have a time to expire. */
  get expiringCount(): number {
    return this.#accounts.expiringCount;
  }

  /** Bytes of records, large values and tables. */
  get usedBytes(): number {
    return this.#records.usedBytes + this.#index.byteLength;
  }

  /** Bytes of memory held for them. */
  get reservedBytes(): number {
    return this.#records.reservedBytes + this.#index.byteLength;
  }

  /** What `keyCount` counts, of one slot. */
  slotCount(slot: number): number {
    return this.#accounts.valuesIn(slot);
  }

  /** The first slot from this one on that holds a record without a value, or -1. */
  tombstoneSlotFrom(slot: number): number {
    return slot < SLOT_COUNT ? this.#accounts.tombstoneSlots.firstFrom(slot) : -1;
  }

  /** The slots that have records. */
  get slots(): SlotSet {
    return this.#index.slots;
  }

  /** Records of one slot, tombstones too. */
  slotRecords(slot: number): number {
    return this.#index.tableOf(slot)?.count ?? 0;
  }

  /** The key's record, a tombstone too, or `NO_RECORD`. */
  find(slot: number, hash: number, key: Uint8Array): RecordRef {
    return this.#index.refAt(slot, this.#index.locate(slot, hash, key));
  }

  /** Whether the record has no value: it was deleted, or its value was dropped after it expired. */
  isTombstone(ref: RecordRef): boolean {
    return !this.#records.hasValue(ref);
  }

  /** Whether the record has a value that has not expired. */
  isLive(ref: RecordRef, wallMs: number): boolean {
    return this.#records.hasValue(ref) && !this.#isExpired(ref, wallMs);
  }

  stampOf(ref: RecordRef): Stamp {
    return this.#records.stampOf(ref);
  }

  actorOf(ref: RecordRef): ActorIndex {
    return this.#records.actorOf(ref);
  }

  dotOf(ref: RecordRef): Dot {
    return this.#records.dotOf(ref);
  }

  /** The greatest stamp in the record, its dot's or its expiry's: a write that is to win must be stamped above it. */
  newestStampOf(ref: RecordRef): Stamp {
    return Math.max(this.#records.stampOf(ref), this.#records.expiryStamp(ref));
  }

  /** Unix milliseconds; `NEVER` if the record does not expire. */
  expiryAtMs(ref: RecordRef): number {
    return this.#records.expiryAtMs(ref);
  }

  expiryOf(ref: RecordRef): Expiry | undefined {
    return this.#records.expiryOf(ref);
  }

  vectorOf(ref: RecordRef): VersionVector {
    return this.#records.vectorOf(ref);
  }

  /** Length of the value in bytes; 0 without one. */
  valueLength(ref: RecordRef): number {
    return this.#records.valueLength(ref);
  }

  /** Hands the value to the sink where it lies. The record must have one. */
  writeValue(ref: RecordRef, sink: ValueSink): void {
    assert(this.#records.hasValue(ref), 'Cannot write a value: the record is a tombstone');
    this.#records.writeValue(ref, sink);
  }

  /** The value to keep: a copy, or if it is large the Buffer itself, which never changes. Undefined without one. */
  valueOf(ref: RecordRef): Uint8Array | undefined {
    return this.#records.valueOf(ref);
  }

  /** A copy of the key. */
  keyOf(ref: RecordRef): Buffer {
    return this.#records.keyOf(ref);
  }

  /** The record to keep. */
  read(ref: RecordRef): StoredRecord {
    return { dot: this.dotOf(ref), value: this.valueOf(ref), vector: this.vectorOf(ref), expiry: this.expiryOf(ref) };
  }

  /**
   * A coordinator's own write, stamped above what is held: supersedes it.
   *
   * @param value undefined deletes. A large one is kept without a copy, and must never change again.
   * @param expiryAtMs Unix milliseconds, or `NEVER`; the expiry's dot is the value's.
   */
  putValue(
    slot: number,
    hash: number,
    key: Uint8Array,
    value: Uint8Array | undefined,
    stamp: Stamp,
    actor: ActorIndex,
    expiryAtMs: number,
  ): RecordRef {
    this.#merger.draft.setValue(value, stamp, actor, expiryAtMs);
    return this.#supersede(slot, hash, key);
  }

  /** `putValue` of a whole record: its vector is joined to what it supersedes. */
  put(slot: number, hash: number, key: Uint8Array, record: StoredRecord): void {
    this.#merger.draft.setVersion(record);
    this.#supersede(slot, hash, key);
  }

  /** A coordinator's own `EXPIRE` or `PERSIST` (`NEVER`) of the version held, stamped above all that is held. */
  setExpiry(slot: number, hash: number, key: Uint8Array, atMs: number, stamp: Stamp, actor: ActorIndex): RecordRef {
    const cell = this.#index.locate(slot, hash, key);
    assert(cell !== NO_CELL, 'Cannot set an expiry: there is no record');
    const ref = this.#index.refAt(slot, cell);
    assert(this.#records.hasValue(ref), 'Cannot set an expiry: the record is a tombstone');
    assert(this.#merger.compareToDot(ref, stamp, actor) < 0, 'Invariant 2: an expiry is stamped above its version');
    assert(this.#merger.compareToExpiryDot(ref, stamp, actor) < 0, 'Invariant 2: the later expiry has the greater dot');
    this.#merger.load(ref);
    this.#merger.draft.setExpiry(atMs, stamp, actor);
    return this.#hold(slot, hash, key, cell);
  }

  /** Takes in a record of another node. The store then holds what `mergeRecords` makes of the two (invariant 3). */
  merge(slot: number, hash: number, key: Uint8Array, record: StoredRecord): MergeOutcome {
    const cell = this.#index.locate(slot, hash, key);
    const ref = this.#index.refAt(slot, cell);
    const outcome = this.#merger.merge(ref, record);
    if (this.#merger.isConflict && this.#conflicts !== undefined) {
      const { dot, value } = outcome === 'stored' ? this.read(ref) : record;
      this.#conflicts.add(key, dot, value === undefined ? undefined : Buffer.from(value));
    }
    if (this.#merger.changed) this.#hold(slot, hash, key, cell);
    this.#merger.draft.value = undefined;
    return outcome;
  }

  /** Forgets the record altogether, its dot and vector too. @returns whether there was one. */
  remove(slot: number, hash: number, key: Uint8Array): boolean {
    const cell = this.#index.locate(slot, hash, key);
    if (cell === NO_CELL) return false;
    const ref = this.#index.refAt(slot, cell);
    this.#accounts.leave(slot, hash, ref);
    this.#records.remove(ref);
    this.#index.remove(slot, cell);
    this.#fitLeaves(slot);
    this.#journal?.removed(slot, key);
    return true;
  }

  /**
   * Forgets all records of the slot altogether, whatever their number. Their memory is given back by `freeDropped`.
   *
   * @returns how many there were.
   */
  dropSlot(slot: number): number {
    const table = this.#index.drop(slot);
    if (table === undefined) return 0;
    this.#accounts.drop(slot);
    this.#dropped.add(table);
    this.#journal?.dropped(slot);
    return table.count;
  }

  /** Frees records of dropped slots. @param budget how many at most. @returns how many. */
  freeDropped(budget: number): number {
    return this.#dropped.free(budget);
  }

  /** Drops the value of the key's record if it has one that has expired. @returns whether it did. */
  dropExpiredValue(slot: number, hash: number, key: Uint8Array, wallMs: number): boolean {
    const cell = this.#index.locate(slot, hash, key);
    return cell !== NO_CELL && this.#dropIfExpired(slot, cell, wallMs);
  }

  /**
   * Drops the values of expired records. Goes round the slots that have any value to expire, each time from where it
   * stopped.
   *
   * @param budget how many records to look at.
   * @returns how many values were dropped.
   */
  sweepExpired(wallMs: number, budget: number): number {
    if (this.expiringCount === 0) return 0;
    let dropped = 0;
    this.#expiryWalk.step(this.#index, budget, this.#accounts.expiringSlots, (slot, cell) => {
      if (this.#dropIfExpired(slot, cell, wallMs)) dropped++;
    });
    return dropped;
  }

  /**
   * Gives back memory that deletions have left scattered over many pages: moves records out of the emptiest pages, if
   * together these hold a page's worth of room or more. Does nothing, and quickly, while there are none.
   *
   * @param budget how many records to look at.
   * @returns how many records were moved.
   */
  compact(budget: number): number {
    if (this.#records.chooseLeaving() === 0) return 0;
    let moved = 0;
    this.#compactionWalk.step(this.#index, budget, this.#index.slots, (slot, cell) => {
      const ref = this.#index.refAt(slot, cell);
      const to = this.#records.relocate(ref);
      if (to === ref) return;
      this.#index.setRef(slot, cell, to);
      moved++;
    });
    return moved;
  }

  /**
   * Visits the slot's records in the order of their hashes, tombstones too, from the first whose hash is at least
   * `fromHash`: `limit` of them, and as many more as share the last one's hash. What is there all the while is visited
   * just once, however the store changes between the calls. `visit` itself must not change the store.
   *
   * @param toHash the last hash of interest.
   * @returns the hash to go on from, or -1 when nothing is left.
   */
  scan(
    slot: number,
    fromHash: number,
    limit: number,
    visit: (ref: RecordRef, hash: number) => void,
    toHash = LAST_HASH,
  ): number {
    const table = this.#index.tableOf(slot);
    if (table === undefined) return -1;
    const { generation } = table;
    const visitCell = (cell: number): void => {
      visit(table.refAt(cell), table.hashAt(cell));
      assert(table.generation === generation, 'Cannot go on with a scan: its visitor has changed the slot');
    };
    return visitFrom(table, fromHash, limit, visitCell, toHash).hash;
  }

  /** Forgets everything. */
  clear(): void {
    this.#index.clear();
    this.#dropped.clear();
    this.#records.clear();
    this.#accounts.clear();
    this.#journal?.cleared();
  }

  #isExpired(ref: RecordRef, wallMs: number): boolean {
    const atMs = this.#records.expiryAtMs(ref);
    return atMs !== NEVER && atMs <= wallMs;
  }

  /** Stores the draft, a coordinator's new version. */
  #supersede(slot: number, hash: number, key: Uint8Array): RecordRef {
    const cell = this.#index.locate(slot, hash, key);
    const ref = this.#index.refAt(slot, cell);
    const { draft } = this.#merger;
    assert(
      ref === NO_RECORD || this.#merger.compareToDot(ref, draft.stamp, draft.actor) < 0,
      'Invariant 2: a write is stamped above the version that it supersedes',
    );
    this.#merger.supersede(ref);
    return this.#hold(slot, hash, key, cell);
  }

  /** Puts the draft into the key's cell, or into a new one. */
  #hold(slot: number, hash: number, key: Uint8Array, cell: number): RecordRef {
    const { draft } = this.#merger;
    let ref: RecordRef;
    if (cell === NO_CELL) {
      ref = this.#records.add(key, draft);
      this.#index.insert(slot, hash, ref);
      this.#accounts.enter(slot, hash, ref);
      this.#fitLeaves(slot);
    } else {
      const held = this.#index.refAt(slot, cell);
      this.#accounts.leave(slot, hash, held);
      ref = this.#records.replace(held, key, draft);
      this.#index.setRef(slot, cell, ref);
      this.#accounts.enter(slot, hash, ref);
    }
    draft.value = undefined;
    if (this.#journal !== undefined) this.#journal.held(slot, key, this.#look(ref));
    return ref;
  }

  /** The record, its value where it lies. */
  #look(ref: RecordRef): StoredRecord {
    const value = this.#records.valueView(ref);
    return { dot: this.dotOf(ref), value, vector: this.vectorOf(ref), expiry: this.expiryOf(ref) };
  }

  /** The slot has one record more or less than before. */
  #fitLeaves(slot: number): void {
    const table = this.#index.tableOf(slot);
    const records = table?.count ?? 0;
    if (records % LEAF_STEP !== 0) return;
    const held = this.digests.leafBits(slot);
    const bits = leafBitsFor(records, held);
    if (bits !== held) this.#accounts.setLeaves(slot, table, bits);
  }

  /** An expired record is a tombstone: its dot, vector and expiry stay, and so does the digest. */
  #dropIfExpired(slot: number, cell: number, wallMs: number): boolean {
    const ref = this.#index.refAt(slot, cell);
    if (!this.#records.hasValue(ref) || !this.#isExpired(ref, wallMs)) return false;
    const key = this.#records.keyOf(ref);
    this.#merger.load(ref);
    this.#merger.draft.value = undefined;
    this.#hold(slot, this.#index.hashAt(slot, cell), key, cell);
    return true;
  }
}

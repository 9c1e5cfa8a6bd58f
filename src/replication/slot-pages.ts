import type { RecordRef, RecordStore } from '../store/record-store.ts';
import { BODY_THRESHOLD_BYTES } from './message-type.ts';
import type { KeyedRecord, PageEntry, SyncPage, SyncPageReply } from './sync-messages.ts';
import { isVersion } from './versions.ts';

/** Records a page speaks of at most (those of one hash together). */
const PAGE_ENTRIES = 512;
/** A reply that has grown to this many bytes ends there; the asker goes on behind it. */
const PAGE_BYTES = 128 * 1024;
/** What a record takes in a reply besides its key and value, about: tombstones fill a page too. */
const RECORD_BYTES = 64;

/** What the store holds of a slot from `fromHash` on, as far as one page goes and not beyond `lastHash`. */
export function describePage(
  store: RecordStore,
  slot: number,
  fromHash: number,
  lastHash: number,
): { toHash: number; entries: PageEntry[] } {
  const entries: PageEntry[] = [];
  const describe = (ref: RecordRef, hash: number): void => {
    entries.push({ hash, dot: store.dotOf(ref), expiryDot: store.expiryOf(ref)?.dot });
  };
  const next = store.scan(slot, fromHash, PAGE_ENTRIES, describe, lastHash);
  return { toHash: next < 0 ? lastHash : next - 1, entries };
}

/** Compares a peer's page with this store: what the peer lacks, unless it only offers, and what it has that is not here. */
export function answerPage(store: RecordStore, page: SyncPage): SyncPageReply {
  const { round, db, slot, fromHash, toHash } = page;
  const theirs = groupByHash(page.entries);
  const records: KeyedRecord[] = [];
  let bytes = 0;
  const compare = (ref: RecordRef, hash: number): void => {
    if (takeOut(theirs, store, ref, hash) || page.isOffer) return;
    const record = { key: store.keyOf(ref), record: store.read(ref) };
    records.push(record);
    bytes += sizeOf(record);
  };
  let nextHash = fromHash;
  while (nextHash >= 0) {
    nextHash = store.scan(slot, nextHash, 1, compare, toHash);
    // A large value travels as the message's body, of which there is one.
    if (bytes >= PAGE_BYTES || (records.at(-1)?.record.value?.length ?? 0) >= BODY_THRESHOLD_BYTES) break;
  }
  const covered = nextHash < 0 ? toHash + 1 : nextHash;
  const wanted = [...theirs.keys()].filter(hash => hash < covered);
  return { round, db, slot, fromHash, nextHash: covered, wanted, records };
}

/** Bytes that a record takes on the wire, about. */
export function sizeOf({ key, record }: KeyedRecord): number {
  return RECORD_BYTES + key.length + (record.value?.length ?? 0);
}

/** Every record under one of these hashes. */
export function recordsUnder(store: RecordStore, slot: number, hashes: readonly number[]): KeyedRecord[] {
  const records: KeyedRecord[] = [];
  for (const wanted of hashes) {
    store.scan(slot, wanted, 1, (ref, hash) => {
      if (hash === wanted) records.push({ key: store.keyOf(ref), record: store.read(ref) });
    });
  }
  return records;
}

function groupByHash(entries: readonly PageEntry[]): Map<number, PageEntry[]> {
  const groups = new Map<number, PageEntry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.hash);
    if (group === undefined) groups.set(entry.hash, [entry]);
    else group.push(entry);
  }
  return groups;
}

/** Strikes the peer's entry for this very version; false when it has none. */
function takeOut(theirs: Map<number, PageEntry[]>, store: RecordStore, ref: RecordRef, hash: number): boolean {
  const group = theirs.get(hash);
  if (group === undefined) return false;
  const version = { dot: store.dotOf(ref), expiry: store.expiryOf(ref) };
  const at = group.findIndex(entry => isVersion(version, entry));
  if (at < 0) return false;
  group.splice(at, 1);
  if (group.length === 0) theirs.delete(hash);
  return true;
}

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
const LAST_HASH = 0xffff_ffff;

/** What the store holds of a slot from `fromHash` on, as far as one page goes. */
export function describePage(
  store: RecordStore,
  slot: number,
  fromHash: number,
): { toHash: number; entries: PageEntry[] } {
  const entries: PageEntry[] = [];
  const next = store.scan(slot, fromHash, PAGE_ENTRIES, (ref, hash) => {
    entries.push({ hash, dot: store.dotOf(ref), expiryDot: store.expiryOf(ref)?.dot });
  });
  return { toHash: next < 0 ? LAST_HASH : next - 1, entries };
}

/** Compares a peer's page with this store: what the peer lacks, and what it has that is not here. */
export function answerPage(store: RecordStore, page: SyncPage): SyncPageReply {
  const theirs = groupByHash(page.entries);
  const records: KeyedRecord[] = [];
  let bytes = 0;
  let nextHash = page.fromHash;
  let ended = false;
  while (!ended && nextHash >= 0 && nextHash <= page.toHash) {
    nextHash = store.scan(page.slot, nextHash, 1, (ref, hash) => {
      if (hash > page.toHash) {
        ended = true;
        return;
      }
      if (takeOut(theirs, store, ref, hash)) return;
      const record = store.read(ref);
      const key = store.keyOf(ref);
      records.push({ key, record });
      bytes += RECORD_BYTES + key.length + (record.value?.length ?? 0);
    });
    // A large value travels as the message's body, of which there is one.
    if (bytes >= PAGE_BYTES || (records.at(-1)?.record.value?.length ?? 0) >= BODY_THRESHOLD_BYTES) break;
  }
  const { round, db, slot, fromHash } = page;
  const complete = ended || nextHash < 0 || nextHash > page.toHash;
  const covered = complete ? page.toHash + 1 : nextHash;
  const wanted = [...theirs.keys()].filter(hash => hash < covered);
  return { round, db, slot, fromHash, nextHash: covered, wanted, records };
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

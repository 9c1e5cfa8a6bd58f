import type { RecordRef, RecordStore } from '../store/record-store.ts';
import type { TombstoneEntry } from './collection-messages.ts';
import type { Keyspace } from './keyspace.ts';
import { isSameVersion, versionHeld } from './versions.ts';

/** Tombstones of one slot, and how to go on. */
export interface SomeTombstones {
  readonly entries: readonly TombstoneEntry[];
  /** The hash to go on from, -1 at the end of the slot. */
  readonly nextHash: number;
  /** Records that were looked at. */
  readonly visited: number;
}

/** The tombstones among the next `limit` records of a slot, those of equal hashes together. */
export function tombstonesFrom(store: RecordStore, slot: number, fromHash: number, limit: number): SomeTombstones {
  const entries: TombstoneEntry[] = [];
  let visited = 0;
  const nextHash = store.scan(slot, fromHash, limit, (ref, hash) => {
    visited++;
    if (store.isTombstone(ref)) entries.push({ slot, hash, ...versionHeld(store, ref)! });
  });
  return { entries, nextHash, visited };
}

/**
 * Whether this replica holds just this version without a value. An expired value is dropped first: who answers yes will
 * never send the value again.
 */
export function holdsTombstone({ store }: Keyspace, entry: TombstoneEntry, wallMs: number): boolean {
  const key = keyOf(store, entry);
  if (key === undefined) return false;
  store.dropExpiredValue(entry.slot, entry.hash, key, wallMs);
  return store.isTombstone(store.find(entry.slot, entry.hash, key));
}

/** Removes the tombstone and remembers it, unless something else is held by now. @returns whether it was there. */
export function collectTombstone({ store, collected }: Keyspace, entry: TombstoneEntry): boolean {
  const { slot, hash } = entry;
  const key = keyOf(store, entry);
  if (key === undefined || !store.isTombstone(store.find(slot, hash, key))) return false;
  store.remove(slot, hash, key);
  collected.add(slot, hash, entry);
  return true;
}

/** The key whose record is of this version. */
function keyOf(store: RecordStore, { slot, hash, dot, expiryDot }: TombstoneEntry): Buffer | undefined {
  let found: Buffer | undefined;
  store.scan(slot, hash, 1, (ref: RecordRef, at: number) => {
    if (at === hash && isSameVersion(versionHeld(store, ref), { dot, expiryDot })) found = store.keyOf(ref);
  });
  return found;
}

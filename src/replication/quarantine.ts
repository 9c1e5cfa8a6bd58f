import { keyName } from '../lib/key-name.ts';
import type { StoredRecord } from '../store/record.ts';
import type { ClockGuard } from './clock-guard.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import { sizeOf } from './slot-pages.ts';
import { stampOf } from './versions.ts';

/** A record whose time has not come. */
export interface HeldBack {
  readonly from: Peer;
  readonly keyspace: Keyspace;
  readonly slot: number;
  readonly key: Buffer;
  readonly record: StoredRecord;
}

const MAX_RECORDS = 4_096;
const MAX_BYTES = 16 << 20;
/** How often it is looked whether one is due, in ms. */
const LOOK_MS = 100;

/**
 * Records that were stamped further ahead than clocks may differ (DESIGN §3): neither served nor acknowledged until they
 * are due or an operator drops them. Of each key the latest. Where there is no room a record is refused and counted;
 * who sent it still has it.
 */
export class Quarantine {
  readonly #guard: ClockGuard;
  /** By keyspace and `keyName`. */
  readonly #held = new Map<string, HeldBack>();
  #byteLength = 0;
  #overflowed = 0;
  #nextLookMs = 0;

  constructor(guard: ClockGuard) {
    this.#guard = guard;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Records for which there was no room. */
  get overflowed(): number {
    return this.#overflowed;
  }

  /** Whether the record is to be held back; if so it is, from now on. */
  takes(from: Peer, keyspace: Keyspace, slot: number, key: Uint8Array, record: StoredRecord): boolean {
    if (!this.#guard.isTooFarAhead(stampOf(record))) return false;
    const id = idOf(keyspace.db, key);
    const held = this.#held.get(id);
    if (held !== undefined && stampOf(held.record) >= stampOf(record)) return true;
    const bytes = sizeOf({ key, record });
    const room = MAX_BYTES - this.#byteLength + (held === undefined ? 0 : sizeOf(held));
    if (bytes > room || (held === undefined && this.#held.size >= MAX_RECORDS)) {
      this.#overflowed++;
      return true;
    }
    this.#remove(id);
    const value = record.value === undefined ? undefined : Buffer.from(record.value);
    this.#held.set(id, { from, keyspace, slot, key: Buffer.from(key), record: { ...record, value } });
    this.#byteLength += bytes;
    return true;
  }

  /** What is held back, in the order it came. */
  list(): Iterable<HeldBack> {
    return this.#held.values();
  }

  /** @returns whether something was held back of the key. */
  drop(db: number, key: Uint8Array): boolean {
    return this.#remove(idOf(db, key));
  }

  clear(): void {
    this.#held.clear();
    this.#byteLength = 0;
  }

  /** Lets go what is due. */
  tick(nowMs: number, release: (held: HeldBack) => void): void {
    if (this.#held.size === 0 || nowMs < this.#nextLookMs) return;
    this.#nextLookMs = nowMs + LOOK_MS;
    for (const [id, held] of this.#held) {
      if (this.#guard.isTooFarAhead(stampOf(held.record))) continue;
      this.#remove(id);
      release(held);
    }
  }

  #remove(id: string): boolean {
    const held = this.#held.get(id);
    if (held === undefined) return false;
    this.#held.delete(id);
    this.#byteLength -= sizeOf(held);
    return true;
  }
}

function idOf(db: number, key: Uint8Array): string {
  return `${db} ${keyName(key)}`;
}

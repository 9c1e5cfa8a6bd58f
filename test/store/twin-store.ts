import type { Actors } from '../../src/clock/actors.ts';
import { EMPTY_VECTOR } from '../../src/clock/version-vector.ts';
import { contribution } from '../../src/digest/contribution.ts';
import { compareDots, type Dot, mergeRecords, NEVER, type StoredRecord } from '../../src/store/record.ts';
import type { MergeOutcome } from '../../src/store/record-store.ts';
import { plain } from './records.ts';

/** `RecordStore` as a Map and `mergeRecords`: slow, and plainly right. Keys go by their number in a test's pool. */
export class TwinStore {
  readonly records = new Map<number, StoredRecord>();
  readonly #actors: Actors;

  constructor(actors: Actors) {
    this.#actors = actors;
  }

  putValue(key: number, value: Buffer | undefined, dot: Dot, expiryAtMs: number): void {
    const expiry = expiryAtMs === NEVER ? undefined : { dot, atMs: expiryAtMs };
    this.#mergeIn(key, { dot, value, vector: EMPTY_VECTOR, expiry });
  }

  setExpiry(key: number, atMs: number, dot: Dot): void {
    this.records.set(key, { ...this.records.get(key)!, expiry: { dot, atMs } });
  }

  merge(key: number, record: StoredRecord): MergeOutcome {
    const held = this.records.get(key);
    const order = held === undefined ? -1 : compareDots(this.#actors, held.dot, record.dot);
    const merged = this.#mergeIn(key, record);
    if (order < 0) return 'stored';
    if (order > 0) return 'behind';
    if (record.expiry !== undefined && held?.expiry !== undefined) {
      const isOwnWrite = compareDots(this.#actors, record.expiry.dot, record.dot) !== 0;
      if (isOwnWrite && compareDots(this.#actors, record.expiry.dot, held.expiry.dot) < 0) return 'behind';
    }
    // A value that was dropped is no news from one who knows less of its expiry.
    const knowsLess = held?.expiry !== undefined && !this.#knowsExpiry(record, held.expiry.dot);
    const shown = (each: StoredRecord | undefined) =>
      JSON.stringify(plain(knowsLess && each !== undefined ? { ...each, value: undefined } : each));
    return shown(merged) === shown(held) ? 'same' : 'stored';
  }

  #knowsExpiry({ expiry }: StoredRecord, dot: Dot): boolean {
    return expiry !== undefined && compareDots(this.#actors, expiry.dot, dot) >= 0;
  }

  isExpired(key: number, wallMs: number): boolean {
    const expiry = this.records.get(key)?.expiry;
    return expiry !== undefined && expiry.atMs !== NEVER && expiry.atMs <= wallMs;
  }

  dropExpiredValue(key: number, wallMs: number): boolean {
    const record = this.records.get(key);
    if (record?.value === undefined || !this.isExpired(key, wallMs)) return false;
    this.records.set(key, { ...record, value: undefined });
    return true;
  }

  /** The XOR from scratch over these keys. */
  digest(keys: readonly number[], hashOf: (key: number) => number): readonly [number, number] {
    const xor = new Uint32Array(2);
    const add = (hash: number, dot: Dot, tag: number) => {
      const [low, high] = contribution(hash, dot.stamp, this.#actors.wordOf(dot.actor) ^ tag);
      xor[0]! ^= low;
      xor[1]! ^= high;
    };
    for (const key of keys) {
      const record = this.records.get(key);
      if (record === undefined) continue;
      add(hashOf(key), record.dot, 0);
      if (record.expiry !== undefined && compareDots(this.#actors, record.expiry.dot, record.dot) !== 0) {
        add(hashOf(key), record.expiry.dot, 0x5bd1e995);
      }
    }
    return [xor[0]!, xor[1]!];
  }

  #mergeIn(key: number, record: StoredRecord): StoredRecord {
    const held = this.records.get(key);
    const merged = held === undefined ? record : mergeRecords(this.#actors, held, record);
    this.records.set(key, merged);
    return merged;
  }
}

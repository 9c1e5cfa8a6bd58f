import type { StoredRecord } from './record.ts';

/** Is told of every change of a store's records, within the call that makes it, so that a disk can follow. */
export interface RecordJournal {
  /** This is held of the key from now on. Everything given is good only until the call returns. */
  held(slot: number, key: Uint8Array, record: StoredRecord): void;
  removed(slot: number, key: Uint8Array): void;
  /** All records of the slot are gone. */
  dropped(slot: number): void;
  /** All records are gone. */
  cleared(): void;
}

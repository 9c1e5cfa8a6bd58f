import { Actors } from '../../clock/actors.ts';
import { MalformedMessageError } from '../../lib/byte-reader.ts';
import { type RecordPlace, readPlace, readRecord } from '../../node/disk/record-table.ts';
import { RecordCodec } from '../../replication/record-codec.ts';
import { DiskTable } from '../../store/disk-tables.ts';
import { mergeRecords, type StoredRecord } from '../../store/record.ts';
import type { Backup, BackupEntry } from './backup.ts';

/** A key, and what all the backups together say of it. */
export interface MergedRecord extends RecordPlace {
  readonly record: StoredRecord;
}

/**
 * The records of several backups as one replica would hold them that had been given them all: of each key what `mergeRecords` makes of its versions, whether a node
 * was its replica or kept it for another. Keys come in the order of the disk (keyspace, slot, key), so one look at the next entry of each
 * table is enough, however large the backups are.
 */
export class MergedRecords {
  readonly #actors = new Actors();
  readonly #codec = new RecordCodec(this.#actors);
  readonly #cursors: readonly Cursor[];
  #malformed = 0;

  constructor(backups: readonly Backup[]) {
    this.#cursors = backups.flatMap(backup => [
      new Cursor(backup.entries(DiskTable.record)),
      new Cursor(backup.entries(DiskTable.kept)),
    ]);
  }

  /** Entries that were not as they had been put, in all backups, as far as they have been read. */
  get damaged(): number {
    return this.#cursors.reduce((sum, { damaged }) => sum + damaged, this.#malformed);
  }

  /** @throws BackupError */
  async *read(): AsyncGenerator<MergedRecord> {
    for (const cursor of this.#cursors) await cursor.advance();
    for (;;) {
      const key = this.#leastKey();
      if (key === undefined) return;
      let merged: StoredRecord | undefined;
      for (const cursor of this.#cursors) {
        const entry = cursor.entry;
        if (entry === undefined || comparePlaces(entry[0], key) !== 0) continue;
        const record = this.#decode(entry);
        if (record !== undefined) merged = merged === undefined ? record : mergeRecords(this.#actors, merged, record);
        // What is in the next chunk has to be waited for.
        if (!cursor.step()) await cursor.advance();
      }
      if (merged !== undefined) yield { ...readPlace(key), record: merged };
    }
  }

  #leastKey(): Buffer | undefined {
    let least: Uint8Array | undefined;
    for (const { entry } of this.#cursors)
      if (entry !== undefined && (least === undefined || comparePlaces(entry[0], least) < 0)) least = entry[0];
    return least && Buffer.from(least.buffer, least.byteOffset, least.length);
  }

  #decode([, value]: WholeEntry): StoredRecord | undefined {
    try {
      return readRecord(this.#codec, Buffer.from(value.buffer, value.byteOffset, value.length));
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.#malformed++;
      return undefined;
    }
  }
}

type WholeEntry = readonly [key: Uint8Array, value: Uint8Array];

/** What one table of one backup has next. Damaged entries are passed over: their keys may be wrong, and so out of order. */
class Cursor {
  readonly #chunks: AsyncGenerator<readonly BackupEntry[]>;
  #chunk: readonly BackupEntry[] = [];
  #at = 0;
  damaged = 0;

  constructor(chunks: AsyncGenerator<readonly BackupEntry[]>) {
    this.#chunks = chunks;
  }

  /** Undefined at the end. */
  get entry(): WholeEntry | undefined {
    return this.#chunk[this.#at] as WholeEntry | undefined;
  }

  /** To the next entry of the chunk; false when that was its last. */
  step(): boolean {
    this.#at++;
    return this.#isAtWhole();
  }

  /** To the first entry of the chunks that follow. */
  async advance(): Promise<void> {
    for (;;) {
      const next = await this.#chunks.next();
      this.#chunk = next.done ? [] : next.value;
      this.#at = 0;
      if (next.done || this.#isAtWhole()) return;
    }
  }

  #isAtWhole(): boolean {
    for (; this.#at < this.#chunk.length; this.#at++) {
      if (this.#chunk[this.#at]![1] !== undefined) return true;
      this.damaged++;
    }
    return false;
  }
}

/** The order of keys of two tables, which differ in their first byte. */
function comparePlaces(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a.subarray(1), b.subarray(1));
}

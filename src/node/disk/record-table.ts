import type { Actors } from '../../clock/actors.ts';
import { readerOf } from '../../lib/byte-reader.ts';
import { ByteWriter } from '../../lib/byte-writer.ts';
import type { Disk } from '../../ports/disk.ts';
import { RecordCodec } from '../../replication/record-codec.ts';
import type { DiskTable } from '../../store/disk-tables.ts';
import type { StoredRecord } from '../../store/record.ts';
import type { RecordJournal } from '../../store/record-journal.ts';

export type RecordTableNumber = (typeof DiskTable)['record' | 'kept'];

/** Where a record lies: its key's slot goes before the key, so that a slot is one range. */
export interface RecordPlace {
  readonly db: number;
  readonly slot: number;
  readonly key: Buffer;
}

/**
 * The records of one keyspace on disk, each under `table u8 · db u8 · slot u16 · key` as the bus writes records (`RecordCodec`), the value last.
 * Actors stand in it by name: their numbers are a process's own.
 */
export class RecordTable implements RecordJournal {
  readonly #disk: Disk;
  readonly #table: RecordTableNumber;
  readonly #db: number;
  readonly #codec: RecordCodec;
  readonly #key = new ByteWriter(256);
  readonly #to = new ByteWriter(8);
  readonly #value = new ByteWriter();

  constructor(disk: Disk, table: RecordTableNumber, db: number, actors: Actors) {
    this.#disk = disk;
    this.#table = table;
    this.#db = db;
    this.#codec = new RecordCodec(actors);
  }

  held(slot: number, key: Uint8Array, record: StoredRecord): void {
    const out = this.#value;
    out.reset();
    this.#codec.writeVersion(out, record);
    if (record.value !== undefined) out.raw(record.value);
    this.#disk.put(this.#keyOf(slot, key), out.view());
  }

  removed(slot: number, key: Uint8Array): void {
    this.#disk.delete(this.#keyOf(slot, key));
  }

  dropped(slot: number): void {
    this.deleteSlots(slot, slot + 1);
  }

  cleared(): void {
    this.deleteSlots(0, END_OF_SLOTS);
  }

  /** Up to but without `toSlot`. */
  deleteSlots(fromSlot: number, toSlot: number): void {
    const to = this.#to;
    to.reset();
    this.#writePlace(to, toSlot);
    this.#disk.deleteRange(this.#keyOf(fromSlot, NO_KEY), to.view());
  }

  #keyOf(slot: number, key: Uint8Array): Buffer {
    const out = this.#key;
    out.reset();
    this.#writePlace(out, slot);
    out.raw(key);
    return out.view();
  }

  #writePlace(out: ByteWriter, slot: number): void {
    out.u8(this.#table);
    out.u8(this.#db);
    out.u16(slot);
  }
}

/** Behind the last slot there is. */
const END_OF_SLOTS = 0xffff;
const NO_KEY = new Uint8Array(0);

/** @throws MalformedMessageError */
export function readPlace(diskKey: Buffer): RecordPlace {
  const input = readerOf(diskKey);
  input.u8();
  return { db: input.u8(), slot: input.u16(), key: input.rest() };
}

/** The record to keep: its value is a copy. @throws MalformedMessageError */
export function readRecord(codec: RecordCodec, bytes: Buffer): StoredRecord {
  const record = codec.readToEnd(readerOf(bytes));
  return record.value === undefined ? record : { ...record, value: Buffer.from(record.value) };
}

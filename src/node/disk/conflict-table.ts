import type { Actors } from '../../clock/actors.ts';
import { readerOf } from '../../lib/byte-reader.ts';
import { ByteWriter } from '../../lib/byte-writer.ts';
import type { Disk } from '../../ports/disk.ts';
import { RecordCodec } from '../../replication/record-codec.ts';
import type { ConflictStore, KeyedPutAside } from '../../store/conflict-journal.ts';
import { DiskTable } from '../../store/disk-tables.ts';

/** What last-write-wins put aside in one keyspace, each under `table u8 · db u8 · number f64`: the key, the dot, and the value if it has one. */
export class ConflictTable implements ConflictStore {
  readonly #disk: Disk;
  readonly #db: number;
  readonly #codec: RecordCodec;
  readonly #key = new ByteWriter(16);
  readonly #value = new ByteWriter();

  constructor(disk: Disk, db: number, actors: Actors) {
    this.#disk = disk;
    this.#db = db;
    this.#codec = new RecordCodec(actors);
  }

  added(sequence: number, { key, dot, value }: KeyedPutAside): void {
    const out = this.#value;
    out.reset();
    out.bytes(key);
    this.#codec.writeDot(out, dot.actor, dot.stamp);
    out.u8(value === undefined ? 0 : 1);
    if (value !== undefined) out.raw(value);
    this.#disk.put(this.#keyOf(sequence), out.view());
  }

  dropped(sequence: number): void {
    this.#disk.delete(this.#keyOf(sequence));
  }

  #keyOf(sequence: number): Buffer {
    const out = this.#key;
    out.reset();
    out.u8(DiskTable.conflict);
    out.u8(this.#db);
    out.f64(sequence);
    return out.view();
  }
}

/** @throws MalformedMessageError */
export function readConflict(
  codec: RecordCodec,
  diskKey: Buffer,
  bytes: Buffer,
): { readonly db: number; readonly sequence: number; readonly conflict: KeyedPutAside } {
  const place = readerOf(diskKey);
  place.u8();
  const db = place.u8();
  const sequence = place.f64();
  const input = readerOf(bytes);
  const key = Buffer.from(input.bytes());
  const dot = codec.readDot(input);
  const value = input.u8() === 0 ? undefined : Buffer.from(input.rest());
  return { db, sequence, conflict: { key, dot, value } };
}

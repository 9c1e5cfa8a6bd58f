import type { Actors } from '../../clock/actors.ts';
import { MalformedMessageError } from '../../lib/byte-reader.ts';
import type { Disk, DiskFailure } from '../../ports/disk.ts';
import { RecordCodec } from '../../replication/record-codec.ts';
import { DiskTable } from '../../store/disk-tables.ts';
import type { Cluster } from '../cluster.ts';
import { readConflict } from './conflict-table.ts';
import { readHint } from './hint-table.ts';
import { RecordTable, type RecordTableNumber, readPlace, readRecord } from './record-table.ts';

/** What came of reading a disk. */
export interface Recovered {
  readonly records: number;
  /** Entries that were not as they had been put, and are gone. */
  readonly damaged: number;
}

/** Slots with about so many entries are forgotten at once: a batch has all their keys in memory. */
const FORGET_ENTRIES = 50_000;

/** Slots of a table of a keyspace that is in memory only now, the last one included. */
interface Unkept {
  readonly table: RecordTableNumber;
  readonly db: number;
  readonly from: number;
  to: number;
  entries: number;
}

/** Reads what a former process of this node has left into its cluster, before the node takes part in anything. */
export class Recovery {
  readonly #disk: Disk;
  readonly #cluster: Cluster;
  readonly #codec: RecordCodec;
  readonly #actors: Actors;
  readonly #unkept: Unkept[] = [];
  #records = 0;
  #damaged = 0;

  constructor(disk: Disk, cluster: Cluster) {
    this.#disk = disk;
    this.#cluster = cluster;
    this.#actors = cluster.context.actors;
    this.#codec = new RecordCodec(this.#actors);
  }

  /** @param done gets why nothing can be known, or what was read. */
  run(done: (failure: DiskFailure | undefined, recovered: Recovered) => void): void {
    const steps = [
      { table: DiskTable.record, take: (key: Buffer, value: Buffer) => this.#takeRecord(key, value) },
      // Hints before what is kept: who is owed that is noted anew, and what is left of former notes deleted.
      { table: DiskTable.hint, take: (key: Buffer, value: Buffer) => this.#takeHint(key, value) },
      { table: DiskTable.kept, take: (key: Buffer, value: Buffer) => this.#takeKept(key, value) },
      { table: DiskTable.conflict, take: (key: Buffer, value: Buffer) => this.#takeConflict(key, value) },
    ];
    const next = (i: number): void => {
      const step = steps[i];
      if (step === undefined)
        return this.#forgetUnkept(() => done(undefined, { records: this.#records, damaged: this.#damaged }));
      this.#scan(step.table, step.take, failure => {
        if (failure === undefined) next(i + 1);
        else done(failure, { records: this.#records, damaged: this.#damaged });
      });
    };
    next(0);
  }

  /**
   * A keyspace that is in memory only now must not find what it left here when it is kept again. Piece by piece: whoever ends in between goes on
   * at the next start, as long as the disk does not call the keyspace whole any more. A flush that fails leaves its piece in the open batch, with what follows.
   */
  #forgetUnkept(done: () => void): void {
    const piece = this.#unkept.shift();
    if (piece !== undefined) {
      new RecordTable(this.#disk, piece.table, piece.db, this.#actors).deleteSlots(piece.from, piece.to + 1);
      return this.#disk.flush(() => this.#forgetUnkept(done));
    }
    for (const { db, durability } of this.#cluster.keyspaces.values()) {
      if (durability.isKept) continue;
      for (const table of [DiskTable.record, DiskTable.kept] as const)
        new RecordTable(this.#disk, table, db, this.#actors).cleared();
    }
    done();
  }

  #noteUnkept(table: RecordTableNumber, db: number, slot: number): void {
    let piece = this.#unkept.at(-1);
    const isFull = piece !== undefined && piece.entries >= FORGET_ENTRIES && piece.to !== slot;
    if (piece === undefined || isFull || piece.table !== table || piece.db !== db) {
      piece = { table, db, from: slot, to: slot, entries: 0 };
      this.#unkept.push(piece);
    }
    piece.to = slot;
    piece.entries++;
  }

  #scan(
    table: number,
    take: (key: Buffer, value: Buffer) => void,
    end: (failure: DiskFailure | undefined) => void,
  ): void {
    const drop = (key: Uint8Array): void => {
      this.#damaged++;
      this.#disk.delete(key);
    };
    this.#disk.scan(Uint8Array.of(table), Uint8Array.of(table + 1), {
      entry: (key, value) => {
        try {
          take(bufferOf(key), bufferOf(value));
        } catch (error) {
          if (!(error instanceof MalformedMessageError)) throw error;
          drop(key);
        }
      },
      damaged: drop,
      end,
    });
  }

  #takeRecord(diskKey: Buffer, value: Buffer): void {
    const { db, slot, key } = readPlace(diskKey);
    const keyspace = this.#cluster.keyspaces.get(db);
    if (keyspace === undefined) return;
    if (!keyspace.durability.isKept) return this.#noteUnkept(DiskTable.record, db, slot);
    const record = readRecord(this.#codec, value);
    this.#observe(record.dot.stamp, record.expiry?.dot.stamp);
    keyspace.store.merge(slot, keyspace.store.hashOf(key), key, record);
    this.#records++;
  }

  #takeKept(diskKey: Buffer, value: Buffer): void {
    const { db, slot, key } = readPlace(diskKey);
    const keyspace = this.#cluster.keyspaces.get(db);
    if (keyspace === undefined) return;
    if (!keyspace.durability.isKept) return this.#noteUnkept(DiskTable.kept, db, slot);
    const record = readRecord(this.#codec, value);
    this.#observe(record.dot.stamp, record.expiry?.dot.stamp);
    const hash = keyspace.store.hashOf(key);
    if (!keyspace.placement.isWrittenHere(slot)) {
      keyspace.kept.merge(slot, hash, key, record);
      // Whom it was kept for is not asked: who has it already takes it once more.
      const owners = keyspace.placement.writersOf(slot);
      return this.#cluster.hints.keep(keyspace, slot, hash, record.dot.stamp, owners);
    }
    // The node came to own the slot, and ended before it had moved what it kept of it.
    keyspace.store.merge(slot, hash, key, record);
    const merged = keyspace.store.read(keyspace.store.find(slot, hash, key));
    new RecordTable(this.#disk, DiskTable.record, db, this.#actors).held(slot, key, merged);
    this.#disk.delete(diskKey);
  }

  #takeHint(key: Buffer, value: Buffer): void {
    const { context, hints } = this.#cluster;
    const { peer: name, hint, ageSeconds } = readHint(key, value, context.clock.wallMs());
    const peer = this.#cluster.peerOf(name);
    if (peer === undefined || peer.isSelf || !hints.restore(peer, hint, ageSeconds)) this.#disk.delete(key);
  }

  #takeConflict(key: Buffer, value: Buffer): void {
    const { db, sequence, conflict } = readConflict(this.#codec, key, value);
    const keyspace = this.#cluster.keyspaces.get(db);
    if (keyspace?.durability.isKept === true) keyspace.conflicts.restore(sequence, conflict);
    else this.#disk.delete(key);
  }

  #observe(stamp: number, expiryStamp = 0): void {
    this.#cluster.context.stamps.observe(Math.max(stamp, expiryStamp));
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

import { existsSync } from 'node:fs';
import { IDENTITY_KEY, parseIdentity } from '../../node/disk/node-table.ts';
import type { DiskFailure } from '../../ports/disk.ts';
import { DiskTable } from '../../store/disk-tables.ts';
import { failureOf } from '../disk/level-failure.ts';
import { LevelStore } from '../disk/level-store.ts';
import { noteIn } from '../disk/store-copy.ts';

/** What keeps a backup from being read, in one sentence. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** An entry of a backup; without a value where it is damaged. */
export type BackupEntry = readonly [key: Uint8Array, value: Uint8Array | undefined];

/** The tables in which there are records. */
export type RecordTableNumber = (typeof DiskTable)['record' | 'kept'];

/** A keyspace's number is one byte of its keys. */
const MAX_DB = 255;
/** Behind every key that a node has on disk. */
const END = Uint8Array.of(0xff);

/** A backup that is open to be read. It is changed by that in nothing but LevelDB's own files. */
export class Backup {
  readonly path: string;
  readonly clusterId: string;
  readonly #store: LevelStore;
  /** How many entries there were when it was made. */
  readonly #entries: number | undefined;
  /** Entries of tables of records that have been read. */
  #read = 0;

  private constructor(path: string, clusterId: string, store: LevelStore, entries: number | undefined) {
    this.path = path;
    this.clusterId = clusterId;
    this.#store = store;
    this.#entries = entries;
  }

  /** @throws BackupError */
  static async open(path: string): Promise<Backup> {
    if (!existsSync(path)) throw new BackupError(`${path} is no backup: there is no such directory`);
    const note = noteIn(path);
    if (note === undefined) throw new BackupError(`${path} is no backup: COTERIE BACKUP has not made it`);
    const store = await LevelStore.open(path);
    if (!(store instanceof LevelStore)) throw new BackupError(explain(path, store));
    const identity = await identityIn(store);
    if (identity !== undefined) return new Backup(path, identity.cluster.id, store, note.entries);
    await store.close();
    throw new BackupError(`${path} cannot be used: what says of which cluster it is is damaged`);
  }

  /** The keyspaces that have records in it, by their numbers. @throws BackupError */
  async dbs(): Promise<ReadonlySet<number>> {
    const dbs = new Set<number>();
    for (const table of [DiskTable.record, DiskTable.kept]) {
      for (let db = 0; db <= MAX_DB; db++) {
        const first = await this.#firstFrom(Uint8Array.of(table, db), Uint8Array.of(table + 1));
        if (first === undefined) break;
        db = first[1]!;
        dbs.add(db);
      }
    }
    return dbs;
  }

  /** The entries of a table in their order, some hundreds at a time. @throws BackupError */
  async *entries(table: RecordTableNumber): AsyncGenerator<readonly BackupEntry[]> {
    try {
      for await (const entries of this.#store.read(Uint8Array.of(table), Uint8Array.of(table + 1))) {
        this.#read += entries.length;
        yield entries;
      }
    } catch (error) {
      throw new BackupError(failureOf(error, `read ${this.path}`).message);
    }
  }

  /**
   * Entries that were there when the backup was made, and are not now; LevelDB drops what it cannot read of a damaged log. Undefined where that
   * cannot be known. To be asked when both tables of records have been read to their ends. @throws BackupError
   */
  async countMissing(): Promise<number | undefined> {
    if (this.#entries === undefined) return undefined;
    let count = this.#read;
    const others = [
      [Uint8Array.of(DiskTable.node), Uint8Array.of(DiskTable.record)],
      [Uint8Array.of(DiskTable.kept + 1), END],
    ] as const;
    try {
      for (const [from, to] of others) for await (const entries of this.#store.read(from, to)) count += entries.length;
    } catch (error) {
      throw new BackupError(failureOf(error, `read ${this.path}`).message);
    }
    return Math.max(0, this.#entries - count);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #firstFrom(from: Uint8Array, to: Uint8Array): Promise<Uint8Array | undefined> {
    for await (const [first] of this.#store.read(from, to)) return first![0];
    return undefined;
  }
}

async function identityIn(store: LevelStore): Promise<ReturnType<typeof parseIdentity>> {
  for await (const [entry] of store.read(IDENTITY_KEY, Buffer.concat([IDENTITY_KEY, Uint8Array.of(0)]))) {
    const value = entry?.[1];
    return value && parseIdentity(value);
  }
  return undefined;
}

function explain(path: string, { kind, message }: DiskFailure): string {
  if (kind === 'locked') return `${path} is in use: another process reads it, or it is named twice`;
  if (kind === 'read-only') return `${path} cannot be read where nothing can be written: make a copy of it elsewhere`;
  return message;
}

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ClassicLevel, type Iterator } from 'classic-level';
import { type DiskFailure, RESERVED_FIRST_BYTE } from '../../ports/disk.ts';
import { BlockWriter, CHECKSUM_BYTES, type FilledBlock, readBlock } from './batch-block.ts';
import { type DeletedRange, DeletedRanges } from './deleted-ranges.ts';
import { failureOf } from './level-failure.ts';
import { findingsIn } from './store-check.ts';
import { makeCopy, noteIn, syncDirectory } from './store-copy.ts';
import { StoreNotes } from './store-notes.ts';

/** How entries are laid out here and how the node lays out its keys; a store with a larger one is refused. */
export const SCHEMA_VERSION = 1;

const SCHEMA_KEY = Buffer.from([RESERVED_FIRST_BYTE, ...Buffer.from('schema')]);
const AFTER_RESERVED = Buffer.of(RESERVED_FIRST_BYTE + 1);
const CHUNK_BYTES = 256 << 10;
/** Entries that LevelDB hands over at once, at most. */
const ENTRIES_AT_ONCE = 2_000;

/**
 * The memory that gathers what LevelDB has logged, before it becomes a table: the larger, the less often is the same record written again.
 * Snappy is off because a value is small, and most likely compressed or random where it is large.
 */
const OPTIONS = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  compression: false,
  writeBufferSize: 16 << 20,
  maxFileSize: 8 << 20,
  cacheSize: 1 << 20,
} as const;

type Bytes = Uint8Array;

/** A key, and its value as the store has it, with the checksum behind it. */
type Entry = readonly [Bytes, Bytes];

/**
 * A LevelDB as the disk's thread holds it. A batch is one record of LevelDB's log, which is written and then synchronised
 * (`fdatasync`) before `write` resolves; a record that is cut off is ignored on opening, so batches are atomic.
 *
 * LevelDB 1.20 leaves four things to whoever uses it:
 * - It checks no checksum of a table when it reads, so all are checked before it is opened (`findingsIn`): a wrong bit in a key, or in a deletion, uncovers what
 *   lay below. Each value carries a checksum of ours besides, over key and value, for what goes wrong later.
 * - After a write that failed half-way it goes on behind the torn record, and what it acknowledges then may not be found again. So nothing is
 *   written after a failure but by a store opened anew.
 * - A log that is damaged in its middle is read on behind the damage, and one that is broken off is taken for whole (`findingsIn`).
 * - The name of a new log is synchronised only with the next change of its manifest; here, before the first batch in it is acknowledged.
 */
export class LevelStore {
  readonly #path: string;
  readonly #db: ClassicLevel<Bytes, Bytes>;
  readonly #directory: number;
  #directoryChangedMs = 0;
  readonly lost: string | undefined;
  readonly torn: string | undefined;
  readonly isCopy: boolean;
  readonly #notes: StoreNotes;
  /** What was found and has not been seen to. */
  #unsettled: boolean;

  private constructor(path: string, db: ClassicLevel<Bytes, Bytes>, notes: StoreNotes) {
    this.#path = path;
    this.#db = db;
    this.#directory = openSync(path, 'r');
    const { lost, torn } = notes.toTell;
    this.lost = lost;
    this.torn = torn;
    this.#notes = notes;
    this.#unsettled = lost !== undefined || torn !== undefined;
    this.isCopy = noteIn(path) !== undefined;
  }

  /**
   * Opens or makes it.
   *
   * @param before as this process had it open until a write failed. Its tables are not checked again, and what is lost now, which nobody is told, stays noted
   *   for the next process.
   */
  static async open(path: string, before?: LevelStore): Promise<LevelStore | DiskFailure> {
    try {
      const damage = damageOf(path);
      if (damage !== undefined) return { kind: 'corrupt', message: `Cannot open ${path}: ${damage}` };
      mkdirSync(path, { recursive: true });
      const notes = new StoreNotes(path);
      await noteFindings(path, notes, before === undefined);
      const db = new ClassicLevel<Bytes, Bytes>(path, OPTIONS);
      await db.open();
      const store = new LevelStore(path, db, notes);
      if (before !== undefined && store.lost !== before.lost) store.#unsettled = false;
      const failure = await store.#checkSchema();
      if (failure === undefined) return store;
      await store.close();
      return failure;
    } catch (error) {
      return failureOf(error, `open ${path}`);
    }
  }

  async #checkSchema(): Promise<DiskFailure | undefined> {
    const found = await this.#db.get(SCHEMA_KEY);
    if (found === undefined) {
      const isEmpty = (await this.#db.keys({ limit: 1 }).all()).length === 0;
      if (!isEmpty)
        return { kind: 'corrupt', message: `Cannot open ${this.#path}: it does not say its schema version` };
      await this.#db
        .batch()
        .put(SCHEMA_KEY, signed(SCHEMA_KEY, Buffer.of(SCHEMA_VERSION)))
        .write({ sync: true });
      fsyncSync(this.#directory);
      syncDirectory(dirname(this.#path));
      return undefined;
    }
    if (!isWhole(SCHEMA_KEY, found)) {
      return { kind: 'corrupt', message: `Cannot open ${this.#path}: its schema version is damaged` };
    }
    const version = found[0]!;
    if (version <= SCHEMA_VERSION) return undefined;
    const message = `Cannot open ${this.#path}: its schema version is ${version}, and this program knows ${SCHEMA_VERSION} at most; start a newer one`;
    return { kind: 'newer-schema', message };
  }

  /** Applies a batch as a whole and makes it durable. */
  async write(filled: FilledBlock): Promise<void> {
    const batch = this.#db.batch();
    const ranges: DeletedRange[] = [];
    let at = 0;
    readBlock(filled, (operation, key, value, withChecksum) => {
      if (operation === 'deleteRange') ranges.push({ at, from: key, to: value });
      else if (ranges.length === 0) add(batch, operation, key, value, withChecksum);
      at++;
    });
    if (ranges.length > 0) await this.#addWithRanges(filled, batch.clear(), new DeletedRanges(ranges));
    if (batch.length === 0) return batch.close();
    await batch.write({ sync: true });
    this.#syncNames();
    if (this.#unsettled) this.#notes.settle(this);
    this.#unsettled = false;
  }

  /**
   * LevelDB has no such operation, so each stored key of a range is deleted, before anything else; and what the batch itself puts is left out where a
   * later range has it. That is one batch for LevelDB too, so its memory has all those keys; whoever deletes very many does so piece by piece.
   */
  async #addWithRanges(filled: FilledBlock, batch: Batch, ranges: DeletedRanges): Promise<void> {
    for (const [gte, lt] of ranges.union()) {
      const stored = this.#db.keys({ gte, lt, fillCache: false } as object);
      for await (const keys of piecesOf<Bytes>(stored)) for (const key of keys) batch.del(key);
    }
    let at = 0;
    readBlock(filled, (operation, key, value, withChecksum) => {
      if (operation !== 'deleteRange' && ranges.lastOver(key) < at) add(batch, operation, key, value, withChecksum);
      at++;
    });
  }

  /** Hands over everything from `from` up to `to` as of now, in chunks; the next one is read when `take` has resolved. */
  async scan(from: Bytes, to: Bytes, take: (chunk: FilledBlock) => Promise<void>): Promise<void> {
    const chunk = new BlockWriter();
    for await (const entries of piecesOf<Entry>(this.#iterator(from, to))) {
      for (const [key, stored] of entries) {
        const value = wholeValue(key, stored);
        if (value === undefined) chunk.add('damaged', key, NOTHING);
        else chunk.add('put', key, value);
      }
      if (chunk.length >= CHUNK_BYTES) await take(chunk.take());
    }
    if (chunk.length > 0) await take(chunk.take());
  }

  /** Everything from `from` up to `to`, or to the end, as of now, in order, some hundreds at a time; a damaged entry without its value. */
  async *read(from: Bytes, to?: Bytes): AsyncGenerator<readonly (readonly [Bytes, Bytes | undefined])[]> {
    for await (const entries of piecesOf<Entry>(this.#iterator(from, to)))
      yield entries.map(([key, stored]) => [key, wholeValue(key, stored)] as const);
  }

  /** Makes a copy of what there is now, damaged entries as they are. */
  async backup(to: string): Promise<void> {
    const iterator = this.#iterator(AFTER_RESERVED);
    try {
      await makeCopy(to, path => this.#fill(path, iterator));
    } finally {
      await iterator.close();
    }
  }

  /** Leaves everything in tables: of a log, LevelDB would drop a whole batch for one wrong byte. @returns how many entries there are. */
  async #fill(path: string, iterator: Cursor): Promise<number> {
    const copy = new ClassicLevel<Bytes, Bytes>(path, OPTIONS);
    let count = 0;
    try {
      await copy.open();
      await copy.put(SCHEMA_KEY, (await this.#db.get(SCHEMA_KEY))!);
      for await (const entries of piecesOf<Entry>(iterator)) {
        const batch = copy.batch();
        for (const [key, stored] of entries) batch.put(key, stored);
        await batch.write({ sync: true });
        count += entries.length;
      }
    } finally {
      await copy.close();
    }
    // On opening LevelDB makes a table of what it finds in the log.
    await copy.open();
    await copy.close();
    return count;
  }

  /** Shows what there is when it is made. */
  #iterator(from: Bytes, to?: Bytes): Cursor {
    const gte = Buffer.compare(from, AFTER_RESERVED) < 0 ? AFTER_RESERVED : from;
    const range = to === undefined ? { gte } : { gte, lt: to };
    return this.#db.iterator({ ...range, fillCache: false, highWaterMarkBytes: CHUNK_BYTES } as object);
  }

  async close(): Promise<void> {
    try {
      await this.#db.close();
    } finally {
      closeSync(this.#directory);
    }
  }

  /** Before what is in a new file is called durable its name is: a name changes the directory's time. */
  #syncNames(): void {
    const { mtimeMs } = statSync(this.#path);
    if (mtimeMs === this.#directoryChangedMs) return;
    fsyncSync(this.#directory);
    this.#directoryChangedMs = mtimeMs;
  }
}

const NOTHING = Buffer.alloc(0);

type Cursor = Iterator<ClassicLevel<Bytes, Bytes>, Bytes, Bytes>;

/** What an iterator shows, some hundreds or thousands at a time. */
async function* piecesOf<Shown>(iterator: {
  nextv(size: number): Promise<Shown[]>;
  close(): Promise<void>;
}): AsyncGenerator<readonly Shown[]> {
  try {
    for (;;) {
      const piece = await iterator.nextv(ENTRIES_AT_ONCE);
      if (piece.length === 0) return;
      yield piece;
    }
  } finally {
    await iterator.close();
  }
}

type Batch = ReturnType<ClassicLevel<Bytes, Bytes>['batch']>;

function add(batch: Batch, operation: string, key: Bytes, value: Bytes, withChecksum: Bytes): void {
  if (operation === 'delete') {
    batch.del(key);
    return;
  }
  writeChecksum(withChecksum, crc32(value, crc32(key)), value.length);
  batch.put(key, withChecksum);
}

/** A value as the store has it: with the checksum of key and value behind it. */
export function signed(key: Bytes, value: Bytes): Bytes {
  const all = Buffer.concat([value, Buffer.alloc(CHECKSUM_BYTES)]);
  writeChecksum(all, crc32(value, crc32(key)), value.length);
  return all;
}

function writeChecksum(target: Bytes, sum: number, at: number): void {
  target[at] = sum & 255;
  target[at + 1] = (sum >>> 8) & 255;
  target[at + 2] = (sum >>> 16) & 255;
  target[at + 3] = sum >>> 24;
}

/** Without its checksum; undefined where that is not that of key and value. */
function wholeValue(key: Bytes, stored: Bytes): Bytes | undefined {
  return isWhole(key, stored) ? stored.subarray(0, stored.length - CHECKSUM_BYTES) : undefined;
}

function isWhole(key: Bytes, stored: Bytes): boolean {
  const at = stored.length - CHECKSUM_BYTES;
  if (at < 0) return false;
  const sum = crc32(stored.subarray(0, at), crc32(key));
  return sum === (stored[at]! | (stored[at + 1]! << 8) | (stored[at + 2]! << 16) | (stored[at + 3]! << 24)) >>> 0;
}

/** Looks for what is wrong before LevelDB does away with it. @throws where another process has the store open. */
async function noteFindings(path: string, notes: StoreNotes, withTables: boolean): Promise<void> {
  if (!existsSync(join(path, 'CURRENT'))) return;
  try {
    if (!notes.areNews(findingsIn(path, withTables))) return;
  } catch {
    // Looked at once more below.
  }
  // In files that a process writes there may be anything, and they come and go; so whatever is found counts only when there is none.
  await throwIfLocked(path);
  notes.add(findingsIn(path, withTables));
}

async function throwIfLocked(path: string): Promise<void> {
  const db = new ClassicLevel<Bytes, Bytes>(path, { createIfMissing: false, errorIfExists: true });
  try {
    await db.open();
  } catch (error) {
    // It exists, which LevelDB sees only when it has locked it.
    if (!/error_if_exists/.test(((error as Error).cause as Error | undefined)?.message ?? '')) throw error;
  }
}

/**
 * What is wrong with the files by which LevelDB finds its others. Where `CURRENT` is missing it would make a new store, whatever else is there; where
 * that names no manifest it speaks of a file that does not exist.
 */
function damageOf(path: string): string | undefined {
  if (!existsSync(join(path, 'LOG'))) return undefined;
  const current = join(path, 'CURRENT');
  if (!existsSync(current)) return 'its file CURRENT is missing';
  const text = readFileSync(current, 'latin1');
  if (!/^MANIFEST-\d+\n$/.test(text)) return 'its file CURRENT is damaged';
  return existsSync(join(path, text.trimEnd()))
    ? undefined
    : `its file CURRENT names ${text.trimEnd()}, which is missing`;
}

/** The engines that `bench/disk-engines.ts` compares, each behind the few calls that our access pattern makes. */
import { closeSync, copyFile, fdatasync, mkdirSync, openSync, readFileSync, write } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { ClassicLevel } from 'classic-level';
import { open, type RootDatabase } from 'lmdb';
import { BlockWriter, type FilledBlock, readBlock } from '../../src/io/disk/batch-block.ts';

export interface Engine {
  put(key: Buffer, value: Buffer): void;
  /** Makes everything put before it durable, then calls back. One at a time. */
  flush(done: () => void): void;
  /** Every record in order; of the log, in the order written. */
  scan(visit: (key: Uint8Array, value: Uint8Array) => void): Promise<void>;
  /** A consistent copy of what there is, while writes go on. */
  backup(to: string): Promise<void>;
  close(): Promise<void>;
}

export const ENGINES: Readonly<Record<string, (path: string) => Promise<Engine>>> = {
  lmdb: async path => new Lmdb(path, true),
  'lmdb, no overlapping sync': async path => new Lmdb(path, false),
  'classic-level': openLevel,
  'classic-level, worker': async path => new InWorker(path, 'level'),
  'lmdb, worker': async path => new InWorker(path, 'lmdb'),
  log: async path => new Log(path),
};

/** As its documentation has it: puts go to the binding's own writer thread, a commit a turn, `flushed` when durable. */
class Lmdb implements Engine {
  readonly #db: RootDatabase<Buffer, Buffer>;

  constructor(path: string, overlappingSync: boolean) {
    this.#db = open<Buffer, Buffer>({ path, keyEncoding: 'binary', encoding: 'binary', overlappingSync });
  }

  put(key: Buffer, value: Buffer): void {
    this.#db.put(key, value);
  }

  flush(done: () => void): void {
    this.#db.flushed.then(done);
  }

  async scan(visit: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
    for (const { key, value } of this.#db.getRange({ snapshot: true })) visit(key, value);
  }

  async backup(to: string): Promise<void> {
    mkdirSync(to);
    await this.#db.backup(to, false);
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}

async function openLevel(path: string): Promise<Engine> {
  const db = await openLevelStore(path);
  let batch = db.batch();
  return {
    put: (key, value) => {
      batch.put(key, value);
    },
    flush: done => {
      const full = batch;
      batch = db.batch();
      full.write({ sync: true }).then(done);
    },
    scan: visit => scanLevel(db, visit),
    backup: to => copyLevel(db, to),
    close: () => db.close(),
  };
}

type Level = ClassicLevel<Uint8Array, Uint8Array>;

export async function openLevelStore(path: string): Promise<Level> {
  const db = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
    writeBufferSize: 16 << 20,
    maxFileSize: 8 << 20,
  });
  await db.open();
  return db;
}

export async function scanLevel(db: Level, visit: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
  const iterator = db.iterator({ highWaterMarkBytes: 1 << 20, fillCache: false } as object);
  for (;;) {
    const entries = await iterator.nextv(10_000);
    if (entries.length === 0) break;
    for (const [key, value] of entries) visit(key, value);
  }
  await iterator.close();
}

export async function copyLevel(db: Level, to: string): Promise<void> {
  const copy = await openLevelStore(to);
  const iterator = db.iterator({ highWaterMarkBytes: 1 << 20, fillCache: false } as object);
  for (;;) {
    const entries = await iterator.nextv(10_000);
    if (entries.length === 0) break;
    const batch = copy.batch();
    for (const [key, value] of entries) batch.put(key, value);
    await batch.write();
  }
  await copy.batch().put(Buffer.of(255), Buffer.alloc(0)).write({ sync: true });
  await iterator.close();
  await copy.close();
}

/** The engine in a worker thread: here a write is a copy into a block of memory, a flush is one message. */
class InWorker implements Engine {
  readonly #worker: Worker;
  readonly #waiting: (() => void)[] = [];
  readonly #open = new BlockWriter();
  #visit: ((key: Uint8Array, value: Uint8Array) => void) | undefined;

  constructor(path: string, kind: 'level' | 'lmdb') {
    this.#worker = new Worker(new URL('./disk-worker.ts', import.meta.url), { workerData: { path, kind } });
    this.#worker.on('message', ({ filled }: { filled?: FilledBlock }) => {
      if (filled !== undefined) readBlock(filled, (_, key, value) => this.#visit!(key, value));
      else this.#waiting.shift()!();
    });
  }

  put(key: Buffer, value: Buffer): void {
    this.#open.add('put', key, value);
  }

  flush(done: () => void): void {
    const filled = this.#open.take();
    this.#waiting.push(done);
    this.#worker.postMessage({ ask: 'flush', filled }, [filled.block.buffer]);
  }

  scan(visit: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
    this.#visit = visit;
    return this.#ask({ ask: 'scan' });
  }

  backup(to: string): Promise<void> {
    return this.#ask({ ask: 'backup', to });
  }

  async close(): Promise<void> {
    await this.#ask({ ask: 'close' });
    await this.#worker.terminate();
  }

  #ask(message: object): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve);
      this.#worker.postMessage(message);
    });
  }
}

/** The control: what no ordered store can beat. It gives no space back and is not ordered. */
class Log implements Engine {
  readonly #path: string;
  readonly #file: number;
  readonly #open = new BlockWriter();

  constructor(path: string) {
    this.#path = `${path}.log`;
    this.#file = openSync(this.#path, 'a+');
  }

  put(key: Buffer, value: Buffer): void {
    this.#open.add('put', key, value);
  }

  flush(done: () => void): void {
    const { block, length } = this.#open.take();
    write(this.#file, block, 0, length, null, error => {
      if (error) throw error;
      fdatasync(this.#file, error => {
        if (error) throw error;
        done();
      });
    });
  }

  async scan(visit: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
    const block = readFileSync(this.#path);
    readBlock({ block, length: block.length }, (_, key, value) => visit(key, value));
  }

  backup(to: string): Promise<void> {
    return new Promise(resolve => {
      copyFile(this.#path, to, error => {
        if (error) throw error;
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    closeSync(this.#file);
  }
}

/** The worker's half of the engines that run in a worker thread. */
import { mkdirSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { open } from 'lmdb';
import { BlockWriter, type FilledBlock, readBlock } from '../../src/io/disk/batch-block.ts';
import { copyLevel, openLevelStore, scanLevel } from './disk-contestants.ts';

interface Question {
  readonly ask: 'flush' | 'scan' | 'backup' | 'close';
  readonly filled: FilledBlock;
  readonly to: string;
}

interface Store {
  write(filled: FilledBlock): Promise<void>;
  scan(visit: (key: Uint8Array, value: Uint8Array) => void): Promise<void>;
  backup(to: string): Promise<void>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 1 << 20;

const { path, kind } = workerData as { path: string; kind: 'level' | 'lmdb' };
const opening = kind === 'level' ? levelStore() : lmdbStore();
let last: Promise<void> = opening.then(() => undefined);
parentPort!.on('message', (question: Question) => {
  last = last.then(() => answer(question));
});

async function answer({ ask, filled, to }: Question): Promise<void> {
  const store = await opening;
  if (ask === 'flush') await store.write(filled);
  else if (ask === 'scan') await sendAll(store);
  else if (ask === 'backup') await store.backup(to);
  else await store.close();
  parentPort!.postMessage({});
}

async function sendAll(store: Store): Promise<void> {
  const chunk = new BlockWriter();
  const send = () => {
    const filled = chunk.take();
    parentPort!.postMessage({ filled }, [filled.block.buffer]);
  };
  await store.scan((key, value) => {
    chunk.add('put', key, value);
    if (chunk.length >= CHUNK_BYTES) send();
  });
  send();
}

async function levelStore(): Promise<Store> {
  const db = await openLevelStore(path);
  return {
    write: filled => {
      const batch = db.batch();
      readBlock(filled, (_, key, value) => batch.put(key, value));
      return batch.write({ sync: true });
    },
    scan: visit => scanLevel(db, visit),
    backup: to => copyLevel(db, to),
    close: () => db.close(),
  };
}

async function lmdbStore(): Promise<Store> {
  const options = { path, keyEncoding: 'binary', encoding: 'binary', overlappingSync: false } as const;
  const db = open<Uint8Array, Uint8Array>(options);
  return {
    write: async filled => {
      db.transactionSync(() => readBlock(filled, (_, key, value) => db.putSync(key, value)));
    },
    scan: async visit => {
      for (const { key, value } of db.getRange({ snapshot: true })) visit(key, value);
    },
    backup: async to => {
      mkdirSync(to);
      await db.backup(to, false);
    },
    close: () => db.close(),
  };
}

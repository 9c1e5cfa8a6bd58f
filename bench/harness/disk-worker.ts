/** The worker's half of the engines that run in a worker thread. */
import { mkdirSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { open } from 'lmdb';
import { copyLevel, openLevelStore, pack, scanLevel, unpack } from './disk-contestants.ts';

interface Question {
  readonly ask: 'flush' | 'scan' | 'backup' | 'close';
  readonly block: Uint8Array;
  readonly length: number;
  readonly to: string;
}

interface Store {
  write(block: Uint8Array, length: number): Promise<void>;
  scan(visit: (key: Uint8Array, value: Uint8Array) => void): Promise<void>;
  backup(to: string): Promise<void>;
  close(): Promise<void>;
}

const { path, kind } = workerData as { path: string; kind: 'level' | 'lmdb' };
const opening = kind === 'level' ? levelStore() : lmdbStore();
let last: Promise<void> = opening.then(() => undefined);
parentPort!.on('message', (question: Question) => {
  last = last.then(() => answer(question));
});

async function answer({ ask, block, length, to }: Question): Promise<void> {
  const store = await opening;
  if (ask === 'flush') await store.write(block, length);
  else if (ask === 'scan') await sendAll(store);
  else if (ask === 'backup') await store.backup(to);
  else await store.close();
  parentPort!.postMessage({});
}

async function sendAll(store: Store): Promise<void> {
  const CHUNK_BYTES = 1 << 20;
  let chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let at = 0;
  const send = () => {
    const full = chunk.subarray(0, at);
    parentPort!.postMessage({ block: full }, [full.buffer as ArrayBuffer]);
    chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    at = 0;
  };
  await store.scan((key, value) => {
    if (at + 8 + key.length + value.length > CHUNK_BYTES) send();
    at = pack(chunk, at, key, value);
  });
  send();
}

async function levelStore(): Promise<Store> {
  const db = await openLevelStore(path);
  return {
    write: (block, length) => {
      const batch = db.batch();
      unpack(block, length, (key, value) => batch.put(key, value));
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
    write: async (block, length) => {
      db.transactionSync(() => unpack(block, length, (key, value) => db.putSync(key, value)));
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

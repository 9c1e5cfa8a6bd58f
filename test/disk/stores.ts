import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BlockWriter, readBlock } from '../../src/io/disk/batch-block.ts';
import { LevelStore } from '../../src/io/disk/level-store.ts';

const FIRST = Buffer.of(1);
const LAST = Buffer.alloc(64, 255);

export async function openStore(path: string): Promise<LevelStore> {
  const store = await LevelStore.open(path);
  if (!(store instanceof LevelStore)) throw new Error(store.message);
  return store;
}

/** Writes one batch: `undefined` deletes. */
export function writeTo(store: LevelStore, changes: Iterable<readonly [string, string | undefined]>): Promise<void> {
  const block = new BlockWriter();
  for (const [key, value] of changes)
    block.add(value === undefined ? 'delete' : 'put', Buffer.from(key, 'latin1'), Buffer.from(value ?? '', 'latin1'));
  return store.write(block.take());
}

/** What there is; a damaged entry without its value. */
export async function contentsOf(store: LevelStore): Promise<Map<string, string | undefined>> {
  const found = new Map<string, string | undefined>();
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  await store.scan(FIRST, LAST, async chunk =>
    readBlock(chunk, (operation, key, value) => {
      found.set(text(key), operation === 'damaged' ? undefined : text(value));
    }),
  );
  return found;
}

/** The paths of a store's files of that kind, in the order of their numbers. */
export function filesOf(path: string, kind: 'log' | 'ldb'): string[] {
  const names = readdirSync(path).filter(name => name.endsWith(`.${kind}`));
  return names.sort().map(name => join(path, name));
}

export function changeFile(path: string, change: (bytes: Buffer) => Buffer | undefined): void {
  const bytes = readFileSync(path);
  writeFileSync(path, change(bytes) ?? bytes);
}

export function flipBit(path: string, at: number, bit = 0): void {
  changeFile(path, bytes => {
    bytes[at] = bytes[at]! ^ (1 << bit);
    return bytes;
  });
}

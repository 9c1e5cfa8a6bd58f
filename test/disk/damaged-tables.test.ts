import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LevelStore } from '../../src/io/disk/level-store.ts';
import { drawBelow } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { changeFile, contentsOf, filesOf, flipBit, openStore, writeTo } from './stores.ts';

const KEYS = 500;
const FLIPS = Number(process.env['DISK_FLIPS'] ?? 60);

describe('Tables in which a bit is wrong', () => {
  let directory: string;
  let path: string;
  let broken: string;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'damaged-tables-'));
    path = join(directory, 'store');
    broken = join(directory, 'broken');
    // An old version of each key in one table; in another, that half of them are deleted, and newer versions of the others.
    const keys = Array.from({ length: KEYS }, (_, i) => `key ${String(i).padStart(6, '0')}`);
    const histories = [
      keys.map(key => [key, `old ${'o'.repeat(100)}`] as const),
      keys.map((key, i) => [key, i % 2 === 0 ? undefined : `new ${'n'.repeat(100)}`] as const),
    ];
    for (const changes of histories) {
      const store = await openStore(path);
      await writeTo(store, changes);
      await store.close();
    }
    await openStore(path).then(store => store.close());
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  it('bring back no old version without the store saying that something is lost', { timeout: 120_000 }, async () => {
    const random = new SeededRandom(7);
    expect(filesOf(path, 'ldb').length).toBeGreaterThan(1);
    for (let flip = 0; flip < FLIPS; flip++) {
      cpSync(path, broken, { recursive: true });
      const files = filesOf(broken, 'ldb');
      const file = files[flip % files.length]!;
      // The last bytes mean nothing but what they are by the format, and the padding before them not even that.
      flipBit(file, drawBelow(random, statSync(file).size - 48), drawBelow(random, 8));
      const store = await LevelStore.open(broken);
      const said = store instanceof LevelStore ? store.lost : store.kind;
      expect(said === 'corrupt' || said?.includes(file.slice(-10))).toBe(true);
      if (store instanceof LevelStore) await store.close();
      rmSync(broken, { recursive: true });
    }
  });

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)])],
    ['empty', () => Buffer.alloc(0)],
    ['without its end', (bytes: Buffer) => bytes.fill(0, bytes.length - 8)],
  ])('are noticed when one is %s', async (_, change) => {
    changeFile(filesOf(path, 'ldb')[0]!, change);
    const store = await LevelStore.open(path);
    expect(store instanceof LevelStore ? store.lost : store.kind).toMatch(/is damaged|corrupt/);
    if (store instanceof LevelStore) await store.close();
  });

  it('are told of at each opening until something has been written, and again when there is another', async () => {
    const [first, second] = filesOf(path, 'ldb');
    flipBit(first!, statSync(first!).size >> 1);
    const said: (string | undefined)[] = [];
    for (const writes of [false, true, false]) {
      const store = await openStore(path);
      said.push(store.lost);
      if (writes) await writeTo(store, [['seen', '']]);
      await store.close();
    }
    expect(said).toEqual([
      expect.stringMatching(/^000\d+\.ldb is damaged: its block at \d+ is damaged$/),
      said[0],
      undefined,
    ]);
    flipBit(second!, 100);
    const store = await openStore(path);
    expect(store.lost).toContain(`${second!.slice(-10)} is damaged`);
    await store.close();
  });

  it('are not told of by a process that opens the store anew after a failure, which would tell nobody', async () => {
    const before = await openStore(path);
    await before.close();
    flipBit(filesOf(path, 'ldb')[0]!, 100);
    const again = (await LevelStore.open(path, before)) as LevelStore;
    await writeTo(again, [['more', '']]);
    await again.close();
    const next = await openStore(path);
    expect(next.lost).toContain('is damaged');
    await next.close();
  });

  it('are those that the manifest names: one that a compaction had not finished is nothing', async () => {
    const whole = readFileSync(filesOf(path, 'ldb')[0]!);
    writeFileSync(join(path, '000999.ldb'), whole.subarray(0, whole.length >> 1));
    const store = await openStore(path);
    expect([store.lost, (await contentsOf(store)).size]).toEqual([undefined, KEYS / 2]);
    await store.close();
  });
});

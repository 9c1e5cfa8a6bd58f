import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LevelStore } from '../../src/io/disk/level-store.ts';
import { drawBelow, drawChance } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { changeFile, contentsOf, filesOf, flipBit, openStore, writeTo } from './stores.ts';

const PAGE_BYTES = 4096;
const BATCHES = 30;

/** A history in which nothing looks like zeros; each batch writes over what the one before has written. */
function batch(number: number, entries: number): (readonly [string, string])[] {
  return Array.from({ length: entries }, (_, i) => [
    `key ${i}`,
    `${number} ${'v'.repeat(500 + ((number * 31 + i) % 97))}`,
  ]);
}

describe('A log whose last batch had not called back when the power went', () => {
  let directory: string;
  let path: string;
  let broken: string;
  let log: string;
  /** What had called back, and where that ends in the log. */
  let expected: Map<string, string | undefined>;
  let durableBytes: number;
  let allBytes: number;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'torn-log-'));
    path = join(directory, 'store');
    broken = join(directory, 'broken');
    const store = await openStore(path);
    for (let number = 1; number <= BATCHES; number++) await writeTo(store, batch(number, 1 + (number % 7)));
    expected = await contentsOf(store);
    log = filesOf(path, 'log')[0]!;
    durableBytes = statSync(log).size;
    await writeTo(store, batch(BATCHES + 1, 180));
    allBytes = statSync(log).size;
    // Closing leaves the log as it is.
    await store.close();
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  /** Opens a copy of it in which the log is changed. */
  async function opened(change: (bytes: Buffer) => Buffer | undefined): Promise<LevelStore> {
    rmSync(broken, { recursive: true, force: true });
    cpSync(path, broken, { recursive: true });
    changeFile(filesOf(broken, 'log')[0]!, change);
    return openStore(broken);
  }

  function clear(bytes: Buffer, page: number): void {
    bytes.fill(0, Math.max(durableBytes, page * PAGE_BYTES), Math.min(allBytes, (page + 1) * PAGE_BYTES));
  }

  async function expectOnlyTorn(store: LevelStore, what: string): Promise<void> {
    expect([store.lost, store.torn], what).toEqual([
      undefined,
      expect.stringContaining(`broken off at ${durableBytes}`),
    ]);
    expect(await contentsOf(store), what).toEqual(expected);
    await store.close();
  }

  it('has every batch that had called back, nothing of that one, and is not lost, whichever page of it is missing', {
    timeout: 120_000,
  }, async () => {
    const [first, last] = [Math.floor(durableBytes / PAGE_BYTES), Math.floor((allBytes - 1) / PAGE_BYTES)];
    expect(last - first).toBeGreaterThan(20);
    for (let page = first; page <= last; page++) {
      const store = await opened(bytes => void clear(bytes, page));
      await expectOnlyTorn(store, `page ${page}`);
    }
  });

  it('is the same when any of its pages are missing, or the file ends too early', { timeout: 120_000 }, async () => {
    const random = new SeededRandom(3);
    const [first, last] = [Math.floor(durableBytes / PAGE_BYTES), Math.floor((allBytes - 1) / PAGE_BYTES)];
    for (let round = 0; round < 10; round++) {
      const store = await opened(bytes => {
        clear(bytes, first + drawBelow(random, last - first + 1));
        for (let page = first; page <= last; page++) if (drawChance(random, 0.5)) clear(bytes, page);
        return bytes;
      });
      await expectOnlyTorn(store, `round ${round}`);
    }
    for (const cut of [1, 7, 2000, allBytes - durableBytes - 6, allBytes - durableBytes - 8]) {
      const store = await opened(bytes => bytes.subarray(0, allBytes - cut));
      await expectOnlyTorn(store, `without ${cut} bytes`);
    }
  });

  it('is told of until something is written, and what LevelDB says of it is no loss later', async () => {
    const torn: (string | undefined)[] = [];
    for (const writes of [false, true, false]) {
      const store = await (torn.length === 0
        ? opened(bytes => void clear(bytes, Math.floor(durableBytes / PAGE_BYTES) + 3))
        : openStore(broken));
      torn.push(store.torn);
      expect(store.lost).toBeUndefined();
      if (writes) await writeTo(store, [['after', 'it']]);
      await store.close();
    }
    expect(torn).toEqual([expect.any(String), torn[0], undefined]);
  });

  it('is the same when the next process was killed before it had written anything to a log of its own', async () => {
    rmSync(broken, { recursive: true, force: true });
    cpSync(path, broken, { recursive: true });
    const torn = filesOf(broken, 'log')[0]!;
    changeFile(torn, bytes => void clear(bytes, Math.floor(durableBytes / PAGE_BYTES) + 3));
    writeFileSync(
      torn.replace(/\d+(?=\.log)/, digits => String(Number(digits) + 5).padStart(6, '0')),
      '',
    );
    await expectOnlyTorn(await openStore(broken), 'with an empty log behind it');
  });

  it('is lost in the middle when there is a batch behind what is wrong, in the same block, another, or another log', async () => {
    const block = 32 << 10;
    expect(durableBytes).toBeGreaterThan(block);
    // In the first block, the second, and the batch before the last one.
    for (const at of [200, block + 20, durableBytes - 2000]) {
      const store = await opened(bytes => void bytes.writeUInt8(bytes[at]! ^ 1, at));
      expect([store.lost, store.torn]).toEqual([expect.stringContaining('.log is damaged at'), undefined]);
      await store.close();
    }
    rmSync(broken, { recursive: true });
    cpSync(path, broken, { recursive: true });
    const torn = filesOf(broken, 'log')[0]!;
    const later = torn.replace(/\d+(?=\.log)/, digits => String(Number(digits) + 5).padStart(6, '0'));
    writeFileSync(later, await aLaterBatch());
    truncateSync(torn, allBytes - 10);
    const store = await openStore(broken);
    expect(store.lost).toContain('is broken off');
    await store.close();
  });

  /** A log that the next process has written. */
  async function aLaterBatch(): Promise<Buffer> {
    const other = join(directory, 'other');
    cpSync(path, other, { recursive: true });
    const store = await openStore(other);
    await writeTo(store, [['later', 'batch']]);
    await store.close();
    return readFileSync(filesOf(other, 'log')[0]!);
  }

  it('is lost when a length is wrong in a batch that others follow, although LevelDB says nothing of that', async () => {
    // The first fragment's length, in a log of one block.
    truncateSync(log, durableBytes);
    const small = join(directory, 'small');
    const store = await openStore(small);
    for (const number of [1, 2, 3]) await writeTo(store, batch(number, 1));
    await store.close();
    flipBit(filesOf(small, 'log')[0]!, 5, 6);
    const again = await openStore(small);
    expect(again.lost).toMatch(/\.log is damaged at \d+/);
    await again.close();
  });

  it('is lost when the log that the manifest names is not there', async () => {
    rmSync(log);
    const store = await openStore(path);
    expect(store.lost).toMatch(/^\d+\.log is missing$/);
    await store.close();
  });
});

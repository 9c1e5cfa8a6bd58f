import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Backup } from '../../src/io/backup/backup.ts';
import { MergedRecords } from '../../src/io/backup/merged-records.ts';
import { coterie } from '../cli/coterie-process.ts';
import { until } from '../until.ts';
import { TestCluster } from './test-cluster.ts';

const DBS = [0, 1] as const;
const KEYS = 150;
const HOUR_MS = 3_600_000;
const CONFIG = `
keyspaces:
  - { db: 0, name: eventual, policy: eventual, durability: sync }
  - { db: 1, name: quorum, policy: quorum, durability: sync }
`;

/** What a key is to be: its value and when it expires, or nothing. */
interface Expected {
  readonly value: string | null;
  readonly expiresAtMs?: number;
}

const BINARY = '\0\xff\r\n{\x80}';

/** Keys of one keyspace as they are at the end, in latin1, after some were deleted or have expired. */
async function writeKeys(client: Redis, db: number): Promise<Map<string, Expected>> {
  const expected = new Map<string, Expected>();
  const bytes = (text: string) => Buffer.from(text, 'latin1');
  const set = async (key: string, value: string, expiresAtMs?: number) => {
    if (expiresAtMs === undefined) await client.set(bytes(key), bytes(value));
    else await client.set(bytes(key), bytes(value), 'PXAT', expiresAtMs);
    expected.set(key, expiresAtMs === undefined ? { value } : { value, expiresAtMs });
  };
  for (let i = 0; i < KEYS; i++) {
    const key = `${db}:${i}`;
    await set(key, `first ${key}`);
    if (i % 3 === 0) await set(key, `second ${key} ${'x'.repeat(i * 40)}`);
    if (i % 5 === 0) await set(key, `until ${key}`, Date.now() + HOUR_MS + i * 1000);
    if (i % 7 === 0) {
      await client.del(key);
      expected.set(key, { value: null });
    }
    if (i % 11 === 0) {
      await set(key, 'soon gone', Date.now() + 1);
      expected.set(key, { value: null });
    }
  }
  await set(`${db}${BINARY}`, `${BINARY}${db}`);
  await set(`${db}:empty`, '');
  await set(`${db}:large`, 'y'.repeat(3 << 20));
  return expected;
}

/** A client that counts up keys of its own until it is told to end. */
class Counter {
  readonly issued = new Map<string, number>();
  readonly acknowledged = new Map<string, number>();
  #isRunning = true;
  #count = 0;
  readonly #ended: Promise<void>;

  constructor(client: Redis, db: number) {
    this.#ended = this.#run(client, db);
  }

  get count(): number {
    return this.#count;
  }

  async #run(client: Redis, db: number): Promise<void> {
    while (this.#isRunning) {
      const key = `${db}:counter ${this.#count % 10}`;
      this.issued.set(key, this.#count);
      await client.set(key, String(this.#count));
      this.acknowledged.set(key, this.#count++);
    }
  }

  end(): Promise<void> {
    this.#isRunning = false;
    return this.#ended;
  }
}

describe('a backup of three nodes', () => {
  let directory: string;
  let source: TestCluster;
  const expected = new Map<number, Map<string, Expected>>();
  const counters: Counter[] = [];
  /** What had been acknowledged when the backup began, by key. */
  const before = new Map<string, number>();
  let paths: string[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'coterie-backup-'));
    const config = join(directory, 'coterie.yaml');
    writeFileSync(config, CONFIG);
    source = await TestCluster.start(3, name => ['--config', config, '--data-dir', join(directory, name)]);
    for (const db of DBS) expected.set(db, await writeKeys(source.client(db, db), db));
    // At W = 1 the other replicas follow; what one of them alone has is in its backup all the same.
    for (const db of DBS) counters.push(new Counter(source.client(2, db), db));
    await until('both write', () => counters.every(({ count }) => count > 50));
    for (const { acknowledged } of counters) for (const [key, n] of acknowledged) before.set(key, n);
    const { status, stdout, stderr } = await coterie(['backup', '-p', portOf(source, 1), '--all', 'e2e']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    paths = stdout
      .trim()
      .split('\n')
      .map(line => line.slice(line.indexOf(': ') + 2));
    await Promise.all(counters.map(counter => counter.end()));
  }, 120_000);

  afterAll(async () => {
    await source?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('lies beside the data of each', () => {
    expect(paths.sort()).toEqual(['n1', 'n2', 'n3'].map(name => join(directory, `${name}-backups`, 'e2e', name)));
  });

  it.each([1, 2])('is restored into a cluster of %i: every key, every expiry, nothing that was gone', async size => {
    const target = await TestCluster.start(size);
    try {
      const port = portOf(target, size - 1);
      const { status, stdout, stderr } = await coterie(['restore', '-p', port, '--from', ...paths]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      for (const db of DBS) {
        const live = [...expected.get(db)!.values()].filter(({ value }) => value !== null).length;
        expect(stdout).toContain(`keyspace ${db} (${db === 0 ? 'eventual' : 'quorum'}): ${live + 10} keys\n`);
        for (let i = 0; i < size; i++) {
          const client = target.client(i, db);
          await until('every replica has every key', async () => (await client.dbsize()) === live + 10);
          expect(await wrongKeys(client, expected.get(db)!)).toEqual([]);
        }
        await compareCounters(target.client(0, db), counters[db]!);
      }
    } finally {
      await target.stop();
    }
  });

  async function compareCounters(client: Redis, { issued }: Counter): Promise<void> {
    for (const [key, most] of issued) {
      const found = Number(await client.get(key));
      expect(found, key).toBeGreaterThanOrEqual(before.get(key)!);
      expect(found, key).toBeLessThanOrEqual(most);
    }
  }

  it('is one moment of a node: of the writes of one client it has all up to one, and none behind it', async () => {
    const alone = await TestCluster.start(1, ['--data-dir', join(directory, 'alone')]);
    try {
      const counter = new Counter(alone.client(0, 1), 1);
      await until('it writes', () => counter.count > 200);
      const path = (await alone.client(0).call('COTERIE', 'BACKUP', 'moment')) as string;
      const atMost = counter.count;
      await counter.end();
      const last = (await numbersIn(path)).sort((a, b) => a - b);
      expect(last).toHaveLength(10);
      expect(last.map(n => n - last[0]!)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(last[9]).toBeGreaterThan(200);
      expect(last[9]).toBeLessThanOrEqual(atMost);
    } finally {
      await alone.stop();
    }
  });

  it('is nothing to start a node from, and left as it is by one that tries', async () => {
    const node = await source.add('n1', ['--data-dir', paths[0]!]);
    await until('it has ended', () => node.exitCode !== null);
    expect(node.exitCode).toBe(1);
    expect(node.output).toMatch(/^coterie: .*: it is a backup: .* coterie restore .*\n$/m);
    const backup = await Backup.open(paths[0]!);
    expect((await backup.dbs()).size).toBe(2);
    await backup.close();
  });
});

const portOf = (cluster: TestCluster, index: number) => String(cluster.nodes[index]!.port);

async function numbersIn(path: string): Promise<number[]> {
  const backup = await Backup.open(path);
  const numbers: number[] = [];
  for await (const { record } of new MergedRecords([backup]).read()) numbers.push(Number(Buffer.from(record.value!)));
  await backup.close();
  return numbers;
}

/** Keys that are not what they should be. */
async function wrongKeys(client: Redis, expected: ReadonlyMap<string, Expected>): Promise<string[]> {
  const wrong: string[] = [];
  for (const [name, { value, expiresAtMs }] of expected) {
    const key = Buffer.from(name, 'latin1');
    const found = (await client.getBuffer(key))?.toString('latin1') ?? null;
    const fromMs = Date.now();
    const leftMs = await client.pttl(key);
    const isDue =
      expiresAtMs === undefined
        ? leftMs < 0
        : fromMs + leftMs <= expiresAtMs + 1 && expiresAtMs - 1 <= Date.now() + leftMs;
    if (found !== value || !isDue) wrong.push(`${JSON.stringify(name)} is ${found?.slice(0, 40)} for ${leftMs} ms`);
  }
  return wrong;
}

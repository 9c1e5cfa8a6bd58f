import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { until } from '../until.ts';
import { TestCluster } from './test-cluster.ts';

/** Enough for tables, and a log behind them. */
const KEYS = 450;
const VALUE_BYTES = 50_000;
const DB = 1;

const CONFIG = `
keyspaces:
  - { db: 0, name: eventual, policy: eventual, durability: sync }
  - { db: 1, name: quorum, policy: quorum, durability: sync }
`;

/** The kinds of file that LevelDB keeps, but for its lock and its own log of what it did. */
const KINDS = {
  'the log': /^\d+\.log$/,
  'a table': /^\d+\.ldb$/,
  'the manifest': /^MANIFEST-/,
  CURRENT: /^CURRENT$/,
} as const;

function textOf(i: number): string {
  return `${i} ${'v'.repeat(VALUE_BYTES)}`;
}

/** Flips a bit somewhere in the largest file of the kind. */
function flipIn(directory: string, kind: RegExp, random: SeededRandom): void {
  const files = readdirSync(directory).filter(name => kind.test(name));
  const contents = files.map(name => ({ path: join(directory, name), bytes: readFileSync(join(directory, name)) }));
  const { path, bytes } = contents.sort((a, b) => b.bytes.length - a.bytes.length)[0]!;
  const at = random.uint32() % bytes.length;
  bytes[at]! ^= 1 << (random.uint32() % 8);
  writeFileSync(path, bytes);
}

async function differing(client: Redis): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (let i = 0; i < KEYS; i++) {
    const expected = i % 10 === 0 ? null : textOf(i);
    const found = await client.get(`key ${i}`);
    if (found !== expected) wrong.push(`key ${i}: ${found?.slice(0, 20)}`);
  }
  return wrong;
}

describe('a data directory with a wrong bit', () => {
  let cluster: TestCluster | undefined;
  let directory: string;

  afterEach(async () => {
    await cluster?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('never serves what is wrong nor ends the node: it is noticed, dropped and taken from the other replicas', async () => {
    directory = mkdtempSync(join(tmpdir(), 'coterie-damaged-'));
    const config = join(directory, 'coterie.yaml');
    writeFileSync(config, CONFIG);
    cluster = await TestCluster.start(3, name => ['--config', config, '--data-dir', join(directory, name)]);
    const writer = cluster.client(1, DB);
    for (let i = 0; i < KEYS; i++) await writer.set(`key ${i}`, textOf(i));
    for (let i = 0; i < KEYS; i += 10) await writer.del(`key ${i}`);
    const n1 = cluster.nodes[0]!;
    const random = new SeededRandom(1);
    for (const [kind, pattern] of Object.entries(KINDS)) {
      await n1.end('SIGKILL');
      flipIn(join(directory, 'n1', 'store'), pattern, random);
      n1.start();
      await cluster.untilWhole();
      const client = cluster.client(0, DB);
      await client.call('COTERIE', 'CONSISTENCY', 'READ', 'one');
      expect(await differing(client), kind).toEqual([]);
      await until(`replicas are equal after ${kind}`, async () => (await client.call('COTERIE', 'CONVERGED')) === 0);
    }
  }, 180_000);
});

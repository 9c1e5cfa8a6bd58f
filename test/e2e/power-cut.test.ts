import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { nodesSeenBy, TestCluster } from './test-cluster.ts';

/** 50 are what is promised to be tried; `npm test` does some. */
const ROUNDS = Number(process.env['DURABILITY_ROUNDS'] ?? 3);
const NODES = 3;
const WRITERS = 4;
const KEYS_OF_A_WRITER = 8;
const WRITES_OF_A_ROUND = 400;
const FLUSH_INTERVAL_MS = 200;
const SYNC_DBS = [0, 1];
const BATCHED_DB = 2;

const CONFIG = `
flush-interval: ${FLUSH_INTERVAL_MS}ms
keyspaces:
  - { db: 0, name: eventual, policy: eventual, durability: sync }
  - { db: 1, name: quorum, policy: quorum, durability: sync }
  - { db: ${BATCHED_DB}, name: batched, policy: quorum, durability: batched }
`;

/** One write as its client saw it; `null` deletes. */
interface Write {
  readonly value: string | null;
  /** When the acknowledgement came; undefined where none did. */
  ackedMs: number | undefined;
}

/** A client that writes its own keys, one command at a time, each through one node for as long as that lives. */
class Writer {
  readonly db: number;
  readonly writes = new Map<string, Write[]>();
  acknowledged = 0;
  readonly #id: string;
  #count = 0;

  constructor(id: string, db: number) {
    this.#id = id;
    this.db = db;
    for (let i = 0; i < KEYS_OF_A_WRITER; i++) this.writes.set(`${id} ${i}`, [{ value: null, ackedMs: 0 }]);
  }

  /** Goes on until the node is gone. */
  async run(port: number, onWrite: () => void): Promise<void> {
    const client = clientOf(port, this.db);
    const keys = [...this.writes.keys()];
    for (let isUp = true; isUp; ) {
      const n = this.#count++;
      const key = keys[n % keys.length]!;
      const write: Write = { value: n % 7 === 3 ? null : `${this.#id} ${n}`, ackedMs: undefined };
      this.writes.get(key)!.push(write);
      try {
        await (write.value === null ? client.del(key) : client.set(key, write.value));
        write.ackedMs = performance.now();
        this.acknowledged++;
        onWrite();
      } catch {
        isUp = client.status === 'ready';
      }
    }
    client.disconnect();
  }

  /** What is missing of what was acknowledged before that moment. */
  async lost(client: Redis, beforeMs: number): Promise<readonly string[]> {
    const lost: string[] = [];
    for (const [key, writes] of this.writes) {
      const found = await client.get(key);
      const at = writes.findLastIndex(({ value }) => value === found);
      const least = writes.findLastIndex(({ ackedMs }) => ackedMs !== undefined && ackedMs < beforeMs);
      if (at < least) lost.push(`${key} in db ${this.db} is ${found} and was ${writes[least]!.value}`);
      // It goes on from what there is.
      this.writes.set(key, [{ value: found, ackedMs: 0 }]);
    }
    return lost;
  }
}

function clientOf(port: number, db: number): Redis {
  const client = new Redis(port, '127.0.0.1', { db, maxRetriesPerRequest: 0, retryStrategy: () => null });
  client.on('error', () => {});
  return client;
}

/** The placement group has outlived the power cuts, too. */
async function theRingCanChange(cluster: TestCluster): Promise<void> {
  const client = cluster.client(0);
  await until('n3 is let go', async () => (await client.call('COTERIE', 'NODE', 'LEAVE', 'n3')) === 'OK');
  await until('n3 is off the ring', async () => (await nodesSeenBy(client)).size === 2);
}

describe('a power cut', () => {
  let cluster: TestCluster | undefined;
  let directory: string;

  afterEach(async () => {
    await cluster?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it(
    `leaves everything that sync has acknowledged, and what batched has before the last flush-interval, ${ROUNDS} times`,
    async () => {
      directory = mkdtempSync(join(tmpdir(), 'coterie-power-'));
      const config = join(directory, 'coterie.yaml');
      writeFileSync(config, CONFIG);
      cluster = await TestCluster.start(NODES, name => ['--config', config, '--data-dir', join(directory, name)]);
      const { nodes } = cluster;
      const dbs = [...SYNC_DBS, BATCHED_DB];
      const writers = dbs.flatMap(db => Array.from({ length: WRITERS }, (_, i) => new Writer(`writer ${db}.${i}`, db)));
      for (let round = 1; round <= ROUNDS; round++) {
        let left = WRITES_OF_A_ROUND;
        const { promise: enough, resolve } = Promise.withResolvers<void>();
        const running = writers.map((writer, i) => writer.run(nodes[i % NODES]!.port, () => --left === 0 && resolve()));
        await enough;
        const cutMs = performance.now();
        await Promise.all(nodes.map(node => node.end('SIGKILL')));
        await Promise.all(running);
        for (const node of nodes) node.start();
        await cluster.untilWhole();
        for (const writer of writers) {
          const client = clientOf(nodes[round % NODES]!.port, writer.db);
          const beforeMs = writer.db === BATCHED_DB ? cutMs - FLUSH_INTERVAL_MS : Number.POSITIVE_INFINITY;
          expect(await writer.lost(client, beforeMs), `round ${round}`).toEqual([]);
          client.disconnect();
        }
      }
      for (const { acknowledged } of writers) expect(acknowledged).toBeGreaterThan(ROUNDS);
      await theRingCanChange(cluster);
    },
    60_000 + ROUNDS * 20_000,
  );
});

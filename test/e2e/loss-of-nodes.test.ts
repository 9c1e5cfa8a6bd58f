import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { TestCluster } from './test-cluster.ts';

const KEYS = Array.from({ length: 500 }, (_, i) => `quorum:${i}`);

/** The keys whose value is not what it should be. */
async function wrongKeys(client: Redis, round: string): Promise<string[]> {
  const values = await Promise.all(KEYS.map(key => client.get(key)));
  return KEYS.filter((key, i) => values[i] !== `${round}:${key}`);
}

async function writeAll(client: Redis, round: string): Promise<void> {
  await Promise.all(KEYS.map(key => client.set(key, `${round}:${key}`)));
}

describe('keyspace 1 when nodes are lost one after another', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start(3);
  });
  afterAll(() => cluster.stop());

  it.each([0, 1, 2])(
    'node %i is killed: every acknowledged key reads back, writes go on, and empty it refills',
    async lost => {
      const round = `round${lost}`;
      const [one, other] = [0, 1, 2].filter(index => index !== lost) as [number, number];
      await writeAll(cluster.client(lost, 1), round);

      await cluster.nodes[lost]!.end('SIGKILL');
      const client = cluster.client(one, 1);
      await until('a write is accepted', async () => (await client.set('after', round)) === 'OK');
      expect(await wrongKeys(client, round)).toEqual([]);
      expect(await wrongKeys(cluster.client(other, 1), round)).toEqual([]);

      cluster.nodes[lost]!.start();
      await cluster.untilWhole();
      expect(await cluster.client(lost, 1).dbsize()).toBeGreaterThanOrEqual(KEYS.length);
    },
  );

  it('a node that came back empty carries the cluster when another is killed', async () => {
    await writeAll(cluster.client(0, 1), 'last');
    await cluster.nodes[1]!.end('SIGKILL');
    cluster.nodes[1]!.start();
    await cluster.untilWhole();
    await cluster.nodes[2]!.end('SIGKILL');
    expect(await wrongKeys(cluster.client(1, 1), 'last')).toEqual([]);
    expect(await wrongKeys(cluster.client(0, 1), 'last')).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { TestCluster } from './test-cluster.ts';

describe('five nodes, of which three hold a key', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start(5);
  });
  afterAll(() => cluster.stop());

  it.each([0, 1])(
    'any node takes any key of keyspace %i, and a pipeline keeps its order over forwarded commands',
    async db => {
      const pipeline = cluster.client(3, db).pipeline();
      for (let i = 0; i < 500; i++) pipeline.set(`any:${i % 50}`, String(i)).get(`any:${i % 50}`);
      const replies = (await pipeline.exec())!.map(([error, reply]) => error ?? reply);
      expect(replies).toEqual(Array.from({ length: 500 }, (_, i) => ['OK', String(i)]).flat());
      const reader = cluster.client(1, db);
      const last = Array.from({ length: 50 }, (_, i) => String(450 + i)).join();
      const read = async () => (await Promise.all(Array.from({ length: 50 }, (_, i) => reader.get(`any:${i}`)))).join();
      // In keyspace 0 another replica may not have the last write yet.
      if (db === 0) await until('the last writes are everywhere', async () => (await read()) === last);
      expect(await read()).toBe(last);
    },
  );

  it('a value of a megabyte is forwarded whole', async () => {
    const value = 'm'.repeat(1024 * 1024);
    for (let i = 0; i < 5; i++) {
      await cluster.client(i, 1).set(`mega:${i}`, value);
      expect(await cluster.client((i + 2) % 5, 1).get(`mega:${i}`)).toBe(value);
    }
  });

  it('a stopped node costs no acknowledged write of keyspace 1, and the others go on', async () => {
    const client = cluster.client(0, 1);
    const keys = Array.from({ length: 200 }, (_, i) => `stopped:${i}`);
    cluster.nodes[2]!.signal('SIGSTOP');
    const acknowledged = new Set<string>();
    try {
      await until(
        'every key has been written',
        async () => {
          const left = keys.filter(key => !acknowledged.has(key));
          const results = await Promise.allSettled(left.map(key => client.set(key, key)));
          results.forEach((result, i) => {
            if (result.status === 'fulfilled') acknowledged.add(left[i]!);
          });
          return acknowledged.size === keys.length;
        },
        20_000,
      );
      const values = await Promise.all(keys.map(key => cluster.client(4, 1).get(key)));
      expect(values).toEqual(keys);
    } finally {
      cluster.nodes[2]!.signal('SIGCONT');
    }
    await cluster.untilWhole();
    expect(await Promise.all(keys.map(key => cluster.client(2, 1).get(key)))).toEqual(keys);
  });
});

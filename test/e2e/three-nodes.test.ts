import { execFileSync, spawnSync } from 'node:child_process';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { TestCluster } from './test-cluster.ts';

const hasRedisCli = spawnSync('redis-cli', ['--version']).status === 0;

describe('three nodes on one machine', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start(3);
  });
  afterAll(() => cluster.stop());

  it.each([0, 1])('a key set at one node is read at every other, in keyspace %i', async db => {
    expect(await cluster.client(0, db).set('k', `v${db}`)).toBe('OK');
    for (const index of [0, 1, 2]) expect(await cluster.client(index, db).get('k')).toBe(`v${db}`);
  });

  it('keyspaces are apart from each other', async () => {
    await cluster.client(0, 0).set('apart', 'zero');
    expect(await cluster.client(1, 1).get('apart')).toBeNull();
  });

  it('keys and values are bytes, not text', async () => {
    const keys = [
      Buffer.from([0x66, 0xff]),
      Buffer.from([0x66, 0xfe]),
      Buffer.from('__proto__'),
      Buffer.from('\r\n\0 '),
    ];
    const writer = cluster.client(0, 1);
    for (const [i, key] of keys.entries()) await writer.set(key, Buffer.from([i, 0, 13, 10, 255]));
    const reader = cluster.client(2, 1);
    for (const [i, key] of keys.entries())
      expect(await reader.getBuffer(key)).toEqual(Buffer.from([i, 0, 13, 10, 255]));
    expect(await reader.exists(...keys)).toBe(keys.length);
  });

  it('a value of a megabyte arrives whole at every node', async () => {
    const value = Buffer.alloc(1024 * 1024, 'x');
    value.writeUInt32BE(0xdeadbeef, 777_777);
    await cluster.client(0, 1).set('large', value);
    for (const index of [1, 2]) expect((await cluster.client(index, 1).getBuffer('large'))?.equals(value)).toBe(true);
  });

  it('a key deleted at one node is gone at every other', async () => {
    await cluster.client(0, 1).set('gone', '1');
    expect(await cluster.client(1, 1).del('gone')).toBe(1);
    for (const index of [0, 1, 2]) expect(await cluster.client(index, 1).get('gone')).toBeNull();
    expect(await cluster.client(2, 1).del('gone')).toBe(0);
  });

  it('multi-key commands cross slots', async () => {
    const client = cluster.client(1, 1);
    const pairs = Array.from({ length: 50 }, (_, i) => [`multi:${i}`, String(i)] as const);
    expect(await client.mset(...pairs.flat())).toBe('OK');
    expect(await cluster.client(2, 1).mget(...pairs.map(([key]) => key))).toEqual(pairs.map(([, value]) => value));
  });

  it('a pipeline is answered in its order, whatever the keys', async () => {
    const pipeline = cluster.client(0, 1).pipeline();
    for (let i = 0; i < 300; i++)
      pipeline
        .set(`p:${i % 7}`, String(i))
        .get(`p:${i % 7}`)
        .ping(String(i));
    const replies = (await pipeline.exec())!.map(([error, reply]) => error ?? reply);
    expect(replies).toEqual(Array.from({ length: 300 }, (_, i) => ['OK', String(i), String(i)]).flat());
  });

  it('COTERIE EXPLAIN says what each replica holds of a key', async () => {
    await cluster.client(0, 1).set('explained', '12345');
    await until('all three replicas hold it, not only the two that acknowledged', async () => {
      const reply = JSON.stringify(await cluster.client(1, 1).call('COTERIE', 'EXPLAIN', 'explained'));
      return ['n1', 'n2', 'n3'].every(name => reply.includes(`"node","${name}","status","value"`));
    });
  });

  it('ioredis.Cluster finds every node and works', async () => {
    const client = new Cluster([{ host: '127.0.0.1', port: cluster.nodes[0]!.port }], {
      redisOptions: { maxRetriesPerRequest: 2 },
    });
    const keys = Array.from({ length: 200 }, (_, i) => `cluster:${i}`);
    await Promise.all(keys.map((key, i) => client.set(key, String(i))));
    expect(client.nodes('all')).toHaveLength(3);
    expect(await Promise.all(keys.map(key => client.get(key)))).toEqual(keys.map((_, i) => String(i)));
    const throughPlain = cluster.client(2, 0);
    expect(await Promise.all(keys.map(key => throughPlain.get(key)))).toEqual(keys.map((_, i) => String(i)));
    client.disconnect();
  });

  it.runIf(hasRedisCli)('redis-cli works, with -c and with -n', () => {
    const cli = (index: number, ...args: string[]): string =>
      execFileSync('redis-cli', ['-p', String(cluster.nodes[index]!.port), ...args], { encoding: 'utf8' }).trim();
    expect(cli(0, '-c', 'SET', 'cli', 'one')).toBe('OK');
    expect(cli(1, '-c', 'GET', 'cli')).toBe('one');
    expect(cli(0, '-n', '1', 'SET', 'cli', 'two')).toBe('OK');
    expect(cli(2, '-n', '1', 'GET', 'cli')).toBe('two');
    expect(cli(2, '-3', '-n', '1', 'GET', 'cli')).toBe('two');
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { TestCluster } from './test-cluster.ts';

const KEYSPACES = `keyspaces:
  - { db: 0, name: eventual, policy: eventual }
  - { db: 4, name: sloppy, policy: quorum, sloppy: yes }
`;

/** Sum of a field of `INFO` over the nodes of these clients. */
async function sum(field: string, clients: readonly Redis[]): Promise<number> {
  const texts = await Promise.all(clients.map(client => client.info('coterie')));
  const pattern = new RegExp(`^${field}:(\\d+)`, 'm');
  return texts.reduce((total, text) => total + Number(pattern.exec(text)![1]), 0);
}

describe('hints between real processes', () => {
  let directory: string;
  let cluster: TestCluster;
  let clients: Redis[];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'coterie-hints-'));
    const file = join(directory, 'coterie.yaml');
    writeFileSync(file, KEYSPACES);
    cluster = await TestCluster.start(5, ['--config', file]);
    clients = cluster.nodes.map((_, index) => cluster.client(index));
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(directory, { recursive: true });
  });

  it('a node that stood still gets what it has missed when it goes on', async () => {
    cluster.nodes[4]!.signal('SIGSTOP');
    const others = clients.slice(0, 4);
    await until('the node is missed', async () => (await sum('nodes_alive', others)) === 4 * 4);
    const keys = Array.from({ length: 300 }, (_, i) => `away:${i}`);
    await Promise.all(keys.map(key => clients[0]!.set(key, key)));
    await until('there are hints', async () => (await sum('hints_pending', others)) > 0);
    cluster.nodes[4]!.signal('SIGCONT');
    await until('no hint is left', async () => (await sum('hints_pending', clients)) === 0);
    expect(await sum('hints_replayed', clients)).toBeGreaterThan(0);
    expect(await Promise.all(keys.map(key => clients[4]!.get(key)))).toEqual(keys);
  });

  it('a sloppy keyspace takes writes while two of three replicas are gone, and hands them over', async () => {
    const place = (await clients[0]!.call('COTERIE', 'RING', 'k')) as unknown[];
    const replicas = place[place.indexOf('replicas') + 1] as unknown[][];
    const names = replicas.map(fields => fields[fields.indexOf('name') + 1]);
    const gone = cluster.nodes.filter(({ name }) => names.indexOf(name) > 0);
    for (const node of gone) await node.end('SIGKILL');
    const running = clients.filter((_, index) => !gone.includes(cluster.nodes[index]!));
    const sloppy = cluster.nodes.map((_, index) => cluster.client(index, 4));
    const first = sloppy[cluster.nodes.findIndex(({ name }) => name === names[0])]!;
    await until('a write is accepted', async () => (await first.set('k', 'v')) === 'OK', 5_000);
    expect(await sum('stand_ins_asked', running)).toBeGreaterThan(0);
    for (const node of gone) node.start();
    await cluster.untilWhole();
    await until('no hint is left', async () => (await sum('hints_pending', clients)) === 0);
    expect(await Promise.all(sloppy.map(client => client.get('k')))).toEqual(Array(5).fill('v'));
  });
});

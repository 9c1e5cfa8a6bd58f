import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { freePorts, nodesSeenBy, TestCluster, TestNode } from './test-cluster.ts';

const SAID = 'another running node is named n2';

let cluster: TestCluster | undefined;
let another: TestNode | undefined;

afterEach(async () => {
  await another?.end('SIGKILL');
  await cluster?.stop();
});

/** A second n2, which comes to `of` while the first runs. */
async function secondN2(of: TestCluster): Promise<TestNode> {
  const join = of.nodes.map(({ busPort }) => `127.0.0.1:${busPort}`).join(',');
  const [port, busPort] = (await freePorts(2)) as [number, number];
  another = new TestNode('n2', port, busPort, ['--join', join, '--expect-nodes', '3']);
  another.start();
  return another;
}

describe('A second node under the name of a running one', () => {
  it('is turned away and told so, the first goes on, and when that is gone it takes its place', async () => {
    cluster = await TestCluster.start(3);
    const observer = cluster.client(0);
    const actorOf = async () => (await nodesSeenBy(observer)).get('n2')!.get('actor');
    const first = await actorOf();
    const newcomer = await secondN2(cluster);
    // Each refusal is two lines of its log.
    await until('it is told by two', () => newcomer.output.split(SAID).length > 4);
    expect(await actorOf()).toBe(first);
    expect(await cluster.client(1).set('k', 'v')).toBe('OK');
    for (const node of cluster.nodes) expect(node.output).not.toContain('link down');
    await cluster.nodes[1]!.end('SIGKILL');
    await until('it has taken the place', async () => {
      const seen = (await nodesSeenBy(observer)).get('n2')!;
      return seen.get('status') === 'alive' && seen.get('actor') !== first && seen.get('refilling') === 'no';
    });
  });

  it('that does not go away exits with 1 and says why, and the first goes on', async () => {
    cluster = await TestCluster.start(3);
    const newcomer = await secondN2(cluster);
    await until('it exits', () => newcomer.exitCode !== null);
    expect(newcomer.exitCode).toBe(1);
    const { busPort } = cluster.nodes[1]!;
    expect(newcomer.output.trimEnd().split('\n').at(-1)).toBe(
      `coterie: ${SAID}, at 127.0.0.1:${busPort}: start this one with another --name`,
    );
    await cluster.untilWhole();
    expect(await cluster.client(1).set('k', 'v')).toBe('OK');
  });
});

describe('A node that is killed', () => {
  it('and started again at once under its name replaces its former self', async () => {
    cluster = await TestCluster.start(3);
    const observer = cluster.client(0);
    const actorOf = async () => (await nodesSeenBy(observer)).get('n2')!.get('actor');
    const first = await actorOf();
    await cluster.nodes[1]!.end('SIGKILL');
    cluster.nodes[1]!.start();
    await until('another process is n2', async () => (await actorOf()) !== first, 5_000);
    await cluster.untilWhole();
    expect(cluster.nodes[1]!.output).not.toContain(SAID);
  });
});

describe('Nodes given by name', () => {
  it('find each other', async () => {
    cluster = await TestCluster.start(3, [], 'localhost');
    expect(await cluster.client(0, 1).set('k', 'v')).toBe('OK');
    expect(await cluster.client(2, 1).get('k')).toBe('v');
  });
});

describe('Thirty nodes', () => {
  it('form one ring, and all notice a kill', { timeout: 180_000 }, async () => {
    cluster = await TestCluster.start(30);
    const rings = new Set<string>();
    for (const index of cluster.nodes.keys())
      rings.add(JSON.stringify(await cluster.client(index).call('CLUSTER', 'SLOTS')));
    expect(rings.size).toBe(1);
    await cluster.nodes[11]!.end('SIGKILL');
    for (const index of cluster.nodes.keys()) {
      if (index === 11) continue;
      const client = cluster.client(index);
      await until(
        `n${index + 1} holds n12 dead`,
        async () => (await nodesSeenBy(client)).get('n12')?.get('status') === 'dead',
      );
    }
    expect(await cluster.client(3, 1).set('k', 'v')).toBe('OK');
    expect(await cluster.client(20, 1).get('k')).toBe('v');
  });
});

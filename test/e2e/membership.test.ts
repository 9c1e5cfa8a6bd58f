import { afterEach, describe, expect, it } from 'vitest';
import { freePorts, nodesSeenBy, TestCluster, TestNode, until } from './test-cluster.ts';

let cluster: TestCluster | undefined;
let another: TestNode | undefined;

afterEach(async () => {
  await another?.end('SIGKILL');
  await cluster?.stop();
});

describe('A second node under the name of a running one', () => {
  it('is turned away and told so, the first goes on, and when that is gone it takes its place', async () => {
    cluster = await TestCluster.start(3);
    const observer = cluster.client(0);
    const actorOf = async () => (await nodesSeenBy(observer)).get('n2')!.get('actor');
    const first = await actorOf();
    const join = cluster.nodes.map(({ busPort }) => `127.0.0.1:${busPort}`).join(',');
    const [port, busPort] = (await freePorts(2)) as [number, number];
    another = new TestNode('n2', port, busPort, ['--join', join, '--expect-nodes', '3']);
    another.start();
    const newcomer = another;
    await until('it is told', () => newcomer.output.includes('another running node is named n2'));
    await until('it is told by two', () => newcomer.output.split('another running node is named n2').length > 2);
    expect(await actorOf()).toBe(first);
    expect(await cluster.client(1).set('k', 'v')).toBe('OK');
    for (const node of cluster.nodes) expect(node.output).not.toContain('link down');
    await cluster.nodes[1]!.end('SIGKILL');
    await until('it has taken the place', async () => {
      const seen = (await nodesSeenBy(observer)).get('n2')!;
      return seen.get('status') === 'alive' && seen.get('actor') !== first && seen.get('refilling') === 'no';
    });
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

import { expect, it } from 'vitest';
import { until } from '../until.ts';
import { nodesSeenBy, TestCluster, TestNode } from './test-cluster.ts';

it('a node that founded alone, got company and is started again without --join runs in no second cluster: it exits and says how to come back, or is back already', async () => {
  const cluster = await TestCluster.start(1);
  let again: TestNode | undefined;
  try {
    await cluster.client(0, 1).set('k', 'v');
    const n2 = await cluster.add('n2');
    await cluster.untilWhole();
    const survivor = cluster.client(1, 1);
    await until('n2 owns the key, too', async () => (await nodesSeenBy(survivor)).get('n2')?.get('ring') === 'member');
    await until('n2 has the key', async () => (await survivor.call('COTERIE', 'CONVERGED')) === 0);
    const n1 = cluster.nodes[0]!;
    await n1.end('SIGKILL');
    n1.start();
    // On a busy machine n2 may dial it before its first tick, in which it would found.
    const isBack = () => n1.output.includes('"returning":true');
    await until('it exits or is back', () => n1.exitCode !== null || isBack());
    if (!isBack()) {
      const join = `127.0.0.1:${n2.busPort}`;
      const said = `n1 is a member of the cluster of n2, but runs in another one: start n1 with --join ${join}`;
      expect(n1.exitCode).toBe(1);
      expect(n1.output.trimEnd().split('\n').at(-1)).toBe(`coterie: ${said}`);
      again = new TestNode('n1', n1.port, n1.busPort, ['--join', join]);
      again.start();
    }
    await cluster.untilWhole();
    expect(await cluster.client(0, 1).get('k')).toBe('v');
  } finally {
    await again?.end('SIGKILL');
    await cluster.stop();
  }
});

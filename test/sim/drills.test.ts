import { describe, expect, it } from 'vitest';
import { SimulatedCluster } from '../../src/sim/index.ts';

/** One field of what `COTERIE NODES` says at one node, by node. */
function seenBy(cluster: SimulatedCluster, node: string, field: string): Record<string, string> {
  const entries = cluster.client(node).call('COTERIE', 'NODES') as string[][];
  const valueIn = (entry: string[], name: string) => entry[entry.indexOf(name) + 1]!;
  return Object.fromEntries(entries.map(entry => [valueIn(entry, 'name'), valueIn(entry, field)]));
}

function restart(cluster: SimulatedCluster, node: string): void {
  cluster.down(node);
  cluster.advance(500);
  cluster.up(node);
}

describe('A drill', () => {
  it('that cuts a link outlives a restart of both nodes, one after the other', () => {
    const cluster = new SimulatedCluster();
    cluster.client('n3').call('COTERIE', 'LINK', 'DOWN', 'n1', 'n2');
    for (const node of ['n1', 'n2']) {
      restart(cluster, node);
      cluster.advance(20_000);
    }
    expect(seenBy(cluster, 'n1', 'linked')).toEqual({ n1: 'yes', n2: 'no', n3: 'yes' });
    expect(seenBy(cluster, 'n2', 'linked')).toEqual({ n1: 'no', n2: 'yes', n3: 'yes' });
    cluster.client('n1').call('COTERIE', 'LINK', 'UP', 'n1', 'n2');
    expect(cluster.settle()).toBe(true);
    expect(seenBy(cluster, 'n2', 'linked')).toEqual({ n1: 'yes', n2: 'yes', n3: 'yes' });
  });

  it.each(['n1', 'n2'])('keeps a node out that is started again, until it is taken back at %s', at => {
    const cluster = new SimulatedCluster();
    cluster.client('n1', 1).call('SET', 'k', 'v');
    cluster.client('n1').call('COTERIE', 'NODE', 'DOWN', 'n2');
    cluster.advance(20_000);
    restart(cluster, 'n2');
    cluster.advance(20_000);
    expect(() => cluster.client('n2', 1).call('GET', 'k')).toThrow('CLUSTERDOWN');
    expect(seenBy(cluster, 'n2', 'held-down')).toEqual({ n2: 'yes' });
    expect(seenBy(cluster, 'n1', 'status')).toEqual({ n1: 'alive', n2: 'dead', n3: 'alive' });
    cluster.client(at).call('COTERIE', 'NODE', 'UP', 'n2');
    expect(cluster.settle()).toBe(true);
    expect(cluster.client('n2', 1).call('GET', 'k')).toBe('v');
  });
});

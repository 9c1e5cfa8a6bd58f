import { describe, expect, it } from 'vitest';
import { COLLECTION, EVENTUAL, ofType, QUORUM, read, SLOPPY, TestNetwork } from './test-network.ts';

const OK = { state: 'ok', offsetMs: 0, latestMs: 0 } as const;

/** Three nodes of which two know that the third's clock is ahead, and it does not. */
function network(aheadMs: number): TestNetwork {
  const nodes = new TestNetwork({ nodes: 3, keyspaces: [EVENTUAL, QUORUM] });
  for (const name of ['n1', 'n2']) nodes.node(name).cluster.context.guard.judged(OK, 0);
  nodes.node('n3').wallOffsetMs = aheadMs;
  return nodes;
}

const held = (nodes: TestNetwork, name: string) => nodes.node(name).cluster.context.quarantine;

describe('The quarantine', () => {
  it('lets a record go when its time has come', () => {
    const nodes = network(6_000);
    nodes.set('n3', 'k', 'v', 0);
    nodes.advance(1_000);
    expect([held(nodes, 'n1').size, nodes.valueAt('n1', 'k', 0)]).toEqual([1, undefined]);
    nodes.advance(3_500);
    expect([held(nodes, 'n1').size, nodes.valueAt('n1', 'k', 0)]).toEqual([0, 'v']);
  });

  it('takes nothing that is within the drift', () => {
    const nodes = network(1_900);
    nodes.set('n3', 'k', 'v', 0);
    nodes.settle();
    expect(nodes.valueAt('n1', 'k', 0)).toBe('v');
  });

  it('keeps the latest of a key, and drops one key or all', () => {
    const nodes = network(60_000);
    for (const value of ['a', 'b', 'c']) nodes.set('n3', 'k', value, 0);
    nodes.set('n3', 'q', 'd', 0);
    nodes.settle();
    const records = [...held(nodes, 'n1').list()].map(({ key, record }) => `${key} ${record.value}`);
    expect(records).toEqual(['k c', 'q d']);
    expect([held(nodes, 'n1').drop(0, Buffer.from('k')), held(nodes, 'n1').drop(0, Buffer.from('k'))]).toEqual([
      true,
      false,
    ]);
    held(nodes, 'n1').clear();
    expect(held(nodes, 'n1').size).toBe(0);
  });

  it('has a bound, and counts what it refuses', () => {
    const nodes = network(3_600_000);
    for (let i = 0; i < 4_100; i++) nodes.set('n3', `k${i}`, 'v', 0);
    nodes.settle();
    expect(held(nodes, 'n1').size).toBe(4_096);
    expect(held(nodes, 'n1').overflowed).toBeGreaterThanOrEqual(4);
  });

  it('holds back hints and what anti-entropy brings, and these are not taken for delivered', () => {
    const nodes = network(3_600_000);
    nodes.cut('n1', 'n3');
    nodes.set('n3', 'k', 'v', 0);
    nodes.settle();
    nodes.heal('n1', 'n3');
    nodes.advance(12_000);
    expect(nodes.valueAt('n1', 'k', 0)).toBeUndefined();
    expect(nodes.node('n3').counters.hintsReplayed).toBe(0);
  });

  it('has a bound of bytes', () => {
    const nodes = network(3_600_000);
    for (let i = 0; i < 20; i++) nodes.set('n3', `k${i}`, 'v'.repeat(1 << 20), 0);
    nodes.settle();
    expect([held(nodes, 'n1').size, held(nodes, 'n1').overflowed]).toEqual([15, 5]);
  });

  it('keeps nothing for others and acknowledges nothing as a stand-in', () => {
    const nodes = new TestNetwork({ nodes: 5, keyspaces: [SLOPPY] });
    const [coordinator, second, third] = nodes.replicasOf('k', SLOPPY.db) as [string, string, string];
    for (const { name, cluster } of nodes.nodes.values()) if (name !== coordinator) cluster.context.guard.judged(OK, 0);
    nodes.node(coordinator).wallOffsetMs = 3_600_000;
    for (const name of [second, third]) nodes.kill(name);
    const told = nodes.set(coordinator, 'k', 'ahead', SLOPPY.db);
    nodes.advance(600);
    expect(told).toMatchObject([{ status: 'unavailable' }]);
    expect(nodes.sent.filter(ofType('standIn')).length).toBeGreaterThan(0);
    for (const { name, cluster } of nodes.nodes.values()) if (name !== coordinator) expect(cluster.hints.size).toBe(0);
  });

  it('is not gone round by a fence: nobody vouches for the future, and raises the own clock to it', () => {
    const nodes = new TestNetwork({ nodes: 3, keyspaces: [QUORUM], antiEntropy: { intervalMs: 3_600_000 } });
    const first = nodes.replicasOf('k')[0]!;
    const others = ['n1', 'n2', 'n3'].filter(name => name !== first);
    nodes.set(first, 'k', 'v');
    nodes.settle();
    nodes.del(first, 'k');
    nodes.settle();
    for (const name of others) nodes.node(name).cluster.context.guard.judged(OK, 0);
    nodes.node(first).wallOffsetMs = 3_600_000;
    nodes.set(first, 'another', 'ahead');
    nodes.advance(COLLECTION.intervalMs + 1_000);
    expect(nodes.sent.filter(ofType('fence')).length).toBeGreaterThan(0);
    for (const name of others) {
      const { guard, stamps } = nodes.node(name).cluster.context;
      expect(guard.aheadMs(stamps.last)).toBeLessThan(2_000);
    }
  });

  it('lets a quorum of the others go on, who do not follow the one that is ahead', () => {
    const nodes = network(3_600_000);
    nodes.set('n3', 'k', 'ahead');
    nodes.advance(600);
    const told = nodes.set('n1', 'k', 'good');
    nodes.advance(40);
    expect(told).toEqual([{ status: 'written', applied: true, before: undefined }]);
    const got = nodes.get('n2', 'k');
    nodes.advance(200);
    expect(got).toEqual([read('good')]);
    const { guard, stamps } = nodes.node('n1').cluster.context;
    expect(guard.aheadMs(stamps.last)).toBeLessThan(2_000);
    expect(nodes.node('n1').counters.restamps).toBe(0);
  });
});

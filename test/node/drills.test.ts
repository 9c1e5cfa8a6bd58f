import { describe, expect, it } from 'vitest';
import { Drills } from '../../src/node/drills.ts';
import { client, linkAll, Nodes, three } from './test-nodes.ts';

function statuses(nodes: Nodes, seenBy: string): Record<string, string | undefined> {
  const node = nodes.nodes.get(seenBy)!;
  const others = ['n1', 'n2', 'n3'].filter(name => name !== seenBy);
  return Object.fromEntries(others.map(name => [name, node.memberOf(name)?.status]));
}

function run(nodes: Nodes, name: string, ...lines: string[]): string {
  const redis = client(nodes.nodes.get(name)!);
  for (const line of lines) {
    redis.execute(line);
    nodes.advance(1000);
  }
  return redis.output();
}

describe('A drill', () => {
  it('holds a node down for all others until it is taken back, and what was written meanwhile comes to it', () => {
    const nodes = three();
    expect(run(nodes, 'n1', 'COTERIE NODE DOWN n2')).toBe('+OK\r\n');
    nodes.advance(20_000);
    expect(statuses(nodes, 'n1')).toEqual({ n2: 'dead', n3: 'alive' });
    expect(statuses(nodes, 'n3')).toEqual({ n1: 'alive', n2: 'dead' });
    expect(statuses(nodes, 'n2')).toEqual({ n1: 'dead', n3: 'dead' });
    expect(run(nodes, 'n1', 'SELECT 1', 'SET k v')).toBe('+OK\r\n+OK\r\n');
    expect(run(nodes, 'n2', 'SELECT 1', 'GET k')).toMatch(/^\+OK\r\n-UNAVAILABLE /);
    expect(run(nodes, 'n3', 'COTERIE NODES')).toContain('held-down');
    expect(run(nodes, 'n3', 'COTERIE NODE UP n2')).toBe('+OK\r\n');
    nodes.advance(20_000);
    for (const name of ['n1', 'n2', 'n3']) expect(Object.values(statuses(nodes, name))).toEqual(['alive', 'alive']);
    expect(run(nodes, 'n2', 'SELECT 1', 'GET k', 'COTERIE CONVERGED')).toBe('+OK\r\n$1\r\nv\r\n:0\r\n');
  });

  it('can be taken back at the node that is held down', () => {
    const nodes = three();
    run(nodes, 'n1', 'COTERIE NODE DOWN n2');
    nodes.advance(20_000);
    run(nodes, 'n2', 'COTERIE NODE UP n2');
    nodes.advance(20_000);
    for (const name of ['n1', 'n2', 'n3']) expect(Object.values(statuses(nodes, name))).toEqual(['alive', 'alive']);
  });

  it('that cuts a link leaves both nodes alive to each other by way of the third', () => {
    const nodes = three();
    run(nodes, 'n2', 'COTERIE LINK DOWN n3 n1');
    nodes.advance(20_000);
    expect(nodes.nodes.get('n1')!.cluster!.peerOf('n3')!.linked).toBe(false);
    expect(nodes.nodes.get('n3')!.cluster!.peerOf('n1')!.linked).toBe(false);
    expect(nodes.nodes.get('n1')!.cluster!.peerOf('n2')!.linked).toBe(true);
    expect(statuses(nodes, 'n1')).toEqual({ n2: 'alive', n3: 'alive' });
    run(nodes, 'n1', 'COTERIE LINK UP n1 n3');
    expect(nodes.nodes.get('n3')!.cluster!.peerOf('n1')!.linked).toBe(true);
  });

  it('is told to a node whose link comes up later', () => {
    const nodes = three();
    nodes.lost = letter => letter.from === 'n3' || letter.to === 'n3';
    run(nodes, 'n1', 'COTERIE NODE DOWN n2');
    nodes.lost = () => false;
    const [n2, n3] = ['n2', 'n3'].map(name => nodes.nodes.get(name)!);
    expect(n3!.cluster!.peerOf('n2')!.linked).toBe(true);
    nodes.nodes.get('n1')!.linkUp(n3!.identity());
    nodes.settle();
    expect(n3!.cluster!.peerOf('n2')!.linked).toBe(false);
    expect(n2!.cluster!.peerOf('n3')!.linked).toBe(false);
  });
});

describe('A node that is cut off', () => {
  it('takes nothing from those who have not heard of it yet: no record, and no word about a member', () => {
    const nodes = three();
    nodes.lost = letter => letter.from === 'n2';
    run(nodes, 'n2', 'COTERIE NODE DOWN n2');
    const [n1, n2] = ['n1', 'n2'].map(name => nodes.nodes.get(name)!);
    expect(n1!.cluster!.peerOf('n2')!.linked).toBe(true);
    run(nodes, 'n1', 'SET k v');
    const { store } = n2!.cluster!.keyspaces.get(0)!;
    expect(store.keyCount).toBe(0);
    const before = n2!.memberOf('n1')!;
    n1!.cluster!.beginRefill();
    nodes.lost = letter => letter.from === 'n2' || letter.to === 'n3';
    nodes.advance(300);
    expect(n1!.memberOf('n1')!.refutation).toBeGreaterThan(before.refutation);
    expect(n2!.memberOf('n1')!.refutation).toBe(before.refutation);
  });

  it('is not where fault-commands is off', () => {
    const nodes = new Nodes();
    for (const name of ['n1', 'n2', 'n3']) nodes.add(name, { faultCommands: name !== 'n3' });
    linkAll(nodes);
    nodes.advance(3_000);
    run(nodes, 'n1', 'COTERIE NODE DOWN n3');
    expect(nodes.nodes.get('n1')!.drills.inForce).toBe(1);
    expect(nodes.nodes.get('n3')!.drills.inForce).toBe(0);
    expect(run(nodes, 'n3', 'COTERIE NODE DOWN n1')).toMatch(/^-ERR drills are off/);
  });
});

describe('Orders', () => {
  function drillsOfN1(): Drills {
    const drills = new Drills('n1');
    drills.know(new Set(['n1', 'n2', 'n3']));
    return drills;
  }

  it('agree in any order of arrival: the later counts, and of two at once the one to be down', () => {
    const orders = [
      { about: ['n2'], down: true, atMs: 5 },
      { about: ['n2'], down: false, atMs: 6 },
      { about: ['n1', 'n3'], down: false, atMs: 7 },
      { about: ['n1', 'n3'], down: true, atMs: 7 },
    ];
    for (const arrival of [orders, [...orders].reverse()]) {
      const drills = drillsOfN1();
      for (const order of arrival) drills.hear({ orders: [order] });
      expect([drills.isCut('n2'), drills.isCut('n3'), drills.inForce]).toEqual([false, true, 1]);
    }
  });

  it('are above all that is known, whatever the clock; and none are kept about strangers', () => {
    const drills = drillsOfN1();
    drills.hear({ orders: [{ about: ['n2'], down: true, atMs: 9_000 }] });
    drills.give(['n2'], false, 100);
    expect([drills.isDown('n2'), drills.message.orders[0]!.atMs]).toEqual([false, 9_001]);
    expect(drills.hear({ orders: [{ about: ['x'], down: true, atMs: 1 }] })).toBe(false);
    expect(drills.message.orders).toHaveLength(1);
  });

  it('that came before the members were known are bounded, and those about strangers are forgotten then', () => {
    const drills = new Drills('n1');
    for (const name of ['n2', ...Array.from({ length: 2_000 }, (_, i) => `x${i}`)])
      drills.hear({ orders: [{ about: [name], down: true, atMs: 1 }] });
    expect([drills.isCut('n2'), drills.message.orders.length]).toEqual([true, 1024]);
    drills.know(new Set(['n1', 'n2', 'n3']));
    expect(drills.message.orders).toEqual([{ about: ['n2'], down: true, atMs: 1 }]);
  });
});

import { describe, expect, it } from 'vitest';
import { drawBelow } from '../../src/lib/draw.ts';
import { measureDetection, measureIdleBytes, quantile, watchHealth } from '../../src/sim/membership-figures.ts';
import { ObservedNetwork } from './observed-network.ts';

/** All members have heard of each other, and the first commotion is over. */
function settled(nodes: number, seed: number, loss = 0): ObservedNetwork {
  const network = new ObservedNetwork({ nodes, seed, loss });
  expect(network.runUntil(() => network.allAlive(), 20_000)).toBeDefined();
  network.run(3_000);
  return network;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

describe('A cluster at its start', () => {
  it('names members unknown until it has heard of them', () => {
    const network = new ObservedNetwork({ nodes: 5, seed: 1 });
    expect([...network.node('n1').swim.members()].map(({ status }) => status)).toEqual([
      'alive',
      'unknown',
      'unknown',
      'unknown',
      'unknown',
    ]);
    expect(network.node('n1').swim.statusOf('stranger')).toBe('unknown');
    expect(network.runUntil(() => network.allAlive(), 300)).toBeDefined();
    const n1 = network.events.filter(({ by }) => by === 'n1');
    expect(n1.map(({ type, member }) => `${member.name} ${type}`).sort()).toEqual([
      'n2 alive',
      'n3 alive',
      'n4 alive',
      'n5 alive',
    ]);
    expect(network.node('n1').swim.memberOf('n3')?.identity.bus.port).toBe(16_379);
  });
});

describe('A killed node', () => {
  it.each([2, 3, 4, 5])('is dead on all others of %i within 5 s', nodes => {
    for (let seed = 1; seed <= 10; seed++) {
      const network = settled(nodes, seed);
      network.crash('n2', 'reset');
      expect(
        network.runUntil(() => network.allBelieve('n2', 'dead'), 5_000),
        `seed ${seed}`,
      ).toBeDefined();
    }
  });

  it('is dead on all others of 100 within 6 s, and no other is suspected', () => {
    const network = settled(100, 1);
    const beforeMs = network.time.nowMs;
    network.crash('n2', 'reset');
    expect(network.runUntil(() => network.allBelieve('n2', 'dead'), 6_000)).toBeDefined();
    const since = network.events.filter(({ nowMs }) => nowMs >= beforeMs);
    expect(new Set(since.map(({ member }) => member.name))).toEqual(new Set(['n2']));
    expect(since.find(({ type }) => type === 'suspect')!.nowMs - beforeMs).toBeLessThan(2_500);
  });
});

describe('A node that falls silent', () => {
  it.each([
    [3, 5_000],
    [5, 5_500],
    [20, 6_000],
  ])('among %i is suspected within 2.5 s and dead on all within %i ms, in the median', (nodes, deadMs) => {
    const [suspected, dead]: [number[], number[]] = [[], []];
    for (let seed = 1; seed <= 11; seed++) {
      const network = settled(nodes, seed);
      const beforeMs = network.time.nowMs;
      network.crash('n2', 'silent');
      dead.push(network.runUntil(() => network.allBelieve('n2', 'dead'), 30_000)!);
      suspected.push(network.events.find(({ type }) => type === 'suspect')!.nowMs - beforeMs);
    }
    expect(median(suspected)).toBeLessThan(2_500);
    expect(median(dead)).toBeLessThan(deadMs);
  });

  it('is not suspected when only one other cannot reach it', () => {
    const network = settled(4, 1);
    network.cut('n1', 'n2');
    network.cut('n2', 'n1');
    network.run(20_000);
    expect(network.events.filter(({ type }) => type !== 'alive')).toEqual([]);
  });
});

describe('Healthy nodes', () => {
  it('are never buried, though each stalls up to 3 s now and then and 1 % of messages are lost', () => {
    let suspicions = 0;
    for (const [nodes, seed] of [
      [3, 1],
      [5, 2],
      [20, 3],
      [20, 4],
    ] as const) {
      const network = new ObservedNetwork({ nodes, seed, loss: 0.01 });
      const random = network.random.fork();
      for (const { name } of network.nodes) {
        const stall = () => {
          network.stall(name, drawBelow(random, 3_001));
          network.time.in(3_000 + drawBelow(random, 20_000), stall);
        };
        network.time.in(1_000 + drawBelow(random, 20_000), stall);
      }
      network.run(300_000);
      expect(network.events.filter(({ type }) => type === 'dead')).toEqual([]);
      suspicions += network.events.filter(({ type }) => type === 'suspect').length;
    }
    expect(suspicions).toBeGreaterThan(100);
  });

  it('send less than 1 KB/s each when nothing happens, whatever their number', () => {
    const perNode = [10, 30, 100].map(nodes => measureIdleBytes(nodes, 1));
    for (const bytes of perNode) expect(bytes).toBeLessThan(1_000);
    expect(Math.max(...perNode) / Math.min(...perNode)).toBeLessThan(1.1);
  });
});

describe('A hundred nodes', () => {
  it('suspect a silent one in under 2.5 s at the median, and all hold it dead within 6 s', () => {
    const { suspectedMs, deadEverywhereMs } = measureDetection({ nodes: 100, seed: 7, crashes: 20 });
    expect(quantile(suspectedMs, 0.5)).toBeLessThan(2_500);
    expect(quantile(deadEverywhereMs, 1)).toBeLessThanOrEqual(6_000);
  });

  it('bury no healthy one in six minutes with lost messages and five that stall', () => {
    const figures = watchHealth({ nodes: 100, seed: 7, hours: 0.1, loss: 0.01, stalling: 5, maxStallMs: 3_000 });
    expect(figures).toMatchObject({ deaths: 0 });
    expect(figures.stalls).toBeGreaterThan(100);
  });
});

describe('A node that stalls', () => {
  it('blames itself, not others, for the answers that it missed', () => {
    const network = settled(3, 1);
    for (let i = 0; i < 10; i++) {
      network.stall('n1', 6_000);
      network.run(6_100);
      expect(network.node('n1').swim.healthScore).toBeGreaterThan(0);
      network.run(4_000);
    }
    expect(network.events.filter(({ by, type }) => by === 'n1' && type !== 'alive')).toEqual([]);
  });

  it('doubts itself also by lag that others measured', () => {
    const network = settled(2, 1);
    const { swim } = network.node('n1');
    swim.observeLag(10);
    expect(swim.healthScore).toBe(0);
    swim.observeLag(500);
    swim.observeLag(500);
    expect(swim.healthScore).toBe(1);
    network.run(5_000);
    expect(swim.healthScore).toBe(0);
  });

  it('is buried in the end, and alive everywhere as soon as it contradicts', () => {
    const network = settled(5, 1);
    network.stall('n3', 15_000);
    expect(network.runUntil(() => network.allBelieve('n3', 'dead'), 9_000)).toBeDefined();
    network.run(15_000 - 9_000);
    expect(network.runUntil(() => network.allBelieve('n3', 'alive'), 12_000)).toBeDefined();
    expect(network.node('n1').swim.memberOf('n3')!.refutation).toBeGreaterThan(0);
    expect(network.events.some(({ type }) => type === 'restarted')).toBe(false);
  });
});

describe('A restarted node', () => {
  it('replaces its former self at once, everywhere', () => {
    const network = settled(5, 1);
    const former = network.node('n1').swim.memberOf('n2')!;
    network.crash('n2', 'reset');
    network.run(200);
    network.restart('n2');
    expect(network.runUntil(() => network.allAlive(), 500)).toBeDefined();
    network.run(10_000);
    for (const { name, swim } of network.nodes) {
      if (name === 'n2') continue;
      expect(swim.memberOf('n2')!.actor).not.toBe(former.actor);
      const types = network.events.filter(event => event.by === name && event.member.name === 'n2').map(e => e.type);
      expect(types.filter(type => type === 'restarted')).toEqual(['restarted']);
      expect(types).not.toContain('dead');
    }
  });

  it('replaces it also when it was dead, and when its wall clock has gone backwards', () => {
    const network = settled(5, 1);
    network.crash('n2', 'reset');
    network.restart('n2', network.time.nowMs + 3_600_000);
    expect(network.runUntil(() => network.allAlive(), 2_000)).toBeDefined();
    network.crash('n2', 'silent');
    expect(network.runUntil(() => network.allBelieve('n2', 'dead'), 20_000)).toBeDefined();
    network.restart('n2', network.time.nowMs);
    expect(network.runUntil(() => network.allAlive(), 2_000)).toBeDefined();
    expect(network.node('n1').swim.memberOf('n2')!.actor).toBe(network.node('n2').swim.memberOf('n2')!.actor);
  });
});

describe('A node that leaves', () => {
  it('has left everywhere at once and is never suspected', () => {
    const network = settled(5, 1);
    network.node('n2').swim.leave(network.time.nowMs);
    network.run(10);
    expect(network.allBelieve('n2', 'left')).toBe(true);
    network.crash('n2', 'reset');
    network.run(20_000);
    expect(network.allBelieve('n2', 'left')).toBe(true);
    expect(network.events.filter(({ type }) => type === 'suspect' || type === 'dead')).toEqual([]);
    network.restart('n2');
    expect(network.runUntil(() => network.allAlive(), 500)).toBeDefined();
  });
});

describe('A partition', () => {
  it('that ends heals by refutation, though no link ever broke', () => {
    const network = settled(5, 1);
    const [left, right] = [
      ['n1', 'n2', 'n3'],
      ['n4', 'n5'],
    ];
    for (const a of left) for (const b of right) network.cut(a, b);
    for (const a of left) for (const b of right) network.cut(b, a);
    const isSplit = () =>
      left.every(a => right.every(b => network.node(a).swim.statusOf(b) === 'dead')) &&
      left.every(a => right.every(b => network.node(b).swim.statusOf(a) === 'dead'));
    expect(network.runUntil(isSplit, 120_000)).toBeDefined();
    network.run(60_000);
    expect(isSplit()).toBe(true);
    network.healAll();
    expect(network.runUntil(() => network.allAlive(), 20_000)).toBeDefined();
  });
});

describe('What a node says of itself', () => {
  it('reaches all others', () => {
    const network = settled(20, 1);
    network.node('n7').swim.setRefilling(true);
    const isEverywhere = () => network.nodes.every(({ swim }) => swim.memberOf('n7')!.refilling);
    expect(network.runUntil(isEverywhere, 2_000)).toBeDefined();
    const changes = network.events.filter(({ type }) => type === 'changed');
    expect(changes).toHaveLength(19);
    network.node('n7').swim.setRefilling(false);
    expect(
      network.runUntil(() => network.nodes.every(({ swim }) => !swim.memberOf('n7')!.refilling), 2_000),
    ).toBeDefined();
  });

  it('reaches those, too, whom every rumour about it missed, within two seconds in a small cluster', () => {
    const network = settled(3, 1);
    for (const name of ['n2', 'n3']) network.cut('n1', name);
    network.node('n1').swim.setRefilling(true);
    network.run(1_000);
    network.healAll();
    expect(network.node('n2').swim.memberOf('n1')!.refilling).toBe(false);
    const isEverywhere = () => network.nodes.every(({ swim }) => swim.memberOf('n1')!.refilling);
    expect(network.runUntil(isEverywhere, 2_000)).toBeDefined();
  });
});

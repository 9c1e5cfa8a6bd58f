import { describe, expect, it } from 'vitest';
import { drawBelow, drawChance, drawOne } from '../../src/lib/draw.ts';
import { FoundingNetwork } from './founding-network.ts';
import { runSchedule, type ScheduleOptions } from './founding-schedule.ts';

const SCHEDULES = 1_500;
const NETWORKS = 120;

/** Runs many schedules; a run in which nothing is founded proves nothing, so says how many clusters there were. */
function foundings(optionsOf: (seed: number) => Pick<ScheduleOptions, 'size' | 'expectNodes' | 'mayRestart'>): number {
  let count = 0;
  for (let seed = 1; seed <= SCHEDULES; seed++)
    count += runSchedule({ seed, steps: 600, ...optionsOf(seed) }).foundings;
  return count;
}

describe('Two clusters never live at once, in any order of events,', () => {
  it('when the whole set is expected, though any process dies at any time', () => {
    const count = foundings(seed => {
      const size = 2 + (seed % 3);
      return { size, expectNodes: size, mayRestart: () => true };
    });
    expect(count).toBeGreaterThan(SCHEDULES / 2);
  });

  it('when more than half of the set are expected and none that has promised dies', () => {
    const count = foundings(seed => {
      const size = 3 + (seed % 4);
      return { size, expectNodes: Math.floor(size / 2) + 1, mayRestart: ({ committed }) => !committed };
    });
    expect(count).toBeGreaterThan(SCHEDULES / 3);
  });
});

/** Nine seconds of partial views, loss, doubles, stragglers, deaths and broken links, then peace. */
function troubled(seed: number, size: number, expectNodes: number, mayRestart: (promised: boolean) => boolean) {
  const names = Array.from({ length: size }, (_, i) => `n${i + 1}`);
  const network = new FoundingNetwork({ names, expectNodes, seed, seeds: [names[seed % size]!, names[0]!] });
  const random = network.random.fork();
  let isTrouble = true;
  const soon = (ms: number, action: () => void) =>
    network.time.in(1 + drawBelow(random, ms), () => {
      if (isTrouble) action();
    });
  const restart = (name: string) => {
    const node = network.node(name);
    if (!node.running || !mayRestart(node.promised)) return;
    network.stop(name);
    network.time.in(1 + drawBelow(random, 150), () => network.start(name));
  };
  const cutForAWhile = (from: string, to: string, ms: number) => {
    network.cut(from, to);
    network.time.in(1 + drawBelow(random, ms), () => network.heal(from, to));
  };

  network.loss = drawBelow(random, 4) / 10;
  network.duplication = drawBelow(random, 4) / 10;
  network.stragglers = drawBelow(random, 3) / 10;
  network.maxDelayMs = drawOne(random, [5, 50, 400])!;
  const cuts = drawBelow(random, 6) / 10;
  for (const from of names)
    for (const to of names) if (from !== to && drawChance(random, cuts)) cutForAWhile(from, to, 6_000);
  for (const name of names) network.time.in(1 + drawBelow(random, 1_500), () => network.start(name));
  const restarts = drawOne(random, [0, 0.05, 0.3])!;
  const breaks = drawOne(random, [0, 0.1, 0.3])!;
  network.onSend = (from, to, { type }) => {
    if (type === 'hello') return;
    if (drawChance(random, restarts)) soon(60, () => restart(from.name));
    if (drawChance(random, restarts)) soon(60, () => restart(to.name));
    if (drawChance(random, breaks)) soon(20, () => cutForAWhile(from.name, to.name, 1_500));
    if (drawChance(random, breaks)) soon(20, () => network.breakLink(to.name, from.name));
  };
  network.time.run(9_000);
  isTrouble = false;
  network.healAll();
  for (const from of network.nodes)
    for (const to of network.nodes) if (from !== to) network.breakLink(from.name, to.name);
  network.loss = 0;
  network.duplication = 0;
  network.stragglers = 0;
  network.maxDelayMs = 5;
  return network;
}

describe('One cluster comes about once messages flow,', () => {
  it('of the whole set when all of it are expected, whatever died before', () => {
    for (let seed = 1; seed <= NETWORKS; seed++) {
      const size = 2 + (seed % 4);
      const network = troubled(seed, size, size, () => true);
      expect(
        network.time.runUntil(() => network.allFounded(), 20_000),
        `seed ${seed}`,
      ).toBeDefined();
      expect(network.clusters().size, `seed ${seed}`).toBe(1);
    }
  });

  it('of those who had met when more than half are expected, and the others are refused', () => {
    for (let seed = 1; seed <= NETWORKS; seed++) {
      const size = 3 + (seed % 4);
      const network = troubled(seed, size, Math.floor(size / 2) + 1, promised => !promised);
      const isSettled = () =>
        network.nodes.every(({ core, events }) => core.cluster ?? events.some(({ type }) => type === 'refused'));
      expect(network.time.runUntil(isSettled, 30_000), `seed ${seed}`).toBeDefined();
      expect(network.clusters().size, `seed ${seed}`).toBe(1);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { drawBelow, drawChance, drawOne } from '../../src/lib/draw.ts';
import { FoundingNetwork } from './founding-network.ts';

/** Some seconds of trouble, then peace; the network throws as soon as two clusters live. */
function troubled(seed: number, size: number, expectNodes: number, mayRestart: (promised: boolean) => boolean) {
  const names = Array.from({ length: size }, (_, i) => `n${i + 1}`);
  const network = new FoundingNetwork({ names, expectNodes, seed, seeds: [names[seed % size]!, names[0]!] });
  const random = network.random.fork();
  network.loss = drawBelow(random, 4) / 10;
  network.duplication = drawBelow(random, 4) / 10;
  network.maxDelayMs = drawOne(random, [5, 50, 400, 1_500])!;
  for (const name of names) network.time.in(1 + drawBelow(random, 1_500), () => network.start(name));
  const restart = (name: string) => {
    const node = network.node(name);
    if (!node.running || !mayRestart(node.promised)) return;
    network.stop(name);
    network.time.in(1 + drawBelow(random, 300), () => network.start(name));
  };
  const restarts = drawBelow(random, 3 * size);
  for (let i = 0; i < restarts; i++) {
    const name = drawOne(random, names)!;
    network.time.in(300 + drawBelow(random, 6_000), () => restart(name));
  }
  for (let i = 0; i < 2 * size; i++) {
    const [from, to] = [drawOne(random, names)!, drawOne(random, names)!];
    const heals = drawChance(random, 0.5);
    if (from === to) continue;
    network.time.in(2_000 + drawBelow(random, 5_000), () =>
      heals ? network.breakLink(from, to) : network.cut(from, to),
    );
  }
  network.time.run(8_000);
  return network;
}

function inPeace(network: FoundingNetwork): void {
  network.healAll();
  for (const from of network.nodes)
    for (const to of network.nodes) if (from !== to) network.breakLink(from.name, to.name);
  network.loss = 0;
  network.duplication = 0;
  network.maxDelayMs = 5;
}

describe('Founding, whatever the network does', () => {
  it('makes one cluster, and never two, when all of the set are expected, though any process restarts at any time', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const size = 2 + (seed % 5);
      const network = troubled(seed, size, size, () => true);
      inPeace(network);
      expect(
        network.time.runUntil(() => network.allFounded(), 30_000),
        `seed ${seed}`,
      ).toBeDefined();
      expect(network.clusters().size, `seed ${seed}`).toBe(1);
    }
  });

  it('never makes two when more than half are expected and no process restarts once it has promised', () => {
    let founded = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const size = 3 + (seed % 4);
      const network = troubled(seed, size, Math.floor(size / 2) + 1, promised => !promised);
      inPeace(network);
      network.time.runUntil(() => network.clusters().size > 0, 30_000);
      network.time.run(3_000);
      expect(network.clusters().size, `seed ${seed}`).toBe(1);
      if (network.allFounded()) founded++;
    }
    expect(founded).toBeGreaterThan(100);
  });
});

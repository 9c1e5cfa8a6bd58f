import { describe, expect, it } from 'vitest';
import { ObservedNetwork } from './observed-network.ts';

const HOUR_MS = 3_600_000;

function settled(nodes: number): ObservedNetwork {
  const network = new ObservedNetwork({ nodes, seed: 1 });
  network.run(5_000);
  return network;
}

/** Names of the nodes that say of themselves that their clock is off, as `by` believes it. */
function offBy(network: ObservedNetwork, by: string): string[] {
  return [...network.node(by).swim.members()].filter(({ clockOff }) => clockOff).map(({ name }) => name);
}

function judge(network: ObservedNetwork, name: string) {
  return network.node(name).swim.judgeClock(network.time.nowMs);
}

describe('A node whose wall clock is set wrong', () => {
  it.each([HOUR_MS, -HOUR_MS, 2_500])('by %i ms knows it at the next tick, and everyone within a second', aheadMs => {
    const network = settled(5);
    network.node('n3').clockAheadMs = aheadMs;
    network.run(100);
    expect(judge(network, 'n3')).toEqual({ state: 'off', offsetMs: expect.closeTo(aheadMs, -2) });
    network.run(1_000);
    for (const { name } of network.nodes) {
      expect(offBy(network, name)).toEqual(['n3']);
      if (name !== 'n3') expect(judge(network, name).state).toBe('ok');
    }
    network.run(5_000);
    expect(network.node('n1').swim.clockOffsetOf('n3')).toBeCloseTo(aheadMs, -2);
  });

  it('is trusted again when it is mended', () => {
    const network = settled(3);
    network.node('n3').clockAheadMs = HOUR_MS;
    network.run(2_000);
    network.node('n3').clockAheadMs = 0;
    network.run(2_000);
    for (const { name } of network.nodes) expect(offBy(network, name)).toEqual([]);
  });

  it('drags nobody with it', () => {
    const network = settled(5);
    network.node('n3').clockAheadMs = HOUR_MS;
    network.run(10_000);
    expect(network.nodes.map(({ name }) => judge(network, name).state)).toEqual(['ok', 'ok', 'off', 'ok', 'ok']);
  });
});

describe('Clocks that are wrong by half a second', () => {
  it('are no reason to step back', () => {
    const network = settled(20);
    for (const node of network.nodes) node.clockAheadMs = node.index % 2 === 0 ? 500 : -500;
    network.run(20_000);
    for (const { name } of network.nodes) expect(judge(network, name).state, name).toBe('ok');
  });

  it('nor is a probe whose answer came late: it says nothing of the clock', () => {
    const network = settled(5);
    for (let i = 0; i < 10; i++) {
      network.stall('n2', 3_000);
      network.run(4_000);
      for (const { name } of network.nodes) expect(judge(network, name).state, name).toBe('ok');
    }
  });
});

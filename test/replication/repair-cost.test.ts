import { describe, expect, it } from 'vitest';
import { slotOf } from '../../src/lib/slots.ts';
import { NEVER } from '../../src/store/record.ts';
import { ANTI_ENTROPY, EVENTUAL, TestNetwork } from './test-network.ts';

const KEYS = 1_000_000;
const DIFFERING = 10;

/** Two replicas with the same million records. */
function equalReplicas(tag: string): TestNetwork {
  const network = new TestNetwork({ nodes: 2, keyspaces: [{ ...EVENTUAL, replicas: 2 }] });
  const value = Buffer.alloc(64, 'v');
  const stores = ['n1', 'n2'].map(name => ({
    store: network.keyspace(name, 0).store,
    actor: network.node(name).cluster.context.actors.intern('n1.00000000000000ff'),
  }));
  for (let i = 0; i < KEYS; i++) {
    const key = Buffer.from(`${tag}${i}`);
    const slot = slotOf(key);
    for (const { store, actor } of stores) store.putValue(slot, store.hashOf(key), key, value, i + 1, actor, NEVER);
  }
  return network;
}

function costOfRound(network: TestNetwork): number {
  network.sent.length = 0;
  network.advance(ANTI_ENTROPY.intervalMs + 20);
  return network.sent.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

describe('Of a million keys', { timeout: 120_000 }, () => {
  it.each([
    ['in all slots', 'key:'],
    ['with one hash tag', '{tag}:'],
  ])(
    '%s ten that differ are found and mended with less than 64 KB, and equal replicas cost less than 1 KB',
    (_, tag) => {
      const network = equalReplicas(tag);
      const equal = costOfRound(network);
      for (let i = 0; i < DIFFERING; i++) network.plant(`n${1 + (i % 2)}`, `${tag}${i * 99_991}`, `mended ${i}`, 0);
      const mending = costOfRound(network);
      console.log(`1,000,000 keys ${tag}: equal ${equal} bytes, ${DIFFERING} differing ${mending} bytes`);
      for (let i = 0; i < DIFFERING; i++) {
        for (const name of ['n1', 'n2']) expect(network.valueAt(name, `${tag}${i * 99_991}`, 0)).toBe(`mended ${i}`);
      }
      expect(equal).toBeLessThan(1024);
      expect(mending).toBeLessThan(64 * 1024);
      expect(costOfRound(network)).toBe(equal);
    },
  );
});

import { expect } from 'vitest';
import { slotOf } from '../../src/lib/slots.ts';
import { advanced, type Topology, withMember } from '../../src/membership/topology.ts';
import { TestNetwork } from './test-network.ts';

/** Keyspace 1: reads and writes by quorum. */
export const DB = 1;

/** Three nodes and the topologies by which a fourth joins. */
export function joining() {
  const network = new TestNetwork({ nodes: 3, antiEntropy: { intervalMs: 600_000 } });
  const merge = withMember(network.topology, network.member('n4'));
  const pass = advanced(merge);
  return { network, merge, pass, done: advanced(pass) };
}

/** A key whose slot gets a new owner, which it is, and the one that loses it. */
export function movingKey(network: TestNetwork, where: (writers: readonly string[]) => boolean = () => true) {
  for (let i = 0; ; i++) {
    const key = `key:${i}`;
    const slot = slotOf(Buffer.from(key));
    const { placement } = network.keyspace('n1', DB);
    const writers = placement.writersOf(slot).map(({ name }) => name);
    if (!placement.isMoving(slot) || !where(writers)) continue;
    const owners = placement.replicasOf(slot).map(({ name }) => name);
    const leaves = owners.find((_, index) => (placement.onlyOwners(slot) & (1 << index)) !== 0)!;
    return { key, slot, owners, leaves, stays: owners.filter(name => name !== leaves) as [string, string] };
  }
}

export function stillKey(network: TestNetwork): string {
  const { placement } = network.keyspace('n1', DB);
  for (let i = 0; ; i++) if (!placement.isMoving(slotOf(Buffer.from(`key:${i}`)))) return `key:${i}`;
}

/** Lets all nodes merge what they will own, and then turn to it and end the change. */
export function finish(network: TestNetwork, merge: Topology): Topology {
  network.advance(5_000);
  for (const { cluster } of network.nodes.values()) expect(cluster.progress().left).toBe(0);
  const pass = advanced(merge);
  network.adopt(pass);
  network.adopt(advanced(pass));
  return advanced(pass);
}

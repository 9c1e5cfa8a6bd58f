import { describe, expect, test } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { Ring, type RingMember } from '../../src/ring/ring.ts';
import { member, members } from './members.ts';

const REPLICAS = 3;

/** Conventional names; over names at random see `docs/ring.md`. */
const NAMES: ReadonlyArray<[string, (node: number) => string]> = [
  ['n1', node => `n${node + 1}`],
  ['node-001', node => `node-${String(node + 1).padStart(3, '0')}`],
  ['coterie-0', node => `coterie-${node}`],
  ['coterie-0.coterie.default.svc', node => `coterie-${node}.coterie.default.svc`],
  ['10.0.0.1:16379', node => `10.0.0.${node + 1}:16379`],
];

/** How many slots each member is first for, and how many it holds. */
function countSlots(ring: Ring, n = REPLICAS): { primaries: number[]; replicas: number[] } {
  const table = ring.table(n);
  const primaries = ring.members.map(() => 0);
  const replicas = ring.members.map(() => 0);
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    primaries[table.at(slot, 0)]!++;
    for (let rank = 0; rank < table.length; rank++) replicas[table.at(slot, rank)]!++;
  }
  return { primaries, replicas };
}

describe.each(NAMES)('members named like %s', (_, name) => {
  test.each([
    [3, 1.08, 1],
    [5, 1.08, 1.05],
    [10, 1.08, 1.05],
    [20, 1.12, 1.06],
    [50, 1.16, 1.09],
    [100, 1.2, 1.12],
  ])(
    'have, of %i, none above %f × its fair share of primaries or %f × of replicas',
    (count, mostPrimaries, mostReplicas) => {
      const { primaries, replicas } = countSlots(new Ring(members(count, name)));
      expect((Math.max(...primaries) * count) / SLOT_COUNT).toBeLessThanOrEqual(mostPrimaries);
      expect((Math.max(...replicas) * count) / SLOT_COUNT / REPLICAS).toBeLessThanOrEqual(mostReplicas);
    },
  );

  test('have, of 10 in three zones, none above 1.05 × its fair share of its zone’s replicas', () => {
    const ring = new Ring(members(10, name, 3));
    const { replicas } = countSlots(ring);
    for (const zone of ['zone-0', 'zone-1', 'zone-2']) {
      const own = replicas.filter((_, index) => ring.members[index]!.zone === zone);
      expect(own.reduce((sum, count) => sum + count)).toBe(SLOT_COUNT);
      expect((Math.max(...own) * own.length) / SLOT_COUNT).toBeLessThanOrEqual(1.05);
    }
  });
});

describe('weights', () => {
  const weights = [0.5, 1, 1, 2, 4];
  const total = weights.reduce((sum, weight) => sum + weight);
  const sets = Array.from({ length: 20 }, (_, set) =>
    countSlots(new Ring(weights.map((weight, node) => member(`s${set}-n${node}`, '', weight)))),
  );
  const mean = (of: 'primaries' | 'replicas', node: number) =>
    sets.reduce((sum, counts) => sum + counts[of][node]!, 0) / sets.length / SLOT_COUNT;

  test('give each member its share of the primaries: its weight ÷ all weights', () => {
    for (const [node, weight] of weights.entries()) {
      expect(mean('primaries', node) / (weight / total)).toBeGreaterThan(0.97);
      expect(mean('primaries', node) / (weight / total)).toBeLessThan(1.03);
      for (const { primaries } of sets) {
        expect(primaries[node]! / SLOT_COUNT / (weight / total)).toBeGreaterThan(0.85);
        expect(primaries[node]! / SLOT_COUNT / (weight / total)).toBeLessThan(1.15);
      }
    }
  });

  test('give each member its share of the replicas: the chance to be among three drawn by weight, one after another', () => {
    for (const node of weights.keys()) {
      const fair = chanceOfDraw(weights, node, REPLICAS);
      expect(mean('replicas', node) / fair).toBeGreaterThan(0.97);
      expect(mean('replicas', node) / fair).toBeLessThan(1.03);
    }
  });
});

/** The chance that `node` is among `draws` drawn without replacement, each in proportion to the weights left. */
function chanceOfDraw(weights: readonly number[], node: number, draws: number): number {
  if (draws === 0) return 0;
  const total = weights.reduce((sum, weight) => sum + weight);
  let chance = weights[node]! / total;
  for (const [other, weight] of weights.entries()) {
    if (other === node || weight === 0) continue;
    chance += (weight / total) * chanceOfDraw(weights.with(other, 0), node, draws - 1);
  }
  return chance;
}

describe('building', () => {
  test('a ring of 100 members with its table of three replicas takes well under half a second', () => {
    const list: RingMember[] = members(100, undefined, 3);
    const timesMs = Array.from({ length: 3 }, () => {
      const startedMs = performance.now();
      new Ring(list).table(REPLICAS);
      return performance.now() - startedMs;
    });
    expect(Math.min(...timesMs)).toBeLessThan(400);
  });
});

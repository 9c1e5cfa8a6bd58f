import { describe, expect, test } from 'vitest';
import { DEFAULT_RATES, DISK_KINDS, FAULT_KINDS, NO_FAULTS, simulate, type WorkloadName } from '../../src/sim/index.ts';
import { expectSound } from './seeds.ts';

const LONG = { timeout: 120_000 };

describe('a simulation', () => {
  test.each([7, 77, 777])('of seed %i is the same event for event when it is run again', seed => {
    const [one, two] = [simulate({ seed, durationMs: 12_000 }), simulate({ seed, durationMs: 12_000 })];
    expect(one.events).toBeGreaterThan(10_000);
    expect(two.trace).toBe(one.trace);
    expect({ ...two, options: one.options }).toEqual(one);
  });

  test('of another seed is another', () => {
    const traces = [1, 2, 3].map(seed => simulate({ seed, durationMs: 4_000, faults: NO_FAULTS }).trace);
    expect(new Set(traces).size).toBe(3);
  });

  test.each([3, 4, 6, 8, 10])('of %i nodes keeps every promise', LONG, nodes => {
    expectSound(nodes, { nodes });
  });

  test.each([0, 1, 5])('of keyspace %i alone keeps every promise', LONG, db => {
    expectSound(1000 + db, { keyspaces: [db] });
  });

  test('brings every kind of fault, and the repairs that go with them', LONG, () => {
    const { faults, counters, operations } = expectSound(42, { durationMs: 60_000, faults: DEFAULT_RATES });
    for (const kind of FAULT_KINDS) expect(faults[kind] > 0, kind).toBe(DEFAULT_RATES[kind] > 0);
    for (const repair of ['restamps', 'readRepairs', 'syncRecords', 'slotsRefilled', 'forwardCopiesDropped'] as const) {
      expect(counters[repair], repair).toBeGreaterThan(0);
    }
    expect(operations.unavailable).toBeGreaterThan(0);
    expect(operations.lost).toBeGreaterThan(0);
  });

  test('that suspends a machine breaks its links, and it goes on with what it held', () => {
    const lines: string[] = [];
    const log = (_: number, line: string): void => void lines.push(line);
    const { faults } = expectSound(6, { durationMs: 40_000, faults: { ...NO_FAULTS, suspend: 6 }, log });
    expect(faults.suspend).toBeGreaterThan(1);
    const suspensions = lines.flatMap((line, i) => {
      const name = /^(n\d) is suspended/.exec(line)?.[1];
      return name === undefined ? [] : [[name, lines[i + 1]]];
    });
    expect(suspensions).toHaveLength(faults.suspend);
    for (const [name, next] of suspensions) expect(next).toMatch(new RegExp(`^cut ${name} \\| `));
    expect(lines.filter(line => line.includes('is lost'))).toEqual([]);
  });

  test('does what its workload says', () => {
    const collected = (workload: WorkloadName) =>
      expectSound(8, { durationMs: 10_000, faults: NO_FAULTS, workload }).counters.tombstonesCollected;
    expect(collected('writes')).toBe(0);
    expect(collected('deletes')).toBeGreaterThan(collected('mixed'));
    expect(collected('expiries')).toBeGreaterThan(0);
  });

  test('without faults loses no operation at all', () => {
    const { operations } = expectSound(5, { durationMs: 5_000, faults: NO_FAULTS });
    expect(operations).toMatchObject({ unavailable: 0, refused: 0, lost: 0 });
  });

  test.each(FAULT_KINDS)('with %s as the only fault keeps every promise', LONG, kind => {
    const rate = { delay: 0.02, loss: 0.05, duplication: 0.05, reordering: 0.1, skew: 1_000 }[kind as string] ?? 20;
    const keyspaces = DISK_KINDS.some(each => each === kind) ? [6] : [0, 1];
    const { faults } = expectSound(11, { keyspaces, faults: { ...NO_FAULTS, [kind]: rate }, durationMs: 12_000 });
    expect(faults[kind]).toBeGreaterThan(0);
  });

  test('in which a kind of fault that was asked for never occurred fails', () => {
    const { violation } = simulate({ durationMs: 300, faults: { ...NO_FAULTS, loss: 1e-9 } });
    expect(violation).toMatchObject({ kind: 'idle', what: 'loss was asked for and never occurred' });
  });

  test('in which a storm cannot bring what was asked for fails: three of three machines neither join nor leave', () => {
    const { violation } = simulate({ durationMs: 2_000, nodes: 3, machines: 3, faults: { ...NO_FAULTS, churn: 60 } });
    expect(violation?.kind).toBe('idle');
    expect(violation?.what).toMatch(/^churn did not occur in a storm, nor 30000 ms later/);
  });

  test('is prolonged until a node was lost in its storm, and says by how much', LONG, () => {
    // Mostly a witness is cut off before the node is lost, for longer than so short a storm lasts.
    const faults = { ...NO_FAULTS, partition: 8, crash: 12 };
    const reports = [1, 2, 3, 4].map(seed => expectSound(seed, { durationMs: 2_000, faults }));
    for (const { faults: counts } of reports) expect(counts.crash).toBeGreaterThan(0);
    expect(Math.max(...reports.map(({ overtimeMs }) => overtimeMs))).toBeGreaterThan(0);
  });

  test('with churn grows the ring to all machines, shrinks it to three owners, and grows it again', LONG, () => {
    const faults = { ...NO_FAULTS, churn: 40 };
    const { owners, tides, churn } = expectSound(2, { nodes: 3, machines: 8, clients: 4, durationMs: 100_000, faults });
    expect(owners).toEqual({ least: 3, most: 8 });
    expect(tides).toBeGreaterThan(1);
    for (const count of Object.values(churn)) expect(count).toBeGreaterThan(0);
  });

  test.each([
    { nodes: 2 },
    { machines: 101 },
    { seed: 1.5 },
    { clients: 0 },
    { keys: 3 },
    { durationMs: 0 },
    { keyspaces: [] },
    { keyspaces: [2] },
    { faults: { ...NO_FAULTS, loss: 2 } },
    { faults: { ...NO_FAULTS, crash: Number.NaN } },
    { faults: { ...NO_FAULTS, damage: 3 } },
    { keyspaces: [6, 7], faults: { ...NO_FAULTS, 'power-cut': 3 } },
  ])('of %j is refused', options => {
    expect(() => simulate(options)).toThrow(RangeError);
  });

  test('in which clients do nothing fails', () => {
    const { violation } = simulate({ durationMs: 40, faults: NO_FAULTS });
    expect(violation?.kind).toBe('idle');
  });
});

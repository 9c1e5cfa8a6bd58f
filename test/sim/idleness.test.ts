import { describe, expect, it } from 'vitest';
import { idleness } from '../../src/sim/checkers/idleness.ts';
import { FAULT_KINDS, type FaultCounts, NO_FAULTS } from '../../src/sim/faults.ts';
import { DEFAULT_SIMULATION, type SimulationOptions, type SimulationReport } from '../../src/sim/index.ts';

const BUSY: Pick<SimulationReport, 'operations' | 'faults' | 'writesSeenInStores'> = {
  operations: { ok: 1_000, unavailable: 500, refused: 200, lost: 300 },
  faults: Object.fromEntries(FAULT_KINDS.map(kind => [kind, 1])) as FaultCounts,
  writesSeenInStores: 1,
};

/** Ten seconds of twenty clients, who owe 2,000 operations in them, in keyspaces 0 and 1. */
function complaints(
  report: Partial<SimulationReport> = {},
  options: Partial<SimulationOptions> = {},
  acknowledged: readonly (readonly [number, number])[] = [
    [0, 1],
    [1, 1],
  ],
): readonly string[] {
  const told: string[] = [];
  const whole = { ...BUSY, ...report } as SimulationReport;
  idleness({ ...DEFAULT_SIMULATION, ...options }, whole, 10_000, new Map(acknowledged), ({ kind, what }) => {
    expect(kind).toBe('idle');
    told.push(what);
  });
  return told;
}

describe('The check of idleness', () => {
  it('says nothing of a run in which enough happened', () => {
    expect(complaints()).toEqual([]);
  });

  it('reports clients that made fewer than ten operations a second', () => {
    expect(complaints({ operations: { ...BUSY.operations, lost: 299 } })).toEqual([
      '20 clients made 1999 operations in 10000 ms, fewer than 2000',
    ]);
  });

  it('reports a run in which fewer than a quarter of the operations succeeded', () => {
    expect(complaints({ operations: { ok: 500, unavailable: 1_500, refused: 0, lost: 0 } })).toEqual([]);
    expect(complaints({ operations: { ok: 499, unavailable: 1_501, refused: 0, lost: 0 } })).toEqual([
      'only 499 of 2000 operations succeeded',
    ]);
  });

  it('reports a keyspace of the run in which no write was acknowledged', () => {
    expect(complaints({}, {}, [[1, 5]])).toEqual(['no write was acknowledged in keyspace 0']);
    expect(complaints({}, { keyspaces: [1] }, [[1, 5]])).toEqual([]);
  });

  it('reports a run that saw no write in any store', () => {
    expect(complaints({ writesSeenInStores: 0 })).toEqual(['no write was seen in any store']);
  });

  it.each(FAULT_KINDS)('reports %s that was asked for and never occurred, and only then', kind => {
    const faults = { ...BUSY.faults, [kind]: 0 };
    const asked = { faults: { ...NO_FAULTS, [kind]: 1 } };
    expect(complaints({ faults }, asked)).toEqual([`${kind} was asked for and never occurred`]);
    expect(complaints({ faults }, { faults: NO_FAULTS })).toEqual([]);
  });
});

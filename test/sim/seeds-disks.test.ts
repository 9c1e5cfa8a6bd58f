import { describe, expect, test } from 'vitest';
import { allFaults, DISK_KINDS, type FaultRates, onDiskOf, parseFaults } from '../../src/sim/index.ts';
import { expectSound } from './seeds.ts';

const LONG = { timeout: 600_000 };

/** Runs some seeds, in each of which everything that was asked for occurs. */
function expectSeedsSound(seeds: number, keyspaces: readonly number[], faults: FaultRates): void {
  for (let seed = 1; seed <= seeds; seed++) {
    const report = expectSound(seed, { keyspaces, faults });
    for (const kind of DISK_KINDS) if (faults[kind] > 0) expect(report.faults[kind], kind).toBeGreaterThan(0);
  }
}

describe('five nodes with disks keep every promise', () => {
  test('when what is acknowledged is on disk, and the power is cut', LONG, () => {
    expectSeedsSound(3, [6, 8], parseFaults('disk', onDiskOf([6, 8])) as FaultRates);
  });

  test('under all faults', LONG, () => {
    expectSeedsSound(2, [6], allFaults('all'));
  });

  test('when the last moments may be lost with a node', LONG, () => {
    expectSeedsSound(3, [7], parseFaults('disk', onDiskOf([7])) as FaultRates);
  });

  test('on a ring that changes', LONG, () => {
    expectSeedsSound(1, [6, 7], { ...allFaults('some'), churn: 20 });
  });
});

import { describe, expect, test } from 'vitest';
import { formatReport, simulate } from '../../src/sim/index.ts';

describe('a sloppy keyspace in the simulator', { timeout: 120_000 }, () => {
  test.each([1, 2, 3, 4])('becomes equal again, with stand-ins at work and hints handed over: seed %d', seed => {
    const report = simulate({ seed, durationMs: 20_000, keyspaces: [4] });
    expect(report.violation, formatReport(report)).toBeUndefined();
    expect(report.counters.standInsAsked).toBeGreaterThan(0);
    expect(report.counters.hintsReplayed).toBeGreaterThan(0);
  });
});

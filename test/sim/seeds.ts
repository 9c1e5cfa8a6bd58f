import { expect } from 'vitest';
import { formatReport, type SimulationOptions, type SimulationReport, simulate } from '../../src/sim/index.ts';

/** Long enough for every kind of fault, some of them twice, and short enough for two hundred. */
const DURATION_MS = 20_000;

/** Runs one seed with all faults and expects that nothing is violated; what failed is told with the seed and how to replay it. */
export function expectSound(seed: number, options: Partial<SimulationOptions> = {}): SimulationReport {
  const report = simulate({ seed, durationMs: DURATION_MS, ...options });
  if (report.violation !== undefined) expect.fail(formatReport(report));
  return report;
}

import { expect } from 'vitest';
import {
  DEFAULT_RATES,
  formatReport,
  type SimulationOptions,
  type SimulationReport,
  simulate,
} from '../../src/sim/index.ts';

/** All faults, on a ring that stands still. */
export const STEADY = { ...DEFAULT_RATES, churn: 0 };

/** Long enough for every kind of fault, some of them twice, and short enough for two hundred. */
const DURATION_MS = 20_000;

/** Runs one seed with all faults and expects that nothing is violated; what failed is told with the seed and how to replay it. */
export function expectSound(seed: number, options: Partial<SimulationOptions> = {}): SimulationReport {
  const report = simulate({ seed, durationMs: DURATION_MS, faults: STEADY, ...options });
  if (report.violation !== undefined) expect.fail(formatReport(report));
  return report;
}

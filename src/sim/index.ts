import { checkOptions, DEFAULT_SIMULATION, type SimulationOptions } from './options.ts';
import type { SimulationReport } from './report.ts';
import { Simulation } from './simulation.ts';

export type { ChurnCounts } from './churn.ts';
export {
  allFaults,
  DEFAULT_RATES,
  DISK_KINDS,
  FAULT_KINDS,
  type FaultKind,
  type FaultRates,
  formatFaults,
  NO_FAULTS,
  parseFaults,
} from './faults.ts';
export {
  type DetectionFigures,
  type DetectionOptions,
  type HealthFigures,
  type HealthOptions,
  measureDetection,
  measureIdleBytes,
  quantile,
  watchHealth,
} from './membership-figures.ts';
export { DEFAULT_SIMULATION, LIMITS, onDiskOf, SIMULATED_KEYSPACES, type SimulationOptions } from './options.ts';
export { formatReport, replayCommand, type SimulationReport } from './report.ts';
export { shrinkFaults } from './shrink.ts';
export { SimulatedClient, type SimulatedReply } from './simulated-client.ts';
export { SimulatedCluster, type SimulatedClusterOptions } from './simulated-cluster.ts';
export type { Violation, ViolationKind } from './violation.ts';
export { WORKLOADS, type WorkloadName } from './workload.ts';

/**
 * Runs a cluster of real nodes in a virtual world, with clients and faults, to its end: some ten thousand operations a
 * second of wall time. The same options give the same run, event for event.
 *
 * @throws a RangeError for options that are out of range.
 */
export function simulate(options: Partial<SimulationOptions> = {}): SimulationReport {
  const all = { ...DEFAULT_SIMULATION, ...options };
  checkOptions(all);
  return new Simulation(all).run();
}

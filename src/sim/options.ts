import type { KeyspacePolicy } from '../replication/policy.ts';
import { DEFAULT_RATES, type FaultRates } from './faults.ts';
import type { WorkloadName } from './workload.ts';

/** All that a simulation follows from. */
export interface SimulationOptions {
  readonly seed: number;
  /** 3 to 100. */
  readonly nodes: number;
  /** How many machines there are: with `churn` nodes join on those that are left, and leave. */
  readonly machines: number;
  /** How long clients and faults are at it, in virtual milliseconds; coming up and healing come on top. */
  readonly durationMs: number;
  readonly clients: number;
  /** Different keys in each keyspace. */
  readonly keys: number;
  /** What clients do, of `WORKLOADS`. */
  readonly workload: WorkloadName;
  /** Redis database numbers, of `SIMULATED_KEYSPACES`. */
  readonly keyspaces: readonly number[];
  readonly faults: FaultRates;
  /** Gets a line for each fault and each change of state, with the virtual time. */
  readonly log: ((atMs: number, line: string) => void) | undefined;
}

export const DEFAULT_SIMULATION: SimulationOptions = {
  seed: 1,
  nodes: 5,
  machines: 8,
  durationMs: 60_000,
  clients: 20,
  keys: 40,
  workload: 'mixed',
  keyspaces: [0, 1],
  faults: DEFAULT_RATES,
  log: undefined,
};

const COMMON = { replicas: 3, sloppy: false, readRepair: 'async', maxMemoryBytes: 0 } as const;

/** The keyspaces of the default configuration that there are by now, a sloppy one, and one with blocking read repair. */
export const SIMULATED_KEYSPACES: readonly KeyspacePolicy[] = [
  { ...COMMON, db: 0, name: 'eventual', policy: 'eventual', read: 'one', write: 'one' },
  { ...COMMON, db: 1, name: 'quorum', policy: 'quorum', read: 'quorum', write: 'quorum' },
  { ...COMMON, db: 4, name: 'sloppy', policy: 'quorum', read: 'quorum', write: 'quorum', sloppy: true },
  { ...COMMON, db: 5, name: 'repairing', policy: 'quorum', read: 'quorum', write: 'quorum', readRepair: 'blocking' },
];

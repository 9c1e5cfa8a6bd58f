import type { KeyspacePolicy } from '../replication/policy.ts';
import { DEFAULT_RATES, DISK_KINDS, FAULT_KINDS, type FaultRates, mostOf, type OnDisk } from './faults.ts';
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

/** From and to; all are whole numbers. */
export const LIMITS = {
  seed: [0, Number.MAX_SAFE_INTEGER],
  nodes: [3, 100],
  machines: [3, 100],
  clients: [1, 10_000],
  keys: [4, 10_000],
} as const satisfies Partial<Record<keyof SimulationOptions, readonly [number, number]>>;

/** @throws a RangeError for options that no simulation can follow from. */
export function checkOptions(options: SimulationOptions): void {
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const value = options[name as keyof typeof LIMITS];
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue;
    throw new RangeError(`Cannot simulate with ${name} ${value}: expected a whole number from ${least} to ${most}`);
  }
  const { durationMs, keyspaces, faults } = options;
  if (!(durationMs > 0 && durationMs < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`Cannot simulate for ${durationMs} ms: expected more than 0`);
  }
  const unknown = keyspaces.find(each => !SIMULATED_KEYSPACES.some(({ db }) => db === each));
  if (keyspaces.length === 0 || unknown !== undefined) {
    throw new RangeError(
      `Cannot simulate keyspaces ${keyspaces.join() || 'none'}: expected some of ${SIMULATED_KEYSPACES.map(({ db }) => db).join()}`,
    );
  }
  for (const kind of FAULT_KINDS) {
    const most = mostOf(kind);
    if (faults[kind] >= 0 && faults[kind] <= most) continue;
    throw new RangeError(`Cannot simulate ${kind} at a rate of ${faults[kind]}: expected 0 to ${most}`);
  }
  checkDiskFaults(options);
}

function checkDiskFaults({ keyspaces, faults }: SimulationOptions): void {
  const onDisk = onDiskOf(keyspaces);
  const impossible = DISK_KINDS.find(kind => faults[kind] > 0 && onDisk === 'nothing');
  if (impossible !== undefined) {
    throw new RangeError(`Cannot simulate ${impossible} without a disk: choose a keyspace that has one`);
  }
  if (faults['power-cut'] > 0 && onDisk !== 'all') {
    throw new RangeError('Cannot cut the power: not all keyspaces keep what they acknowledge');
  }
}

/** How much of what these keyspaces acknowledge is on disk by then. */
export function onDiskOf(keyspaces: readonly number[]): OnDisk {
  const chosen = SIMULATED_KEYSPACES.filter(({ db }) => keyspaces.includes(db));
  if (chosen.every(({ durability }) => durability === 'none')) return 'nothing';
  return chosen.every(({ durability }) => durability === 'sync') ? 'all' : 'some';
}

const COMMON = {
  replicas: 3,
  sloppy: false,
  readRepair: 'async',
  durability: 'none',
  maxMemoryBytes: 0,
} as const;

const SYNC = { ...COMMON, durability: 'sync' } as const;
const BATCHED = { ...COMMON, durability: 'batched' } as const;

/** The keyspaces of the default configuration that there are by now, a sloppy one, and one with blocking read repair; then those on disk. */
export const SIMULATED_KEYSPACES: readonly KeyspacePolicy[] = [
  { ...COMMON, db: 0, name: 'eventual', policy: 'eventual', read: 'one', write: 'one' },
  { ...COMMON, db: 1, name: 'quorum', policy: 'quorum', read: 'quorum', write: 'quorum' },
  { ...COMMON, db: 4, name: 'sloppy', policy: 'quorum', read: 'quorum', write: 'quorum', sloppy: true },
  { ...COMMON, db: 5, name: 'repairing', policy: 'quorum', read: 'quorum', write: 'quorum', readRepair: 'blocking' },
  { ...SYNC, db: 6, name: 'sync', policy: 'quorum', read: 'quorum', write: 'quorum' },
  { ...BATCHED, db: 7, name: 'batched', policy: 'quorum', read: 'quorum', write: 'quorum' },
  { ...SYNC, db: 8, name: 'sync-eventual', policy: 'eventual', read: 'one', write: 'one' },
];

import { Command } from 'commander';
import {
  DEFAULT_SIMULATION,
  FAULT_KINDS,
  formatFaults,
  formatReport,
  LIMITS,
  onDiskOf,
  parseFaults,
  replayCommand,
  SIMULATED_KEYSPACES,
  type SimulationOptions,
  type SimulationReport,
  shrinkFaults,
  simulate,
  WORKLOADS,
} from '../sim/index.ts';
import { codeVersion } from './commit.ts';
import { Failure } from './failure.ts';
import type { Shell } from './shell.ts';

const [, MAX_SEED] = LIMITS.seed;

interface Flags {
  readonly nodes: string;
  readonly machines: string;
  readonly seed: string;
  readonly seeds: string;
  readonly minutes: string;
  readonly clients: string;
  readonly keys: string;
  readonly keyspace?: string;
  readonly workload: string;
  readonly faults: string;
  readonly json?: true;
  readonly verbose?: true;
}

/** `coterie simulate`: runs a whole cluster in a virtual world, and fails when a promise was broken. */
export function simulateCommand(shell: Shell): Command {
  return new Command('simulate')
    .summary('run a cluster in virtual time, with faults')
    .description(
      'Runs a cluster of the real node code on a virtual network and clock, with clients and faults, and checks what ' +
        'the cluster promises. One seed is one run, event for event. Exits with 1 when a check fails.',
    )
    .option('--nodes <number>', 'nodes, 3 to 100', String(DEFAULT_SIMULATION.nodes))
    .option(
      '--machines <number>',
      'with churn, how many may be members in the end',
      String(DEFAULT_SIMULATION.machines),
    )
    .option('--seed <number>', 'what everything random follows from', String(DEFAULT_SIMULATION.seed))
    .option('--seeds <number>', 'run so many seeds, from --seed on', '1')
    .option('--minutes <number>', 'virtual minutes', '1')
    .option('--clients <number>', 'clients, each more than 10 operations a second', String(DEFAULT_SIMULATION.clients))
    .option('--keys <number>', 'different keys in each keyspace, 4 to 10000', String(DEFAULT_SIMULATION.keys))
    .option('--keyspace <list>', `only these keyspaces, of ${SIMULATED_KEYSPACES.map(({ db }) => db).join(', ')}`)
    .option('--workload <name>', `what clients do: ${WORKLOADS.join(', ')}`, DEFAULT_SIMULATION.workload)
    .option(
      '--faults <list>',
      `all, none, disk, or some of ${FAULT_KINDS.join(', ')}; kind=rate sets a rate, also after all and disk`,
      'all',
    )
    .option('--json', 'print each report as a line of JSON')
    .option('--verbose', 'print every fault and every change of state as it happens; with --json on stderr')
    .action((flags: Flags) => runSimulations(flags, shell));
}

function runSimulations(flags: Flags, shell: Shell): void {
  const first = toOptions(flags, shell);
  const seeds = toNumber('--seeds', flags.seeds, 1, Math.min(MAX_SEED, MAX_SEED - first.seed + 1), true);
  for (let i = 0; i < seeds; i++) {
    const seed = first.seed + i;
    const startMs = performance.now();
    const report = simulate({ ...first, seed });
    const wallMs = performance.now() - startMs;
    const speed = report.virtualMs / wallMs;
    if (flags.json) shell.out(`${JSON.stringify(toJson(report, wallMs))}\n`);
    else shell.out(`${formatReport(report)}\nspeed          ${speed.toFixed(0)} virtual seconds a second\n`);
    if (report.violation === undefined) continue;
    if (!flags.json) {
      const faults = shrinkFaults(report, simulate);
      shell.out(
        `code: ${codeVersion()}\nfaults that matter: ${formatFaults(faults, onDiskOf(report.options.keyspaces))}\n`,
      );
      shell.out(`replay with these: ${replayCommand({ ...report.options, faults })}\n`);
    }
    throw new Failure(1, `seed ${seed} broke a promise (${report.violation.kind})`);
  }
}

function toOptions(flags: Flags, shell: Shell): SimulationOptions {
  const { keyspace } = flags;
  const dbs = SIMULATED_KEYSPACES.map(({ db }) => db);
  const asked = keyspace === undefined ? DEFAULT_SIMULATION.keyspaces.map(String) : keyspace.split(',');
  const unknown = asked.find(each => !dbs.some(db => String(db) === each));
  if (unknown !== undefined) {
    throw new Failure(2, `--keyspace: ${JSON.stringify(unknown)} is not allowed; expected some of ${dbs.join(', ')}`);
  }
  const keyspaces = dbs.filter(db => asked.includes(String(db)));
  const faults = parseFaults(flags.faults, onDiskOf(keyspaces));
  if (typeof faults === 'string') throw new Failure(2, `--faults: ${faults}`);
  const workload = WORKLOADS.find(name => name === flags.workload);
  if (workload === undefined) {
    throw new Failure(2, `--workload: ${JSON.stringify(flags.workload)} is unknown; expected ${WORKLOADS.join(', ')}`);
  }
  const tell = flags.json ? shell.err : shell.out;
  return {
    seed: toNumber('--seed', flags.seed, ...LIMITS.seed, true),
    nodes: toNumber('--nodes', flags.nodes, ...LIMITS.nodes, true),
    machines: toNumber('--machines', flags.machines, ...LIMITS.machines, true),
    durationMs: Math.round(toNumber('--minutes', flags.minutes, 0.05, 100_000, false) * 60_000),
    clients: toNumber('--clients', flags.clients, ...LIMITS.clients, true),
    keys: toNumber('--keys', flags.keys, ...LIMITS.keys, true),
    keyspaces,
    workload,
    faults,
    log: flags.verbose ? (atMs, line) => tell(`${(atMs / 1000).toFixed(4).padStart(10)}  ${line}\n`) : undefined,
  };
}

function toNumber(flag: string, text: string, least: number, most: number, whole: boolean): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && value <= most && (!whole || Number.isSafeInteger(value))) return value;
  const kind = whole ? 'a whole number' : 'a number';
  throw new Failure(2, `${flag}: ${JSON.stringify(text)} is not allowed; expected ${kind} from ${least} to ${most}`);
}

function toJson(report: SimulationReport, wallMs: number): object {
  const { log: _, ...options } = report.options;
  return { ...report, options, violation: report.violation ?? null, wallMs: Math.round(wallMs) };
}

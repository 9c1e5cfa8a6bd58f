/**
 * Simulations for hours: many seeds of a small cluster, some of a large one, on all processors. Prints a table for
 * docs/reliability.md, and ends with 1 at the first violation, with the seed.
 *
 *     npm run simulate:soak -- [--seeds 2000] [--nodes 5] [--minutes 5] [--from 1] [--keyspace 0,1] [--faults all] [--machines 12]
 *
 * Without flags: 2,000 seeds of 5 nodes for 5 virtual minutes, then 20 of 100 nodes for 10.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import type { ChurnCounts, SimulationReport } from '../src/sim/index.ts';
import { numberFlag, orRefuse, readFlags } from './harness/flags.ts';

interface Plan {
  readonly nodes: number;
  readonly seeds: number;
  readonly minutes: number;
}

interface Totals {
  runs: number;
  virtualMs: number;
  operations: number;
  acknowledged: number;
  checked: number;
  faults: number;
  churn: ChurnCounts;
  largestRing: number;
  /** Seeds in which the ring grew to all machines, and in which it then shrunk to as few owners as may be. */
  grew: number;
  shrank: number;
  longestConvergenceMs: number;
  longestSettlingMs: number;
  processorMs: number;
}

/** What `simulate --json` says of a seed. */
type TimedReport = Omit<SimulationReport, 'violation'> & { readonly violation: object | null; readonly wallMs: number };

/** A process that runs more is hardly any quicker, and fewer are lost with one that is stopped. */
const SEEDS_A_PROCESS = 10;

const flags = readFlags({
  seeds: { type: 'string' },
  nodes: { type: 'string' },
  minutes: { type: 'string' },
  from: { type: 'string', default: '1' },
  keyspace: { type: 'string', default: '0,1' },
  faults: { type: 'string', default: 'all' },
  machines: { type: 'string' },
});
const shared = ['--keyspace', flags.keyspace, '--faults', flags.faults];
if (flags.machines !== undefined) shared.push('--machines', flags.machines);
const running = new Set<ChildProcess>();
const from = orRefuse(() => numberFlag('from', flags.from, 0, Number.MAX_SAFE_INTEGER));
const plans: readonly Plan[] = orRefuse(() => {
  const { nodes, seeds, minutes } = flags;
  if (nodes === undefined && seeds === undefined && minutes === undefined) {
    return [
      { nodes: 5, seeds: 2_000, minutes: 5 },
      { nodes: 100, seeds: 20, minutes: 10 },
    ];
  }
  return [
    {
      nodes: numberFlag('nodes', nodes ?? '5', 3, 100),
      seeds: numberFlag('seeds', seeds ?? '100', 1, 1_000_000),
      minutes: numberFlag('minutes', minutes ?? '5', 0.05, 100_000),
    },
  ];
});

console.log(
  '| nodes | seeds | virtual time | operations | writes acknowledged | answers checked | faults | joins, leaves, forgets, replacements | largest ring | grew to all machines, and shrunk again | replicas equal after, longest | nodes whole after, longest | violations |',
);
console.log(`|${' ---: |'.repeat(13)}`);
for (const each of plans) {
  const totals = await soak(each);
  const hours = `${(totals.virtualMs / 3_600_000).toFixed(1)} h`;
  const counts = [totals.operations, totals.acknowledged, totals.checked, totals.faults].map(count =>
    count.toLocaleString('en'),
  );
  const { join, leave, forget, replace } = totals.churn;
  const changes = [join, leave, forget, replace].map(count => count.toLocaleString('en')).join(', ');
  const rings = [changes, totals.largestRing, `${totals.grew}, ${totals.shrank} seeds`];
  const times = [totals.longestConvergenceMs, totals.longestSettlingMs].map(ms => `${(ms / 1000).toFixed(1)} s`);
  console.log(
    `| ${[each.nodes, `${from}–${from + each.seeds - 1}`, hours, ...counts, ...rings, ...times, 0].join(' | ')} |`,
  );
  console.error(`${(totals.virtualMs / totals.processorMs).toFixed(1)} virtual seconds a processor second`);
}

/** Runs the seeds on as many processes as there are processors, several in each: its code is quick only when it has run for a while. */
async function soak({ nodes, seeds, minutes }: Plan): Promise<Totals> {
  const totals: Totals = {
    runs: 0,
    virtualMs: 0,
    operations: 0,
    acknowledged: 0,
    checked: 0,
    faults: 0,
    churn: { join: 0, leave: 0, forget: 0, replace: 0 },
    largestRing: 0,
    grew: 0,
    shrank: 0,
    longestConvergenceMs: 0,
    longestSettlingMs: 0,
    processorMs: 0,
  };
  const processors = availableParallelism();
  const atOnce = Math.min(SEEDS_A_PROCESS, Math.ceil(seeds / processors));
  let next = from;
  const heard = (report: TimedReport): void => {
    add(totals, report);
    if (totals.runs % 10 === 0) console.error(`${totals.runs} of ${seeds} seeds`);
  };
  const worker = async (): Promise<void> => {
    while (next < from + seeds) {
      const count = Math.min(atOnce, from + seeds - next);
      const args = ['--nodes', nodes, '--seed', next, '--seeds', count, '--minutes', minutes].map(String);
      next += count;
      await run([...args, ...shared], heard);
    }
  };
  await Promise.all(Array.from({ length: processors }, worker));
  return totals;
}

/** @param heard is told of each seed as it ends. */
function run(args: readonly string[], heard: (report: TimedReport) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['src/main.ts', 'simulate', ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.add(child);
    let report: TimedReport | undefined;
    createInterface({ input: child.stdout }).on('line', line => {
      report = JSON.parse(line) as TimedReport;
      if (report.violation === null) heard(report);
    });
    child.on('close', code => {
      running.delete(child);
      if (code === 0 && report !== undefined) return resolve();
      for (const other of running) other.kill();
      const story = [JSON.stringify(report?.violation), ...(report?.story ?? [])];
      reject(new Error(`simulate ${args.join(' ')} failed, seed ${report?.options.seed} last: ${story.join('\n')}`));
    });
  });
}

function add(totals: Totals, report: TimedReport): void {
  totals.runs++;
  totals.virtualMs += report.virtualMs;
  totals.operations += Object.values(report.operations).reduce((sum, count) => sum + count, 0);
  totals.acknowledged += report.acknowledgedWrites;
  totals.checked += report.answersChecked;
  totals.faults += Object.values(report.faults).reduce((sum, count) => sum + count, 0);
  for (const kind of Object.keys(totals.churn) as (keyof ChurnCounts)[]) totals.churn[kind] += report.churn[kind];
  totals.largestRing = Math.max(totals.largestRing, report.owners.most);
  if (report.tides > 0) totals.grew++;
  if (report.tides > 1) totals.shrank++;
  totals.longestConvergenceMs = Math.max(totals.longestConvergenceMs, report.convergenceMs);
  totals.longestSettlingMs = Math.max(totals.longestSettlingMs, report.settlingMs);
  totals.processorMs += report.wallMs;
}

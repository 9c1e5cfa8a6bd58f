import type { Latencies, LoadPlan, LoadResult } from './load-plan.ts';
import { type Machine, machineLine } from './machine.ts';
import { grouped, markdownTable, mib, percent } from './report.ts';
import { isBounded, noiseWhenSlow, type Watched } from './watch.ts';

/** The 99th percentile of the small operations has to stay under this. */
const TARGET_P99_MS = 500;
/** What is called slow where it is asked whether others on the machine were the cause. */
const SLOW_MS = 100;

export interface LoadRun {
  readonly plan: Omit<LoadPlan, 'ports'>;
  readonly result: LoadResult;
  readonly watched: Watched;
  readonly noise: number;
  readonly command: string;
  readonly machine: Machine;
}

/** A run of `bench:load` in Markdown. */
export function loadReport({ plan, result, watched, noise, command, machine }: LoadRun): string {
  const { latencies } = result;
  const latencyTable = markdownTable(
    ['operations', 'answered', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms'],
    [
      latencyRow('small, all', latencies.small),
      latencyRow('small reads', latencies.smallReads),
      latencyRow('small writes', latencies.smallWrites),
      latencyRow('large reads', latencies.largeReads),
      latencyRow('large writes', latencies.largeWrites),
    ],
  );
  const memoryTable = markdownTable(
    ['resident memory', 'at the start', 'median of the last third', 'most', 'bounded'],
    Object.entries(watched.residentBytes).map(([name, series]) => [
      name,
      mib(series[0]!),
      mib(series.slice(-Math.ceil(series.length / 3)).toSorted((a, b) => a - b)[Math.floor(series.length / 6)]!),
      mib(Math.max(...series)),
      isBounded(series) ? 'yes' : '**no**',
    ]),
  );
  const offered = `${grouped(plan.connections)} connections, ${grouped(plan.rate)} operations a second offered`;
  const answered = `${grouped(result.answered / result.elapsedSeconds)} a second answered`;
  const p99 = latencies.small.p99Ms;
  const slow = noiseWhenSlow(result, watched.noise, SLOW_MS);
  const share = (value: number | undefined) => (value === undefined ? '–' : percent(value));
  const lines = [
    `Keyspace ${plan.db}: ${offered}, ${answered}, for ${plan.seconds} s.`,
    latencyTable,
    `p99 of the small ones: ${p99.toFixed(1)} ms; target: under ${TARGET_P99_MS} ms; ${p99 < TARGET_P99_MS ? 'met' : '**missed**'}.`,
    memoryTable,
    `Members not called alive in ${grouped(watched.polls)} polls and the nodes' logs: ${listed(watched.notAlive)}.`,
    `Polls without an answer: ${listed(watched.failedPolls)}. Errors: ${listed(result.errors)}.`,
    `The clients' own event loop was late by ${result.clientDelay.p99Ms.toFixed(1)} ms at p99 and ` +
      `${result.clientDelay.maxMs.toFixed(1)} ms at most. Others used ${percent(noise)} of the machine: ${share(slow.slow)} in the ` +
      `${slow.slowSeconds} seconds in which a small operation took more than ${SLOW_MS} ms, ${share(slow.rest)} in the others.`,
    `\`${command}\`. ${machineLine(machine)}`,
  ];
  return lines.join('\n\n');
}

function latencyRow(name: string, { count, p50Ms, p99Ms, p999Ms, maxMs }: Latencies): string[] {
  return [name, grouped(count), ...[p50Ms, p99Ms, p999Ms, maxMs].map(ms => ms.toFixed(1))];
}

function listed(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts);
  return entries.length === 0 ? 'none' : entries.map(([what, times]) => `${what} (${grouped(times)} ×)`).join('; ');
}

import type { ReplicationCounters } from '../replication/counters.ts';
import type { Availability, Condition } from './checkers/availability.ts';
import type { RingSizes } from './checkers/epochs.ts';
import type { ChurnCounts } from './churn.ts';
import { DISK_KINDS, FAULT_KINDS, type FaultCounts, type FaultKind, formatFaults } from './faults.ts';
import { type OperationOutcome, OUTCOMES } from './operation.ts';
import { DEFAULT_SIMULATION, onDiskOf, type SimulationOptions } from './options.ts';
import type { Violation } from './violation.ts';

/** The counters of all nodes together, those of processes that crashed too. */
export type CounterTotals = Record<keyof ReplicationCounters, number>;

/** What a simulation came to. Times are virtual milliseconds. */
export interface SimulationReport {
  readonly options: SimulationOptions;
  /** Undefined when all was well. */
  readonly violation: Violation | undefined;
  /** What led to the violation, a line for each operation on its key and each fault. */
  readonly story: readonly string[];
  readonly virtualMs: number;
  /** Hash over every event; equal for equal options. */
  readonly trace: string;
  readonly events: number;
  readonly messages: number;
  readonly operations: Readonly<Record<OperationOutcome, number>>;
  readonly acknowledgedWrites: number;
  /** Answers that were held against what quorums promise. */
  readonly answersChecked: number;
  /** Times that an acknowledged write of a keyspace without quorums that meet was looked for in the end: it, or something newer, was there. */
  readonly writesFoundAgain: number;
  readonly writesSeenInStores: number;
  readonly faults: Readonly<FaultCounts>;
  /** Changes of the ring that were begun; all of them came to their end. */
  readonly churn: Readonly<ChurnCounts>;
  /** How often the ring has grown to all machines, or from there shrunk to as few owners as may be. */
  readonly tides: number;
  /** How many owners the ring has had. */
  readonly owners: RingSizes;
  /** The ring epoch that the cluster came to. */
  readonly epoch: number;
  readonly counters: Readonly<CounterTotals>;
  readonly availability: Readonly<Record<Condition, Availability>>;
  /** The longest that replicas took to become equal after the last fault and write of a round. */
  readonly convergenceMs: number;
  /** The longest that nodes took to see each other alive and whole again. */
  readonly settlingMs: number;
  /** The longest by which a storm had to be prolonged until every kind of fault had come. */
  readonly overtimeMs: number;
  /** The longest that it then took until no tombstones were left. */
  readonly collectionMs: number;
  /** Keys that were seen deleted at all replicas and then gone from all of them. */
  readonly collected: number;
  readonly rounds: number;
}

/** The command that runs the same simulation again. */
export function replayCommand({
  seed,
  nodes,
  machines,
  clients,
  keyspaces,
  faults,
  keys,
  workload,
  durationMs,
}: SimulationOptions): string {
  const minutes = durationMs / 60_000;
  const isUsual = keyspaces.join() === DEFAULT_SIMULATION.keyspaces.join();
  const keyspace = isUsual ? '' : ` --keyspace ${keyspaces.join()}`;
  const mix = workload === DEFAULT_SIMULATION.workload ? '' : ` --workload ${workload}`;
  const most = faults.churn === 0 || machines === DEFAULT_SIMULATION.machines ? '' : ` --machines ${machines}`;
  return (
    `npm run -s coterie -- simulate --nodes ${nodes}${most} --seed ${seed} --minutes ${minutes}${keyspace}` +
    ` --clients ${clients} --keys ${keys}${mix} --faults ${formatFaults(faults, onDiskOf(keyspaces))}`
  );
}

/** The report for people. */
export function formatReport(report: SimulationReport): string {
  const { options, operations, faults, counters, availability, violation } = report;
  const lines = [
    `seed ${options.seed}: ${options.nodes} nodes, ${options.clients} clients, ${seconds(report.virtualMs)} virtual, ${report.rounds} rounds`,
    `operations     ${OUTCOMES.map(outcome => `${operations[outcome]} ${outcome}`).join(', ')}; ${report.acknowledgedWrites} writes acknowledged`,
    `checked        ${report.answersChecked} answers against what was acknowledged, ${report.writesFoundAgain} writes looked for in the end, ${report.writesSeenInStores} seen in stores`,
    `availability   ${share('fault-free', availability['fault-free'])}, ${share('one down', availability['one-down'])}`,
    `faults         ${kindsOf(options)
      .map(kind => `${faults[kind]} ${kind}`)
      .join(', ')}`,
    `ring           epoch ${report.epoch}; ${ownersOf(report)}; ${churnLine(report.churn)}; ${counters.slotsArrived} slots merged by new owners, ${counters.recordsHandedOver} records handed over`,
    `replication    ${counters.quorumReads} quorum reads, ${counters.quorumWrites} quorum writes, ${counters.forwarded} forwarded, ${counters.restamps} restamps, ${counters.resends} resends, ${counters.forwardCopiesDropped} copies dropped`,
    `repair         ${counters.readRepairs} read repairs, ${counters.syncRounds} rounds of anti-entropy (${counters.syncRoundsEqual} equal), ${counters.syncRecords} records synced, ${counters.slotsRefilled} slots refilled`,
    `deletions      ${counters.tombstonesProposed} tombstones proposed, ${counters.tombstonesCollected} collected, ${counters.tombstonesRefused} refused, ${counters.fences} fences; ${report.collected} keys seen to go`,
    `hints          ${counters.hintsNoted} noted, ${counters.hintsReplayed} handed over, ${counters.hintsExpired} too old, ${counters.hintsOverflowed} too many, ${counters.standInsAsked} stand-ins asked`,
    `healing        replicas equal after ${seconds(report.convergenceMs)}, nodes whole after ${seconds(report.settlingMs)}, storms prolonged by ${seconds(report.overtimeMs)}, tombstones gone after ${seconds(report.collectionMs)} (longest)`,
    `trace          ${report.trace} over ${report.events} events, ${report.messages} messages`,
  ];
  if (violation !== undefined) lines.push('', ...violationLines(report, violation));
  return lines.join('\n');
}

/** The kinds that are possible. */
function kindsOf({ keyspaces }: SimulationOptions): readonly FaultKind[] {
  if (onDiskOf(keyspaces) !== 'nothing') return FAULT_KINDS;
  return FAULT_KINDS.filter(kind => !DISK_KINDS.some(each => each === kind));
}

function ownersOf({ owners: { least, most }, tides }: SimulationReport): string {
  return least === most ? `${most} owners` : `${least} to ${most} owners, ${tides} tides`;
}

function churnLine({ join, leave, forget, replace }: ChurnCounts): string {
  return `${join} joins, ${leave} leaves, ${forget} forgotten, ${replace} replaced`;
}

function violationLines(report: SimulationReport, { kind, what }: Violation): string[] {
  return [
    ...report.story,
    '',
    `VIOLATION (${kind}) with seed ${report.options.seed}: ${what}`,
    `replay: ${replayCommand(report.options)}`,
  ];
}

function share(name: string, { operations, failed }: Availability): string {
  if (operations === 0) return `${name} not measured`;
  return `${name} ${(100 * (1 - failed / operations)).toFixed(3)} % of ${operations}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/**
 * How soon membership notices a silent node, whether it ever accuses a healthy one, and what it costs: `Swim` alone on a
 * virtual network. See docs/failure-detection.md.
 *
 *     npm run simulate:membership [-- --nodes 100 --crashes 100 --hours 24 --seed 1] [--json FILE] [--markdown]
 */
import {
  type DetectionFigures,
  type HealthFigures,
  measureDetection,
  measureIdleBytes,
  quantile,
  watchHealth,
} from '../src/sim/membership-figures.ts';
import { commandLine, numberFlag, orRefuse, readFlags } from './harness/flags.ts';
import { describeMachine, machineLine } from './harness/machine.ts';
import { grouped, markdownTable, writeDocs, writeJson } from './harness/report.ts';

const SCRIPT = 'simulate:membership';
/** Virtual milliseconds: the median until the first suspects, and the longest until all hold it dead. */
const SUSPECTED_WITHIN_MS = 2_500;
const DEAD_WITHIN_MS = 6_000;
/** A second and node, at every size. */
const IDLE_BYTES = 1_000;
const IDLE_SIZES = [10, 30, 100];
/** Virtual seconds a second of processor time. */
const SPEED = 100;
const LOSS = 0.01;
const STALLING = 5;
const MAX_STALL_MS = 3_000;

const flags = readFlags({
  nodes: { type: 'string', default: '100' },
  crashes: { type: 'string', default: '100' },
  hours: { type: 'string', default: '24' },
  seed: { type: 'string', default: '1' },
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
});
const nodes = orRefuse(() => numberFlag('nodes', flags.nodes, STALLING, 1_000));
const crashes = orRefuse(() => numberFlag('crashes', flags.crashes, 1, 1e6));
const hours = orRefuse(() => numberFlag('hours', flags.hours, 0.01, 1e6));
const seed = orRefuse(() => numberFlag('seed', flags.seed, 0, 2 ** 32));

const machine = describeMachine();
const idle = IDLE_SIZES.map(size => ({ nodes: size, bytes: measureIdleBytes(size, seed) }));
const detection = measureDetection({ nodes, seed, crashes });
const startedSeconds = processorSeconds();
const tellHours = (done: number): void => void process.stderr.write(`${done} of ${hours} virtual hours\n`);
const health = watchHealth({ nodes, seed, hours, loss: LOSS, stalling: STALLING, maxStallMs: MAX_STALL_MS }, tellHours);
const healthSeconds = processorSeconds() - startedSeconds;

const table = markdownTable(
  ['', 'figure', 'target', ''],
  [...detectionRows(detection), ...healthRows(health, (hours * 3_600) / healthSeconds), ...idleRows()],
);
const command = commandLine(SCRIPT);
const text = `${table}\n\n\`${command}\`. ${machineLine(machine)}`;
process.stdout.write(`${text}\n`);
writeJson('membership', flags.json, { command, machine, nodes, seed, idle, detection, hours, health, healthSeconds });
if (flags.markdown) writeDocs(new Map([['membership', text]]), 'failure-detection.md');

function detectionRows({ suspectedMs, deadEverywhereMs }: DetectionFigures): string[][] {
  const [median, longest] = [quantile(suspectedMs, 0.5), quantile(deadEverywhereMs, 1)];
  return [
    row(
      `${nodes} nodes, ${crashes} silent crashes: suspected by the first, median; p90; longest`,
      `${seconds(median)}; ${seconds(quantile(suspectedMs, 0.9))}; ${seconds(quantile(suspectedMs, 1))}`,
      `median under ${seconds(SUSPECTED_WITHIN_MS)}`,
      median < SUSPECTED_WITHIN_MS,
    ),
    row(
      'held dead by all others, median; p90; longest',
      `${seconds(quantile(deadEverywhereMs, 0.5))}; ${seconds(quantile(deadEverywhereMs, 0.9))}; ${seconds(longest)}`,
      `longest within ${seconds(DEAD_WITHIN_MS)}`,
      longest <= DEAD_WITHIN_MS,
    ),
  ];
}

function healthRows({ stalls, messages, suspicions, deaths }: HealthFigures, speed: number): string[][] {
  return [
    row(
      `false deaths in ${hours} virtual hours, ${nodes} nodes, 1 % loss, ${STALLING} nodes stalling for up to 3 s`,
      `${deaths} (${grouped(stalls)} stalls, ${grouped(suspicions)} suspicions contradicted, ${grouped(messages)} messages)`,
      'none',
      deaths === 0,
    ),
    row('virtual seconds a second of processor time, there', grouped(speed), `at least ${SPEED}`, speed >= SPEED),
  ];
}

function idleRows(): string[][] {
  return idle.map(({ nodes: size, bytes }) =>
    row(`idle gossip of each of ${size} nodes`, `${grouped(bytes)} B/s`, `under ${IDLE_BYTES} B/s`, bytes < IDLE_BYTES),
  );
}

function row(what: string, figure: string, target: string, met: boolean): string[] {
  return [what, figure, target, met ? 'met' : '**missed**'];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

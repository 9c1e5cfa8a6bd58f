/**
 * How long a node with a million keys on disk takes from the start of its process until it answers: see docs/benchmarks.md.
 *
 *     npm run bench:restart [-- --keys 1000000 --value-bytes 64 --rounds 3] [--json FILE] [--markdown]
 */
import { join } from 'node:path';
import { ask } from '../src/cli/resp-client.ts';
import { untilReady } from './harness/contestant.ts';
import { benchmarkKey, fill } from './harness/fill.ts';
import { commandLine, numberFlag, orRefuse, readFlags } from './harness/flags.ts';
import { freePorts } from './harness/free-ports.ts';
import { describeMachine, machineLine } from './harness/machine.ts';
import { processorSeconds } from './harness/proc.ts';
import { grouped, markdownTable, writeDocs, writeJson } from './harness/report.ts';
import type { ServerProcess } from './harness/server-process.ts';
import { startNode } from './harness/start-coterie.ts';
import { median } from './harness/statistics.ts';
import { temporaryDirectory } from './harness/temporary-directory.ts';

/** Seconds, for a million keys. */
const TARGET_SECONDS = 5;
const ASK_TIMEOUT_MS = 60_000;

interface Restart {
  readonly seconds: number;
  readonly processorSeconds: number;
}

const flags = readFlags({
  keys: { type: 'string', default: '1000000' },
  'value-bytes': { type: 'string', default: '64' },
  rounds: { type: 'string', default: '3' },
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
});
const keys = orRefuse(() => numberFlag('keys', flags.keys, 1, 1e8));
const valueBytes = orRefuse(() => numberFlag('value-bytes', flags['value-bytes'], 0, 1e6));
const rounds = orRefuse(() => numberFlag('rounds', flags.rounds, 1, 100));

const machine = describeMachine();
const [port, busPort] = await freePorts(2);
const directory = join(temporaryDirectory(), 'n1');
const results: Restart[] = [];
let server = start();
await untilReady(server, async () => (await answer(server, 'DBSIZE')) === 0);
process.stderr.write(`filling with ${keys} keys …\n`);
await fill({ port: server.port, db: 0, keys, valueBytes, keyOf: benchmarkKey });
await answer(server, 'SAVE').catch(() => {});
for (let round = 1; round <= rounds; round++) {
  await server.kill();
  const startedMs = performance.now();
  server = start();
  await untilAnswers(server);
  const seconds = (performance.now() - startedMs) / 1000;
  results.push({ seconds, processorSeconds: processorSeconds(server.pid) });
  process.stderr.write(`round ${round}: ${seconds.toFixed(2)} s\n`);
}
await server.stop();

const seconds = median(results.map(result => result.seconds));
const row = [
  grouped(keys),
  `${seconds.toFixed(2)} s`,
  `${Math.min(...results.map(result => result.seconds)).toFixed(2)}–${Math.max(...results.map(result => result.seconds)).toFixed(2)} s`,
  `${median(results.map(result => result.processorSeconds)).toFixed(2)} s`,
];
const verdict = `Target for a million keys: under ${TARGET_SECONDS} s; ${seconds < TARGET_SECONDS ? 'met' : '**missed**'}.`;
const table = markdownTable(['keys', 'until it answers', 'min–max', 'processor time'], [row]);
const text = `${table}\n\n${verdict}\n\n\`${commandLine('bench:restart')}\`. ${machineLine(machine)}`;
process.stdout.write(`${text}\n`);
writeJson('restart', flags.json, { command: commandLine('bench:restart'), machine, keys, valueBytes, results });
if (flags.markdown) writeDocs(new Map([['restart', text]]));
process.exit(0);

function start(): ServerProcess {
  return startNode(port!, busPort!, ['--name', 'n1', '--data-dir', directory]);
}

/** The first answer to a read is that of a node that has everything. */
async function untilAnswers(to: ServerProcess): Promise<void> {
  await untilReady(to, async () => (await answer(to, 'DBSIZE')) === keys);
}

async function answer(to: ServerProcess, ...command: string[]): Promise<unknown> {
  const [reply] = await ask({ host: '127.0.0.1', port: to.port }, [command], ASK_TIMEOUT_MS);
  if (reply instanceof Error) throw reply;
  return reply;
}

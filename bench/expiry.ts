/**
 * Whether memory comes back when a million keys expire that nobody reads: see docs/benchmarks.md.
 *
 *     npm run bench:expiry [-- --keys 1000000 --ttl 30] [--json FILE] [--markdown]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from './harness/contestant.ts';
import { benchmarkKey, fill } from './harness/fill.ts';
import { commandLine, numberFlag, orRefuse, readFlags } from './harness/flags.ts';
import { describeMachine, machineLine } from './harness/machine.ts';
import { memoryOf, residentAtRest } from './harness/proc.ts';
import { grouped, markdownTable, mib, writeDocs, writeJson } from './harness/report.ts';
import { startCoterie } from './harness/start-coterie.ts';

const VALUE_BYTES = 64;
const POLL_MS = 20;

const flags = readFlags({
  keys: { type: 'string', default: '1000000' },
  ttl: { type: 'string', default: '30' },
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
});
const keys = orRefuse(() => numberFlag('keys', flags.keys, 1, 1e8));
const ttlSeconds = orRefuse(() => numberFlag('ttl', flags.ttl, 1, 3_600));

const machine = describeMachine();
const coterie = await startCoterie(1);
const server = coterie.servers[0]!;
await coterie.rest();
const emptyBytes = memoryOf(server.pid).residentBytes;
await fill({ port: server.port, db: 0, keys, valueBytes: VALUE_BYTES, keyOf: benchmarkKey, ttlSeconds });
const filledAtMs = performance.now();
const filledBytes = memoryOf(server.pid).residentBytes;
if ((await command(server, 'DBSIZE')) !== keys)
  throw new Error('Keys have expired before all were there: give a longer --ttl');

let slowestReplyMs = 0;
for (;;) {
  const askedMs = performance.now();
  const left = await command(server, 'DBSIZE');
  slowestReplyMs = Math.max(slowestReplyMs, performance.now() - askedMs);
  if (left === 0) break;
  if (askedMs - filledAtMs > (ttlSeconds + 60) * 1000)
    throw new Error(`${left} keys are left a minute after they expired`);
  await sleep(POLL_MS);
}
const goneAfterMs = performance.now() - filledAtMs - ttlSeconds * 1000;
const leftBytes = await residentAtRest(server.pid);
await coterie.stop();

const table = markdownTable(
  [
    'resident, empty',
    `${grouped(keys)} keys`,
    'all expired',
    'given back',
    'last key gone after its time',
    'slowest reply meanwhile',
  ],
  [
    [
      mib(emptyBytes),
      mib(filledBytes),
      mib(leftBytes),
      `${((100 * (filledBytes - leftBytes)) / (filledBytes - emptyBytes)).toFixed(0)} %`,
      `${(goneAfterMs / 1000).toFixed(1)} s`,
      `${slowestReplyMs.toFixed(1)} ms`,
    ],
  ],
);
const text = `${table}\n\n\`${commandLine('bench:expiry')}\`. ${machineLine(machine)}`;
process.stdout.write(`${text}\n`);
const figures = { emptyBytes, filledBytes, leftBytes, goneAfterMs, slowestReplyMs };
writeJson('expiry', flags.json, { command: commandLine('bench:expiry'), machine, keys, ttlSeconds, ...figures });
if (flags.markdown) writeDocs(new Map([['expiry', text]]));
process.exit(0);

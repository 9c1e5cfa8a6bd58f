/**
 * What a million keys of 16 bytes with values of 64 take in memory, in one node of coterie and in Redis: see
 * docs/benchmarks.md.
 *
 *     npm run bench:memory [-- --keys 1000000 --value-bytes 64] [--json FILE] [--markdown]
 */
import { type Contestant, command } from './harness/contestant.ts';
import { benchmarkKey, fill } from './harness/fill.ts';
import { commandLine, numberFlag, orRefuse, readFlags } from './harness/flags.ts';
import { describeMachine, machineLine } from './harness/machine.ts';
import { memoryOf, residentAtRest } from './harness/proc.ts';
import { grouped, markdownTable, mib, writeDocs, writeJson } from './harness/report.ts';
import { startCoterie } from './harness/start-coterie.ts';
import { requireRedis, startRedis } from './harness/start-redis.ts';

/** Coterie ÷ Redis, to stay under. */
const TARGET = 3;

interface Footprint {
  readonly emptyBytes: number;
  readonly filledBytes: number;
  readonly peakBytes: number;
}

const flags = readFlags({
  keys: { type: 'string', default: '1000000' },
  'value-bytes': { type: 'string', default: '64' },
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
});
const keys = orRefuse(() => numberFlag('keys', flags.keys, 1, 1e8));
const valueBytes = orRefuse(() => numberFlag('value-bytes', flags['value-bytes'], 0, 1e6));
requireRedis();

const machine = describeMachine();
const coterie = await measure(await startCoterie(1));
const redis = await measure(await startRedis(0));
const ratio = coterie.filledBytes / redis.filledBytes;
const row = (name: string, { emptyBytes, filledBytes, peakBytes }: Footprint) => [
  name,
  mib(emptyBytes),
  mib(filledBytes),
  mib(peakBytes),
  grouped((filledBytes - emptyBytes) / keys),
];
const table = markdownTable(
  ['', 'resident, empty', `resident, ${grouped(keys)} keys`, 'at its peak', 'bytes a key'],
  [row('coterie', coterie), row('Redis', redis)],
);
const verdict = `coterie ÷ Redis: ${ratio.toFixed(2)}; target: under ${TARGET}; ${ratio < TARGET ? 'met' : '**missed**'}.`;
const text = `${table}\n\n${verdict}\n\n\`${commandLine('bench:memory')}\`. ${machineLine(machine)}`;
process.stdout.write(`${text}\n`);
writeJson('memory', flags.json, {
  command: commandLine('bench:memory'),
  machine,
  keys,
  valueBytes,
  coterie,
  redis,
  ratio,
});
if (flags.markdown) writeDocs(new Map([['memory', text]]));
process.exit(0);

/** Fills one server, and ends it. */
async function measure(contestant: Contestant): Promise<Footprint> {
  process.stderr.write(`filling ${contestant.name} with ${keys} keys …\n`);
  const server = contestant.servers[0]!;
  await contestant.rest();
  const emptyBytes = memoryOf(server.pid).residentBytes;
  await fill({ port: server.port, db: 0, keys, valueBytes, keyOf: benchmarkKey });
  const held = await command(server, 'DBSIZE');
  if (held !== keys) throw new Error(`${contestant.name} holds ${held} keys of ${keys}`);
  const filledBytes = await residentAtRest(server.pid);
  const { peakBytes } = memoryOf(server.pid);
  await contestant.stop();
  return { emptyBytes, filledBytes, peakBytes };
}

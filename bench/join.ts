/**
 * How long a fourth node takes to join three that hold a million keys, how much it moves, and what clients notice: see
 * docs/benchmarks.md.
 *
 *     npm run bench:join [-- --keys 1000000 --transfer-rate 16mb --load 2000] [--json FILE] [--markdown]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { listNodes, type NodeEntry } from '../src/cli/node-list.ts';
import { Contestant, command } from './harness/contestant.ts';
import { benchmarkKey, fill } from './harness/fill.ts';
import { commandLine, numberFlag, orRefuse, readFlags } from './harness/flags.ts';
import type { LoadPlan } from './harness/load-plan.ts';
import { smallKey } from './harness/load-plan.ts';
import { describeMachine, machineLine } from './harness/machine.ts';
import { Noise } from './harness/noise.ts';
import { grouped, markdownTable, mib, percent, writeDocs, writeJson } from './harness/report.ts';
import { addCoterie, startCoterie } from './harness/start-coterie.ts';
import { startLoad } from './harness/start-load.ts';

const DB = 1;
const VALUE_BYTES = 64;
/** What a record counts as when it is moved (`replication/slot-pages.ts`), besides its key and value. */
const RECORD_BYTES = 64;
const POLL_MS = 100;
/** The members' word is taken for it that nothing moves when it has been so for so long: they are asked every two seconds. */
const QUIET_MS = 5_000;
/** The clients' and the nodes' code gets warm; then the nodes are measured with nothing to move. */
const WARM_SECONDS = 10;
const REST_SECONDS = 20;
/** No load outlives it: the join should be over long before. */
const LOAD_SECONDS = 900;
const SMALL_KEYS = 10_000;

const flags = readFlags({
  keys: { type: 'string', default: '1000000' },
  'transfer-rate': { type: 'string', default: '16mb' },
  load: { type: 'string', default: '2000' },
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
});
const keys = orRefuse(() => numberFlag('keys', flags.keys, 1, 1e8));
const rate = orRefuse(() => numberFlag('load', flags.load, 1, 1e6));

const machine = describeMachine();
const cluster = await startCoterie(3);
await fill({ port: cluster.port, db: DB, keys, valueBytes: VALUE_BYTES, keyOf: benchmarkKey });
await fill({ port: cluster.port, db: DB, keys: SMALL_KEYS, valueBytes: VALUE_BYTES, keyOf: smallKey });
await cluster.rest();

const noise = new Noise(cluster.pids);
const load = await startLoad(plan());
noise.add(load.pid);
await sleep(WARM_SECONDS * 1000);
load.order('next phase');
await sleep(REST_SECONDS * 1000);
load.order('next phase');
const startedMs = performance.now();
const joiner = await addCoterie(cluster, ['--transfer-rate', flags['transfer-rate']]);
noise.add(joiner.pid);
await until(async () => {
  const nodes = await members();
  // A change that was over between two looks has moved slots, too.
  return nodes.some(node => node.get('ring') === 'joining') || nodes.filter(isMember).length === 4;
});
load.order('next phase');
const secondsToOwn = ((await untilOwned()) - startedMs) / 1000;
load.order('next phase');
const secondsInAll = ((await untilHandedOver()) - startedMs) / 1000;
const noiseShare = noise.share();
load.order('end');
const { phases, errors: errorCounts } = await load.result;
const [, atRest, starting, moving] = phases;
const movedBytes = await transferred();
const held = Number(await keysAt());
const least = held * (RECORD_BYTES + benchmarkKey(0).length + VALUE_BYTES);
const all = new Contestant('coterie', [...cluster.servers, joiner]);
await all.stop();

const errors = Object.values(errorCounts).reduce((a, b) => a + b, 0);
const command_ = commandLine('bench:join');
const table = markdownTable(
  [
    'keys',
    'transfer-rate',
    'owns its slots after',
    'others have dropped them after',
    'keys moved',
    'bytes moved',
    'of the least',
    'p99 at rest',
    'while the process starts',
    'while slots move',
    'of that at rest',
    'errors',
  ],
  [
    [
      grouped(keys),
      flags['transfer-rate'] === '0' ? 'none' : flags['transfer-rate'],
      `${secondsToOwn.toFixed(1)} s`,
      `${secondsInAll.toFixed(1)} s`,
      grouped(held),
      mib(movedBytes),
      (movedBytes / least).toFixed(2),
      `${atRest!.p99Ms.toFixed(1)} ms`,
      `${starting!.p99Ms.toFixed(1)} ms`,
      `${moving!.p99Ms.toFixed(1)} ms`,
      `${(moving!.p99Ms / atRest!.p99Ms).toFixed(1)} ×`,
      String(errors),
    ],
  ],
);
const report = `${table}\n\n\`${command_}\`, ${grouped(rate)} operations a second. Others used ${percent(noiseShare)} of the machine. ${machineLine(machine)}`;
process.stdout.write(`${report}\n`);
const id = `join-${flags['transfer-rate'] === '0' ? 'unlimited' : 'default'}`;
writeJson(id, flags.json, {
  command: command_,
  machine,
  keys,
  secondsToOwn,
  secondsInAll,
  movedBytes,
  least,
  phases,
  errorCounts,
  noiseShare,
});
if (flags.markdown) writeDocs(new Map([[id, report]]));
process.exit(0);

function plan(): LoadPlan {
  return {
    ports: cluster.servers.map(({ port }) => port),
    db: DB,
    connections: 50,
    rate,
    seconds: LOAD_SECONDS,
    smallKeys: SMALL_KEYS,
    largeKeys: 1,
    smallBytes: VALUE_BYTES,
    largeBytes: 1,
    largeShare: 0,
    writeShare: 0.5,
  };
}

/** @returns when every member owned what it is to own. */
async function untilOwned(): Promise<number> {
  await until(() => everyMember(isMember));
  return performance.now();
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(POLL_MS);
}

/** @returns when nobody held anything that it does not own any more. */
async function untilHandedOver(): Promise<number> {
  let lastMs = performance.now();
  while (performance.now() - lastMs < QUIET_MS) {
    if (!(await everyMember(node => node.get('slots-to-hand-over') === undefined))) lastMs = performance.now();
    await sleep(POLL_MS);
  }
  return lastMs;
}

function isMember(node: NodeEntry): boolean {
  return node.get('ring') === 'member';
}

async function everyMember(holds: (node: NodeEntry) => boolean): Promise<boolean> {
  const nodes = await members();
  return nodes.length === 4 && nodes.every(holds);
}

async function members(): Promise<readonly NodeEntry[]> {
  const { port } = cluster.servers[0]!;
  return await listNodes({ host: '127.0.0.1', port }, '', 2_000).catch(() => []);
}

async function transferred(): Promise<number> {
  const info = String(await command(joiner, 'INFO', 'all'));
  return Number(/^transfer_bytes:(\d+)/m.exec(info)?.[1]);
}

async function keysAt(): Promise<string> {
  const info = String(await command(joiner, 'INFO', 'keyspace'));
  return /^db1:keys=(\d+)/m.exec(info)?.[1] ?? '0';
}

/**
 * Three nodes under many connections and a mix of small and large values: latencies, memory, and whether any member was
 * suspected. See docs/benchmarks.md.
 *
 *     npm run bench:load [-- --keyspace 1 --seconds 60 --connections 1000 --rate 3000] [--json FILE] [--markdown]
 */
import type { Contestant } from './harness/contestant.ts';
import { fill } from './harness/fill.ts';
import { commandLine, numberFlag, orRefuse, readFlags } from './harness/flags.ts';
import { type LoadPlan, type LoadResult, largeKey, smallKey } from './harness/load-plan.ts';
import { loadReport } from './harness/load-report.ts';
import { describeMachine } from './harness/machine.ts';
import { Noise } from './harness/noise.ts';
import { writeDocs, writeJson } from './harness/report.ts';
import { startCoterie } from './harness/start-coterie.ts';
import { startLoad } from './harness/start-load.ts';
import { Watch, type Watched } from './harness/watch.ts';

const NODES = 3;

const flags = readFlags({
  keyspace: { type: 'string', default: '0' },
  seconds: { type: 'string', default: '60' },
  connections: { type: 'string', default: '1000' },
  rate: { type: 'string', default: '3000' },
  'small-keys': { type: 'string', default: '100000' },
  'large-keys': { type: 'string', default: '200' },
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
});
const plan: Omit<LoadPlan, 'ports'> = orRefuse(() => ({
  db: numberFlag('keyspace', flags.keyspace, 0, 1),
  connections: numberFlag('connections', flags.connections, 1, 9000),
  rate: numberFlag('rate', flags.rate, 1, 1e6),
  seconds: numberFlag('seconds', flags.seconds, 1, 86_400),
  smallKeys: numberFlag('small-keys', flags['small-keys'], 1, 1e8),
  largeKeys: numberFlag('large-keys', flags['large-keys'], 1, 1e5),
  smallBytes: 64,
  largeBytes: 1_000_000,
  largeShare: 0.01,
  writeShare: 0.1,
}));

const machine = describeMachine();
const cluster = await startCoterie(NODES);
await preload(cluster);
const noise = new Noise(cluster.pids);
const { result, watched } = await drive(cluster);
const noiseShare = noise.share();
await cluster.stop();

const command = commandLine('bench:load');
const report = loadReport({ plan, result, watched, noise: noiseShare, command, machine });
process.stdout.write(`${report}\n`);
writeJson(`load-keyspace-${plan.db}`, flags.json, { command, machine, plan, result, watched, noise: noiseShare });
if (flags.markdown) writeDocs(new Map([[`load-keyspace-${plan.db}`, report]]));
process.exit(0);

async function preload(cluster: Contestant): Promise<void> {
  process.stderr.write(`filling ${plan.smallKeys} small and ${plan.largeKeys} large keys …\n`);
  const { port } = cluster;
  const { db } = plan;
  await fill({ port, db, keys: plan.smallKeys, valueBytes: plan.smallBytes, keyOf: smallKey });
  await fill({ port, db, keys: plan.largeKeys, valueBytes: plan.largeBytes, keyOf: largeKey });
  await cluster.rest();
}

async function drive(cluster: Contestant): Promise<{ result: LoadResult; watched: Watched }> {
  const load = await startLoad({ ...plan, ports: cluster.servers.map(({ port }) => port) });
  process.stderr.write(`${plan.connections} connections, ${plan.rate} operations a second for ${plan.seconds} s …\n`);
  const watch = new Watch(cluster, load.pid);
  const result = await load.result;
  return { result, watched: await watch.stop() };
}

/**
 * Where a node's time goes: the functions with the most self time, under redis-benchmark.
 *
 *     npm run bench:profile -- --only three-quorum,set,p16 [--seconds 4] [--top 25]
 *
 * It tells of the node that the clients talk to and of one that only holds copies. The cases are those of `npm run bench`; each runs on a cluster of its own. The profiles stay in bench/out/ for a viewer
 * such as the one of Chrome's developer tools.
 */
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, chooseCases } from './harness/cases.ts';
import { type CpuProfile, selfTimes } from './harness/cpu-profile.ts';
import { duel, KEYS, VALUE_BYTES } from './harness/duel.ts';
import { benchmarkKey, fill } from './harness/fill.ts';
import { numberFlag, orRefuse, readFlags } from './harness/flags.ts';
import { grouped, markdownTable, percent } from './harness/report.ts';
import { startCoterie } from './harness/start-coterie.ts';
import { requireRedis } from './harness/start-redis.ts';

const OUT = fileURLToPath(new URL('out/', import.meta.url));
const SAMPLING_US = 500;

const flags = readFlags({
  only: { type: 'string', default: '' },
  seconds: { type: 'string', default: '4' },
  top: { type: 'string', default: '25' },
});
const cases = orRefuse(() => chooseCases(flags.only));
const seconds = orRefuse(() => numberFlag('seconds', flags.seconds, 0.1, 600));
const top = orRefuse(() => numberFlag('top', flags.top, 1, 1000));
requireRedis();
for (const each of cases) await profile(each);
process.exit(0);

async function profile(each: Case): Promise<void> {
  const { setting, command, pipeline } = each;
  const name = `${setting.id}-${command.toLowerCase()}-p${pipeline}`;
  const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${OUT}`, `--cpu-prof-interval=${SAMPLING_US}`];
  const coterie = await startCoterie(setting.nodes, nodeArgs, setting.durability);
  const pids = coterie.pids;
  await fill({
    port: coterie.port,
    db: setting.keyspace,
    keys: KEYS,
    valueBytes: VALUE_BYTES,
    keyOf: benchmarkKey,
  });
  await coterie.rest();
  const fromMs = performance.timeOrigin + performance.now();
  const [samples] = await duel(each, [coterie], { rounds: 1, seconds, requests: undefined });
  const seen = performance.timeOrigin + performance.now() - fromMs;
  await coterie.stop();
  const rate = grouped(samples![0]!.requestsPerSecond);
  process.stdout.write(`\n# ${name}: ${rate} requests a second\n`);
  for (const [index, pid] of pids.slice(0, 2).entries()) show(`${name}-n${index + 1}`, pid, seen * 1000);
}

/** Prints what a process's profile says of its last part. */
function show(name: string, pid: number, lastUs: number): void {
  const written = readdirSync(OUT).find(file => file.endsWith('.cpuprofile') && file.includes(`.${pid}.`));
  if (written === undefined) throw new Error(`${name} has written no profile`);
  const file = join(OUT, `${name}.cpuprofile`);
  renameSync(join(OUT, written), file);
  const { rows, busyShare } = selfTimes(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile, lastUs);
  const cells = rows.slice(0, top).map(({ place, self, total }) => [place, percent(self), percent(total)]);
  process.stdout.write(`\n## ${name}: busy ${percent(busyShare)} of the time\n\n`);
  process.stdout.write(`${markdownTable(['function', 'self', 'with callees'], cells)}\n`);
}

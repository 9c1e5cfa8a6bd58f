/**
 * coterie beside Redis under `redis-benchmark`, in turns and in one run: see docs/benchmarks.md.
 *
 *     npm run bench                             everything, about fifteen minutes; longer while others use the machine
 *     npm run bench -- --only one,set,p16       a setting (one, one-sync, one-batched, three-eventual, three-quorum), a command, a pipeline
 *     npm run bench -- --rounds 9 --seconds 1   more and shorter rounds; or --requests 200000
 *     npm run bench -- --json FILE              where the result goes, instead of bench/out/throughput.json
 *     npm run bench -- --markdown               also puts the tables into docs/benchmarks.md
 */
import { type Case, chooseCases, SETTINGS, type Setting } from './harness/cases.ts';
import type { Contestant } from './harness/contestant.ts';
import { duel, KEYS, type Length, VALUE_BYTES } from './harness/duel.ts';
import { benchmarkKey, fill } from './harness/fill.ts';
import { commandLine, numberFlag, orRefuse, readFlags } from './harness/flags.ts';
import { describeMachine, machineLine } from './harness/machine.ts';
import { ErrorReply } from './harness/redis-benchmark.ts';
import { writeDocs, writeJson } from './harness/report.ts';
import { startCoterie, startPlain } from './harness/start-coterie.ts';
import { requireRedis, startRedis } from './harness/start-redis.ts';
import {
  type CaseFailure,
  type CaseResult,
  failureLine,
  summarize,
  throughputTable,
} from './harness/throughput-table.ts';

const flags = readFlags({
  only: { type: 'string', default: '' },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '2' },
  requests: { type: 'string' },
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
});
const cases = orRefuse(() => chooseCases(flags.only));
const length: Length = orRefuse(() => ({
  rounds: numberFlag('rounds', flags.rounds, 1, 1000),
  seconds: numberFlag('seconds', flags.seconds, 0.1, 600),
  requests: flags.requests === undefined ? undefined : numberFlag('requests', flags.requests, 1, 1e9),
}));
requireRedis();

const machine = describeMachine();
const results: CaseResult[] = [];
const failures: CaseFailure[] = [];
for (const setting of SETTINGS) {
  const chosen = cases.filter(each => each.setting === setting);
  if (chosen.length === 0) continue;
  const ofSetting = await runSetting(setting, chosen);
  results.push(...ofSetting.results);
  failures.push(...ofSetting.failures);
  const table = throughputTable(ofSetting.results.map(summarize));
  const failed = ofSetting.failures.map(failureLine);
  const footnote = `\`${commandLine('bench')}\`: ${length.rounds} rounds. ${machineLine(machine)}`;
  const text = [table, ...failed, footnote].join('\n\n');
  process.stdout.write(`\n## ${setting.title}\n\n${text}\n`);
  if (flags.markdown) writeDocs(new Map([[setting.id, text]]));
}
writeJson('throughput', flags.json, { command: commandLine('bench'), machine, length, results, failures });
process.exit(failures.length > 0 ? 1 : 0);

/** A case that ends in an error is told of, and the others are measured all the same. */
async function runSetting(
  setting: Setting,
  chosen: readonly Case[],
): Promise<{ results: CaseResult[]; failures: CaseFailure[] }> {
  const { durability } = setting;
  const appendfsync = { none: undefined, sync: 'always', batched: 'everysec' } as const;
  const contestants = [
    await startCoterie(setting.nodes, [], durability),
    await startRedis(setting.redisReplicas, appendfsync[durability]),
  ];
  if (setting.withPlain) contestants.push(await startPlain());
  for (const contestant of contestants) await preload(contestant, setting);
  const [done, failed]: [CaseResult[], CaseFailure[]] = [[], []];
  for (const each of chosen) {
    process.stderr.write(`${setting.id}: ${each.command}, pipeline ${each.pipeline} …\n`);
    try {
      const samples = await duel(each, contestants, length);
      done.push({ case: each, samples: Object.fromEntries(contestants.map(({ name }, i) => [name, samples[i]!])) });
    } catch (error) {
      if (!(error instanceof ErrorReply)) throw error;
      failed.push({ case: each, error: error.message });
    }
  }
  for (const contestant of contestants) await contestant.stop();
  return { results: done, failures: failed };
}

/** So that every GET finds a value, and no SET makes a new key. */
async function preload(contestant: Contestant, setting: Setting): Promise<void> {
  process.stderr.write(`${setting.id}: filling ${contestant.name} with ${KEYS} keys …\n`);
  const db = contestant.name === 'coterie' ? setting.keyspace : 0;
  await fill({ port: contestant.port, db, keys: KEYS, valueBytes: VALUE_BYTES, keyOf: benchmarkKey });
  await contestant.rest();
}

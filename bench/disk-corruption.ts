/**
 * What one wrong byte in a file does to an engine: the figures of docs/decisions/0017 on corruption. A store of 20,000 records is
 * closed, one byte of one of its files is changed, and another process opens it and reads everything.
 *
 *     node bench/disk-corruption.ts [--trials 100]
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawBelow } from '../src/lib/draw.ts';
import { SeededRandom } from '../src/lib/seeded-random.ts';
import { ENGINES } from './harness/disk-contestants.ts';
import { numberFlag, orRefuse, readFlags } from './harness/flags.ts';
import { markdownTable } from './harness/report.ts';

const RECORDS = 20_000;
const flags = readFlags({ trials: { type: 'string', default: '100' }, read: { type: 'string' } });

if (flags.read !== undefined) {
  await read(flags.read);
} else {
  const rows: (string | number)[][] = [];
  for (const name of ['lmdb', 'classic-level']) rows.push([name, ...(await corrupt(name))]);
  const columns = ['', 'all records as written', 'said so: an error', 'other records, no error', 'the process crashed'];
  process.stdout.write(
    `${markdownTable(
      columns,
      rows.map(row => row.map(String)),
    )}\n`,
  );
}

async function corrupt(name: string): Promise<number[]> {
  const trials = orRefuse(() => numberFlag('trials', flags.trials, 1, 1e6));
  const random = new SeededRandom(17);
  const dir = mkdtempSync(join(tmpdir(), 'disk-corruption-'));
  // Twice, so that LevelDB, which makes a table of its log when it is opened, has both.
  for (const records of [RECORDS, RECORDS / 2]) {
    const engine = await ENGINES[name]!(join(dir, 'whole'));
    for (let i = 0; i < records; i++) {
      const key = Buffer.alloc(25, 'k');
      key.writeUInt32BE(Math.imul(i + 1, 0x9e3779b1) >>> 0, 4);
      engine.put(key, Buffer.alloc(120, i & 255));
    }
    await new Promise<void>(resolve => engine.flush(resolve));
    await engine.close();
  }
  const counts = [0, 0, 0, 0];
  for (let trial = 0; trial < trials; trial++) {
    const path = join(dir, 'broken');
    cpSync(join(dir, 'whole'), path, { recursive: true });
    const files = readdirSync(path).filter(file => statSync(join(path, file)).size > 0 && !/^(LOG|lock)/.test(file));
    const file = join(path, files[trial % files.length]!);
    const bytes = readFileSync(file);
    bytes[drawBelow(random, bytes.length)]! ^= 1 + drawBelow(random, 255);
    writeFileSync(file, bytes);
    const args = [import.meta.filename, '--read', `${name}|${path}`];
    const { status, signal, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
    const outcome = signal !== null || status !== 0 ? 3 : ['whole', 'error', 'other'].indexOf(stdout);
    counts[outcome]!++;
    rmSync(path, { recursive: true });
  }
  rmSync(dir, { recursive: true });
  return counts;
}

async function read(what: string): Promise<void> {
  const [name = '', path = ''] = what.split('|');
  let good = 0;
  let bad = 0;
  try {
    const engine = await ENGINES[name]!(path);
    await engine.scan((key, value) => {
      const whole = key.length === 25 && value.length === 120 && value.every(byte => byte === value[0]);
      if (whole) good++;
      else bad++;
    });
  } catch {
    process.stdout.write('error');
    process.exit(0);
  }
  process.stdout.write(good === RECORDS && bad === 0 ? 'whole' : 'other');
  process.exit(0);
}

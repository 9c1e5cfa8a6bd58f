/**
 * Mutates a folder of `src`, or files of it, and runs the folder's tests against each mutant (`docs/mutation-testing.md`).
 *
 *     npm run mutate -- clock
 *     npm run mutate -- store/slab.ts store/slot-table.ts
 *     npm run mutate -- store --force         everything again, not only what has changed since the last run
 *     npm run mutate -- membership --quick    without the tests that take seconds: a run without it then tries what survived
 *
 * Reports are in `reports/mutation/<folder>`; the runs over parts of a folder add up in them.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const STRYKER = fileURLToPath(new URL('node_modules/@stryker-mutator/core/bin/stryker.js', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    force: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    concurrency: { type: 'string', default: '2' },
  },
});
const folders = new Set(positionals.map(path => path.split('/')[0]!));
const [folder] = folders;
if (folder === undefined || folders.size > 1) {
  console.error('Cannot mutate: name one folder of src, or files of one (npm run mutate -- store/slab.ts)');
  process.exit(2);
}

const mutate = positionals.map(path => (path.endsWith('.ts') ? `src/${path}` : `src/${path}/**/*.ts`)).join(',');
const flags = ['--mutate', mutate, '--concurrency', values.concurrency, ...(values.force ? ['--force'] : [])];
const { status } = spawnSync(process.execPath, [STRYKER, 'run', 'tools/mutation/stryker.config.mjs', ...flags], {
  stdio: 'inherit',
  env: { ...process.env, MUTATED_FOLDER: folder, ...(values.quick ? { MUTATE_QUICKLY: 'yes' } : {}) },
});
process.exit(status ?? 1);

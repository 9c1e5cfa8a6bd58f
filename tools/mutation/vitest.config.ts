import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The folder that `npm run mutate` mutates: its own tests must kill the mutants. */
const folder = process.env['MUTATED_FOLDER'] ?? '*';

/** They take long, and what they would notice other tests notice, too. */
const MEASUREMENTS = ['test/replication/repair-cost.test.ts', 'test/ring/balance.test.ts'];

/** Left out by `--quick`. */
const SLOW = ['test/membership/swim.test.ts', 'test/membership/founding-safety.test.ts'];

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: [`test/${folder}/**/*.test.ts`],
    exclude: [...MEASUREMENTS, ...(process.env['MUTATE_QUICKLY'] === undefined ? [] : SLOW)],
    setupFiles: ['tools/mutation/fixed-seed.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

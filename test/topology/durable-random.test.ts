import { expect, test } from 'vitest';
import { DurableRun } from './durable-run.ts';

const SEEDS = 12;
const RUN_MS = 60_000;

test('a durable group forgets and contradicts nothing in random runs, and everything that can happen does', {
  timeout: 300_000,
}, () => {
  const totals = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const [name, count] of Object.entries(new DurableRun(seed).run(RUN_MS)))
      totals.set(name, (totals.get(name) ?? 0) + count);
  }
  for (const [name, count] of totals) expect(count, name).toBeGreaterThan(SEEDS / 3);
});

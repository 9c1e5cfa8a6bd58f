import { expect, test } from 'vitest';
import { RandomRun } from './random-run.ts';

const SEEDS = 60;
const STEPS = 3_000;

test('no property is violated in random runs, and everything that can happen does', { timeout: 60_000 }, () => {
  const totals = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { counts, ...others } = new RandomRun(seed).run(STEPS);
    for (const [name, count] of Object.entries({ ...counts, ...others }))
      totals.set(name, (totals.get(name) ?? 0) + count);
  }
  for (const [name, count] of totals) expect(count, name).toBeGreaterThan(SEEDS / 10);
});

import { expect, test } from 'vitest';
import { DEFAULT_RATES } from '../../src/sim/index.ts';
import { expectSound } from './seeds.ts';

const [FIRST, LAST] = [1, 30];

test(`a ring that changes keeps every promise under all faults, seeds ${FIRST} to ${LAST}`, {
  timeout: 600_000,
}, () => {
  const sum = { join: 0, leave: 0, forget: 0, replace: 0 };
  for (let seed = FIRST; seed <= LAST; seed++) {
    const { churn } = expectSound(seed, { durationMs: 40_000, faults: { ...DEFAULT_RATES, churn: 20 } });
    for (const kind of Object.keys(sum) as (keyof typeof sum)[]) sum[kind] += churn[kind];
  }
  for (const count of Object.values(sum)) expect(count).toBeGreaterThan(0);
});

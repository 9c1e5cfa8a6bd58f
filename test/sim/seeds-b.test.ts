import { expect, test } from 'vitest';
import { expectSound } from './seeds.ts';

const [FIRST, LAST] = [101, 200];

test(`five nodes keep every promise under all faults, seeds ${FIRST} to ${LAST}`, { timeout: 600_000 }, () => {
  for (let seed = FIRST; seed <= LAST; seed++) {
    const { availability } = expectSound(seed);
    expect(availability['fault-free'].operations).toBeGreaterThan(0);
    expect(availability['one-down'].operations).toBeGreaterThan(0);
  }
});

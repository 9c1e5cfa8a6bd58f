import { afterEach, expect } from 'vitest';
import { formatReport, type SimulationOptions, simulate, type ViolationKind } from '../../src/sim/index.ts';

import { STEADY } from './seeds.ts';

/** What makes the code right again. */
const restorers: (() => void)[] = [];

afterEach(() => {
  for (const restore of restorers.splice(0).reverse()) restore();
});

/** Puts a bug in the place of a method or getter until the test is over. */
export function plant(prototype: object, name: string, bug: PropertyDescriptor): void {
  const sound = Object.getOwnPropertyDescriptor(prototype, name)!;
  Object.defineProperty(prototype, name, { ...bug, configurable: true });
  restorers.push(() => Object.defineProperty(prototype, name, sound));
}

/** Runs seed after seed until one fails, by one of these checks. @param besides what the bug brings about, too, and does not count. */
export function expectCaught(
  kinds: ViolationKind | readonly ViolationKind[],
  options: Partial<SimulationOptions> = {},
  besides: readonly ViolationKind[] = [],
): void {
  for (let seed = 1; seed <= 50; seed++) {
    const report = simulate({ seed, durationMs: 20_000, faults: STEADY, ...options });
    if (report.violation === undefined || besides.includes(report.violation.kind)) continue;
    const told = formatReport(report);
    const { kind } = report.violation;
    expect([kinds].flat(), told).toContain(kind);
    expect(told).toContain(`VIOLATION (${kind}) with seed ${seed}:`);
    expect(told).toMatch(new RegExp(`simulate --nodes \\d+( --machines \\d+)? --seed ${seed} `));
    return;
  }
  expect.fail('none of 50 seeds caught it');
}

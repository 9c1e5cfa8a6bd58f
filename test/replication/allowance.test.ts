import { describe, expect, it } from 'vitest';
import { Allowance } from '../../src/replication/allowance.ts';

describe('An allowance', () => {
  it('is earned as time passes, up to its bound, and what was overspent is earned back first', () => {
    const allowance = new Allowance(100, 50, 10, 0);
    allowance.earn(200);
    expect(allowance.left).toBe(30);
    allowance.earn(10_000);
    expect(allowance.left).toBe(50);
    allowance.spend(80);
    allowance.earn(10_100);
    expect(allowance.left).toBe(-20);
  });

  it('without a bound is without one also when it is asked twice at one instant', () => {
    const { POSITIVE_INFINITY: most } = Number;
    const allowance = new Allowance(most, most, most, 0);
    allowance.earn(0);
    allowance.spend(1_000);
    allowance.earn(20);
    allowance.earn(20);
    expect(allowance.left).toBe(most);
  });
});

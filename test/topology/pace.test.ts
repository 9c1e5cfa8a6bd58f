import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/topology/pace.ts';

const progress = (left: number) => [{ name: 'n1', left, all: 1_000, leftovers: 0, bytes: 0 }];

describe('The pace of a move', () => {
  it('is told by what was left at first, and is not known before something was done', () => {
    const pace = new Pace();
    pace.note(2, progress(1_000), 5_000);
    expect(pace.secondsLeft('n1', 1_000, 6_000)).toBeUndefined();
    pace.note(2, progress(750), 10_000);
    expect(pace.secondsLeft('n1', 750, 10_000)).toBe(15);
    expect(pace.secondsLeft('n1', 0, 11_000)).toBe(0);
    expect(pace.secondsLeft('n2', 5, 11_000)).toBeUndefined();
  });

  it('begins anew with an epoch', () => {
    const pace = new Pace();
    pace.note(2, progress(1_000), 0);
    pace.note(3, progress(500), 10_000);
    expect(pace.secondsLeft('n1', 500, 11_000)).toBeUndefined();
    expect(pace.secondsLeft('n1', 400, 12_000)).toBe(8);
  });
});

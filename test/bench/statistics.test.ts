import { describe, expect, test } from 'vitest';
import { median, pairwiseRatio } from '../../bench/harness/statistics.ts';

describe('median', () => {
  test('is the middle value, in whatever order they come', () => {
    expect(median([9, 1, 10, 2, 3])).toBe(3);
  });

  test('is the mean of the two in the middle of an even number', () => {
    expect(median([4, 1, 100, 2])).toBe(3);
  });

  test('leaves the values as they were', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test('of nothing is a mistake of the caller', () => {
    expect(() => median([])).toThrow('there are no values');
  });
});

describe('pairwiseRatio', () => {
  test('compares round by round, so that a slow round of both sides changes nothing', () => {
    expect(pairwiseRatio([50, 5, 60], [100, 10, 100])).toEqual({ median: 0.5, min: 0.5, max: 0.6 });
  });

  test('refuses figures that do not come in pairs', () => {
    expect(() => pairwiseRatio([1, 2], [1])).toThrow('Cannot pair 2 figures with 1');
  });
});

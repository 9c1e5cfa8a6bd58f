import { describe, expect, test } from 'vitest';
import { isBounded, noiseWhenSlow } from '../../bench/harness/watch.ts';

const seriesOf = (at: (sample: number) => number) => Array.from({ length: 240 }, (_, sample) => at(sample));

describe('memory', () => {
  test('that grows to a level and stays there is bounded', () => {
    expect(isBounded(seriesOf(sample => 100 + Math.min(sample, 60)))).toBe(true);
  });

  test('that goes up and down with garbage is bounded', () => {
    expect(isBounded(seriesOf(sample => 100 + (sample % 20) * 5))).toBe(true);
  });

  test('that grows steadily is not bounded', () => {
    expect(isBounded(seriesOf(sample => 100 + sample))).toBe(false);
  });

  test('of which too little was seen is not called bounded', () => {
    expect(isBounded([1, 1])).toBe(false);
  });
});

test('what others used is told apart for the seconds in which an operation was slow', () => {
  const noise = [
    { atMs: 1000_500, share: 0.1 },
    { atMs: 1001_200, share: 0.8 },
    { atMs: 1001_700, share: 0.6 },
    { atMs: 1002_100, share: 0.3 },
    { atMs: 1003_100, share: 1 },
  ];
  const told = noiseWhenSlow({ startedMs: 1000_000, worstSmallMs: [5, 900, 100] }, noise, 100);
  expect(told).toEqual({ slowSeconds: 1, slow: 0.7, rest: 0.2 });
});

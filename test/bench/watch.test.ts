import { describe, expect, test } from 'vitest';
import { isBounded } from '../../bench/harness/watch.ts';

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

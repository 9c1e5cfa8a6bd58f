import { describe, expect, test } from 'vitest';
import { chooseCases } from '../../bench/harness/cases.ts';
import { quietest, type Sample } from '../../bench/harness/duel.ts';
import { summarize, throughputTable } from '../../bench/harness/throughput-table.ts';

const sampleOf = (requestsPerSecond: number, noise = 0): Sample => ({
  requestsPerSecond,
  noise,
  p50Ms: 1,
  p99Ms: 1,
  maxMs: 1,
  requests: 1000,
  processorUs: 2,
});
const [p16] = chooseCases('three-eventual,set,p16');

describe('a case', () => {
  test('meets its target when the median of the ratios reaches it', () => {
    const samples = { coterie: [50, 50, 10].map(rate => sampleOf(rate)), redis: [100, 100, 100].map(r => sampleOf(r)) };
    expect(summarize({ case: p16!, samples })).toMatchObject({ ratio: { median: 0.5, min: 0.1, max: 0.5 }, met: true });
  });

  test('misses it when the median is below, whatever the best round was', () => {
    const samples = { coterie: [90, 49, 49].map(rate => sampleOf(rate)), redis: [100, 100, 100].map(r => sampleOf(r)) };
    expect(summarize({ case: p16!, samples }).met).toBe(false);
  });

  test('without a target neither meets nor misses it', () => {
    const [get] = chooseCases('three-eventual,get,p16');
    expect(summarize({ case: get!, samples: { coterie: [sampleOf(1)], redis: [sampleOf(1)] } }).met).toBeUndefined();
  });

  test('is one row with as many cells as the heading', () => {
    const summary = summarize({ case: p16!, samples: { coterie: [sampleOf(1234567)], redis: [sampleOf(9e6)] } });
    const lines = throughputTable([summary]).split('\n');
    expect(lines).toHaveLength(3);
    expect(new Set(lines.map(line => line.split('|').length)).size).toBe(1);
    expect(lines[2]).toContain('| SET, pipeline 16 | 1,234,567 | 9,000,000 | 0.14 | 0.14–0.14 | 0.50 | **missed** |');
  });
});

test('of the rounds those count in which others used least, in the order they were run', () => {
  const rounds = [
    [0.3, 0],
    [0, 0.02],
    [0.2, 0.2],
    [0.01, 0],
  ].map(round => round.map(noise => sampleOf(1, noise)));
  expect(quietest(rounds, 2)).toEqual([rounds[1], rounds[3]]);
});

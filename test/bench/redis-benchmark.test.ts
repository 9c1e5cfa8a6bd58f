import { expect, test } from 'vitest';
import { parseResult } from '../../bench/harness/redis-benchmark.ts';

const HEADER =
  '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"';

test('a row of redis-benchmark --csv is read by the names of its columns', () => {
  const csv = `${HEADER}\n"SET","134770.89","5.855","0.304","4.823","13.455","18.399","95.359"\n`;
  expect(parseResult(csv, 'SET')).toEqual({ requestsPerSecond: 134770.89, p50Ms: 4.823, p99Ms: 18.399, maxMs: 95.359 });
});

test('warnings around the rows are not taken for figures', () => {
  const csv = `WARNING: Could not fetch server CONFIG\n${HEADER}\n"GET","2.00","1","1","1","1","1","1"\n`;
  expect(parseResult(csv, 'GET').requestsPerSecond).toBe(2);
});

test('a command without a row is an error that shows what was written', () => {
  expect(() => parseResult(`${HEADER}\n`, 'GET')).toThrow('told nothing of GET');
  expect(() => parseResult('Error from server: ERR no', 'GET')).toThrow('ERR no');
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { SimulatedCluster } from '../../src/sim/index.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('docs/simulated-cluster.md', () => {
  test('has an example that prints what its comments say', async () => {
    const page = readFileSync(new URL('../../docs/simulated-cluster.md', import.meta.url), 'utf8');
    const example = /```ts\n([\s\S]*?)```/.exec(page)![1]!;
    const promised = [...example.matchAll(/console\.log\(.*\/\/ (.*)/g)].map(match => match[1]);
    expect(promised).toHaveLength(4);
    const folder = mkdtempSync(join(tmpdir(), 'coterie-'));
    const file = join(folder, 'example.ts');
    const simulator = new URL('../../src/sim/index.ts', import.meta.url).href;
    writeFileSync(file, example.replace("'coterie/sim'", JSON.stringify(simulator)));
    const printed: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((...words) => void printed.push(words.join(' ')));
    try {
      await import(pathToFileURL(file).href);
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(printed).toEqual(promised);
  });
});

describe('A simulated cluster', () => {
  test('goes the same way with the same seed, and another with another', () => {
    const traces = [1, 1, 2].map(seed => {
      const cluster = new SimulatedCluster({ seed });
      cluster.client('n2', 1).call('SET', 'k', 'v');
      cluster.advance(5_000);
      return cluster.trace;
    });
    expect(traces[0]).toBe(traces[1]);
    expect(traces[0]).not.toBe(traces[2]);
  });

  test('throws what a node answers with an error, that a node is down, and what is wrong with a name', () => {
    const cluster = new SimulatedCluster();
    const client = cluster.client('n1');
    expect(() => client.call('GET')).toThrow("ERR wrong number of arguments for 'get' command");
    cluster.down('n1');
    expect(() => client.call('GET', 'k')).toThrow('n1 is down');
    expect(() => cluster.client('n9')).toThrow('There is no node "n9": the nodes are n1, n2, n3');
    expect(() => new SimulatedCluster({ nodes: 0 })).toThrow('1 to 100');
    cluster.up('n1');
    expect(cluster.settle()).toBe(true);
    expect(client.call('GET', 'k')).toBe(null);
  });

  test('does not take the late answer to one command for that to another, nor forget that a keyspace was refused', () => {
    const cluster = new SimulatedCluster();
    const client = cluster.client('n1');
    cluster.pause('n1', 15_000);
    expect(() => client.call('SET', 'k', 'v')).toThrow('n1 did not answer in 10000 virtual ms');
    expect(client.call('GET', 'other')).toBe(null);
    const lost = cluster.client('n1', 7);
    for (let i = 0; i < 2; i++) expect(() => lost.call('SET', 'k', 'seven')).toThrow('out of range');
    expect(client.call('GET', 'k')).not.toBe('seven');
    expect(String(client.call('CLIENT', 'LIST')).trim().split('\n')).toHaveLength(1);
  });

  test('lets a node stand still, expires keys by virtual time, and answers lists', () => {
    const cluster = new SimulatedCluster();
    const client = cluster.client('n2');
    client.call('SET', 'k', 'v', 'PX', 500);
    expect(client.call('MGET', 'k', 'none')).toEqual(['v', null]);
    const beforeMs = cluster.nowMs;
    cluster.pause('n2', 1_000);
    expect(client.call('EXISTS', 'k')).toBe(0);
    expect(cluster.nowMs - beforeMs).toBeGreaterThanOrEqual(1_000);
  });
});

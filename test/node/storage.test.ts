import { describe, expect, it } from 'vitest';
import { slotOf } from '../../src/lib/slots.ts';
import type { Node } from '../../src/node/node.ts';
import type { NodeOptions } from '../../src/node/node-options.ts';
import type { KeyspacePolicy } from '../../src/replication/policy.ts';
import { EVENTUAL, QUORUM, SLOPPY } from '../replication/test-network.ts';
import { client, linkAll, Nodes, STORE } from './test-nodes.ts';

const SYNC: KeyspacePolicy = { ...EVENTUAL, durability: 'sync' };
const BATCHED: KeyspacePolicy = { ...EVENTUAL, db: 1, name: 'batched', durability: 'batched' };

const ALONE: Partial<NodeOptions> = { alone: true, expectNodes: 1, keyspaces: [SYNC, BATCHED] };

/** One node by itself, founded. */
function alone(changes: Partial<NodeOptions> = {}): Nodes {
  const nodes = new Nodes();
  nodes.add('n1', { ...ALONE, ...changes });
  nodes.advance(300);
  return nodes;
}

/** Kills the node and starts it anew. */
function restart(nodes: Nodes, name: string, changes: Partial<NodeOptions> = ALONE): Node {
  nodes.kill(name);
  return nodes.add(name, changes);
}

/** Runs one command, and lets time pass for what it waits for. */
function run(nodes: Nodes, node: Node, line: string, db = 0, ms = 100): string {
  const { execute, output } = client(node);
  execute(`SELECT ${db}`);
  execute(line);
  nodes.advance(ms);
  return output().slice('+OK\r\n'.length);
}

function storeOf(node: Node, db = 0) {
  return node.cluster!.keyspaces.get(db)!;
}

describe('a node with a disk, started again', () => {
  it('has what sync has acknowledged: values, expiries and deletions, under the versions that they had', () => {
    const nodes = alone();
    const n1 = nodes.nodes.get('n1')!;
    run(nodes, n1, 'SET a 1');
    run(nodes, n1, 'SET b 2 PX 60000');
    run(nodes, n1, 'SET c 3');
    run(nodes, n1, 'DEL c');
    const before = run(nodes, n1, 'COTERIE EXPLAIN a');
    const again = restart(nodes, 'n1');
    nodes.advance(100);
    expect(run(nodes, again, 'MGET a b c')).toBe('*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n');
    expect(Number(run(nodes, again, 'PTTL b').slice(1))).toBeGreaterThan(50_000);
    expect(run(nodes, again, 'COTERIE EXPLAIN a')).toBe(before);
    expect(again.cluster!.id).toBe(n1.cluster!.id);
    expect(again.actor).not.toBe(n1.actor);
  });

  it('does not acknowledge before the flush', () => {
    const nodes = alone();
    const { execute, output } = client(nodes.nodes.get('n1')!);
    execute('SET a 1');
    expect(output()).toBe('');
    nodes.advance(20);
    expect(output()).toBe('+OK\r\n');
  });

  it('stamps above everything it has stamped, though its wall clock has been set back', () => {
    const nodes = alone();
    const n1 = nodes.nodes.get('n1')!;
    nodes.wallOffsetsMs.set('n1', 1_000);
    run(nodes, n1, 'SET a 1');
    nodes.wallOffsetsMs.set('n1', 0);
    const again = restart(nodes, 'n1');
    nodes.advance(100);
    expect(again.cluster!.context.stamps.last).toBeGreaterThanOrEqual(n1.cluster!.context.stamps.last);
    run(nodes, again, 'SET a 2');
    expect(run(nodes, again, 'GET a')).toBe('$1\r\n2\r\n');
  });

  it('answers LOADING until it has read its disk, but PING as Redis does and INFO', () => {
    const nodes = alone();
    const again = restart(nodes, 'n1');
    expect(again.isLoading).toBe(true);
    const { execute, output } = client(again);
    for (const command of ['GET a', 'SET a 1', 'PING', 'DBSIZE']) execute(command);
    expect(output()).toBe('-LOADING Redis is loading the dataset in memory\r\n'.repeat(4));
    execute('INFO persistence');
    expect(output()).toContain('loading:1');
    nodes.advance(100);
    execute('GET a');
    expect(output()).toBe('$-1\r\n');
  });

  it('has of batched what was written before the last flush-interval', () => {
    const nodes = alone({ ...ALONE, disk: { flushIntervalMs: 400, maxPendingBytes: 1 << 20 } });
    const n1 = nodes.nodes.get('n1')!;
    expect(run(nodes, n1, 'SET old 1', 1, 0)).toBe('+OK\r\n');
    nodes.advance(400);
    expect(run(nodes, n1, 'SET new 1', 1, 0)).toBe('+OK\r\n');
    const again = restart(nodes, 'n1');
    nodes.advance(100);
    expect(run(nodes, again, 'MGET old new', 1)).toBe('*2\r\n$1\r\n1\r\n$-1\r\n');
  });

  it('finds nothing of a keyspace that was in memory meanwhile', () => {
    const nodes = alone();
    run(nodes, nodes.nodes.get('n1')!, 'SET a 1');
    const inMemory = restart(nodes, 'n1', { ...ALONE, keyspaces: [{ ...SYNC, durability: 'none' }, BATCHED] });
    nodes.advance(2_000);
    expect(run(nodes, inMemory, 'GET a')).toBe('$-1\r\n');
    const again = restart(nodes, 'n1');
    nodes.advance(100);
    expect(run(nodes, again, 'GET a')).toBe('$-1\r\n');
  });
});

describe('what a keyspace has left that is in memory only now', () => {
  const IN_MEMORY: Partial<NodeOptions> = { ...ALONE, keyspaces: [{ ...SYNC, durability: 'none' }, BATCHED] };
  const WHOLE = '\x01\x03\x00';
  const isLeft = (key: string) => key.startsWith('\x03\x00');

  /** A store with `count` records in as many slots as there are, and how many are left after each flush of the next process, and whether they are whole. */
  function forgetting(count: number): { nodes: Nodes; left: number[]; whole: boolean[] } {
    const nodes = alone();
    run(nodes, nodes.nodes.get('n1')!, 'SET a 1');
    nodes.kill('n1');
    const drive = nodes.drives.get('n1')!;
    const store = drive.store(STORE);
    const [key, entry] = [...store.entries].find(([key]) => isLeft(key))!;
    for (let i = 0; i < count; i++) {
      const slot = Buffer.alloc(2);
      slot.writeUInt16BE(i & 0x3fff);
      store.entries.set(`${key.slice(0, 2)}${slot.toString('latin1')}${i}`, entry);
    }
    const left: number[] = [];
    const whole: boolean[] = [];
    expect(store.entries.has(WHOLE)).toBe(true);
    drive.watchers.add(moment => {
      if (moment !== 'flushed') return;
      left.push([...store.entries.keys()].filter(isLeft).length);
      whole.push(store.entries.has(WHOLE));
    });
    return { nodes, left, whole };
  }

  it('is deleted piece by piece, before the node serves, and is not whole on the disk from the first piece on', () => {
    const { nodes, left, whole } = forgetting(120_000);
    const n1 = nodes.add('n1', IN_MEMORY);
    while (n1.isLoading) nodes.advance(100);
    const deleted = left.map((count, i) => (left[i - 1] ?? 120_001) - count);
    expect(left.at(-1)).toBe(0);
    expect(Math.max(...deleted)).toBeLessThan(60_000);
    expect(whole).toEqual(whole.map(() => false));
  });
});

describe('what a directory is good for', () => {
  it('is of the node whose name it bears', () => {
    const nodes = alone();
    nodes.advance(2_000);
    nodes.kill('n1');
    nodes.drives.set('n2', nodes.drives.get('n1')!);
    const other = nodes.add('n2', ALONE);
    nodes.advance(100);
    expect(other.unusable).toEqual({ found: 'unusable', reason: 'the data directory is that of n1, not of n2' });
  });

  it('says twice of which cluster it is, and is set aside when neither can be read', () => {
    const nodes = alone();
    run(nodes, nodes.nodes.get('n1')!, 'SET a 1');
    const identities = ['\x01\x01', '\x01\x05'];
    nodes.kill('n1');
    nodes.drives.get('n1')!.store(STORE).damage(identities[0]!);
    const again = nodes.add('n1', ALONE);
    nodes.advance(300);
    expect(run(nodes, again, 'GET a')).toBe('$1\r\n1\r\n');
    nodes.kill('n1');
    const store = nodes.drives.get('n1')!.store(STORE);
    for (const key of identities) if (store.entries.has(key)) store.damage(key);
    const unusable = nodes.add('n1', ALONE);
    nodes.advance(300);
    expect(unusable.unusable).toEqual({ found: 'corrupt', reason: 'it does not say of which cluster it is' });
  });

  it('is set aside when another process has taken the place of the node since', () => {
    const nodes = alone();
    const n1 = nodes.nodes.get('n1')!;
    n1.storage!.superseded();
    nodes.advance(100);
    const again = restart(nodes, 'n1');
    nodes.advance(100);
    expect(again.unusable).toEqual({ found: 'corrupt', reason: 'another process has taken the place of n1 since' });
  });

  it('is used although it has lost something, when nobody else has what it holds', () => {
    const nodes = alone();
    run(nodes, nodes.nodes.get('n1')!, 'SET a 1');
    nodes.kill('n1');
    nodes.drives.get('n1')!.store(STORE).lost = 'something is gone';
    const again = nodes.add('n1', ALONE);
    nodes.advance(100);
    expect(run(nodes, again, 'GET a')).toBe('$1\r\n1\r\n');
    expect(nodes.said).toContain('n1: the data directory has lost something, and nobody else has it');
  });
});

/** Three nodes whose links are up. */
function three(changes: Partial<NodeOptions>): Nodes {
  const nodes = new Nodes();
  for (const name of ['n1', 'n2', 'n3']) nodes.add(name, changes);
  linkAll(nodes);
  nodes.advance(3_000);
  return nodes;
}

/** Starts n3 anew, and lets it meet the others when it has read its disk. */
function restartThird(nodes: Nodes, changes: Partial<NodeOptions>): Node {
  for (const name of ['n1', 'n2']) nodes.nodes.get(name)!.linkDown('n3');
  const n3 = nodes.add('n3', changes);
  nodes.advance(20);
  return n3;
}

function meetThird(nodes: Nodes): void {
  nodes.link('n1', 'n3');
  nodes.link('n2', 'n3');
}

describe('one of three nodes with disks, started again', () => {
  const DURABLE = { keyspaces: [SYNC, { ...QUORUM, durability: 'batched' as const }] };

  it('is whole where it was whole and sync, and refilling where batched was not ended in order', () => {
    const nodes = three(DURABLE);
    run(nodes, nodes.nodes.get('n1')!, 'SET a 1');
    nodes.advance(2_000);
    nodes.kill('n3');
    const n3 = restartThird(nodes, DURABLE);
    expect(n3.isLoading).toBe(false);
    expect(storeOf(n3, 0).refill.slotsLeft).toBe(0);
    expect(storeOf(n3, 1).refill.slotsLeft).toBeGreaterThan(0);
    meetThird(nodes);
    nodes.advance(8_000);
    expect(n3.cluster!.refillingSlots).toBe(0);
  });

  it('is whole after an orderly end', () => {
    const nodes = three(DURABLE);
    nodes.advance(2_000);
    nodes.nodes.get('n3')!.storage!.close(() => {});
    nodes.advance(20);
    nodes.nodes.delete('n3');
    const n3 = restartThird(nodes, DURABLE);
    expect(n3.cluster!.refillingSlots).toBe(0);
  });

  it('is refilling everywhere when an entry was damaged, and has it again afterwards', () => {
    const nodes = three(DURABLE);
    run(nodes, nodes.nodes.get('n1')!, 'SET a 1');
    nodes.advance(2_000);
    nodes.kill('n3');
    const store = nodes.drives.get('n3')!.store(STORE);
    store.damage([...store.entries.keys()].find(key => key.startsWith('\x03'))!);
    const n3 = restartThird(nodes, DURABLE);
    expect(storeOf(n3).refill.slotsLeft).toBeGreaterThan(0);
    expect(storeOf(n3).store.keyCount).toBe(0);
    meetThird(nodes);
    nodes.advance(8_000);
    expect(storeOf(n3).refill.slotsLeft).toBe(0);
    expect(storeOf(n3).store.keyCount).toBe(1);
  });

  it('uses a directory whose last batch is broken off, refilling everywhere, until it has said so on the disk', () => {
    const nodes = three(DURABLE);
    run(nodes, nodes.nodes.get('n1')!, 'SET a 1');
    nodes.advance(2_000);
    nodes.kill('n3');
    const store = nodes.drives.get('n3')!.store(STORE);
    store.torn = 'the last batch is broken off';
    const n3 = restartThird(nodes, DURABLE);
    expect([n3.unusable, storeOf(n3).store.keyCount]).toEqual([undefined, 1]);
    expect(storeOf(n3).refill.slotsLeft).toBeGreaterThan(0);
    expect(store.torn).toBeUndefined();
    nodes.kill('n3');
    const again = restartThird(nodes, DURABLE);
    expect(storeOf(again).refill.slotsLeft).toBeGreaterThan(0);
    meetThird(nodes);
    nodes.advance(8_000);
    expect(again.cluster!.refillingSlots).toBe(0);
  });

  it('comes back as a cluster when the power tears the last batch of all', () => {
    const nodes = three(DURABLE);
    run(nodes, nodes.nodes.get('n1')!, 'SET a 1');
    nodes.advance(2_000);
    for (const name of ['n1', 'n2', 'n3']) nodes.kill(name);
    for (const name of ['n1', 'n2', 'n3']) nodes.drives.get(name)!.store(STORE).torn = 'the last batch is broken off';
    const again = ['n1', 'n2', 'n3'].map(name => nodes.add(name, DURABLE));
    nodes.advance(20);
    linkAll(nodes);
    nodes.advance(20_000);
    expect(again.map(node => node.cluster!.refillingSlots)).toEqual([0, 0, 0]);
    expect(run(nodes, again[1]!, 'GET a')).toBe('$1\r\n1\r\n');
    expect(nodes.said.filter(text => text.includes("placement group's log"))).toEqual([]);
  });

  it('does not use a directory that has lost something, nor one of a former member', () => {
    const nodes = three(DURABLE);
    nodes.advance(2_000);
    nodes.kill('n3');
    nodes.drives.get('n3')!.store(STORE).lost = 'something is gone';
    expect(restartThird(nodes, DURABLE).unusable).toEqual({ found: 'corrupt', reason: 'something is gone' });
  });

  it('remembers its hints, and what it kept as a stand-in', () => {
    const changes = { keyspaces: [{ ...SLOPPY, db: 0, replicas: 2, durability: 'sync' as const }] };
    const nodes = three(changes);
    nodes.advance(2_000);
    // n3 hears nothing from the others, and notes what it cannot send.
    nodes.lost = ({ from, to }) => from === 'n3' || to === 'n3';
    for (const name of ['n1', 'n2']) nodes.nodes.get('n3')!.linkDown(name);
    const n3 = nodes.nodes.get('n3')!;
    for (let i = 0; i < 40; i++) run(nodes, n3, `SET key${i} ${i}`, 0, 20);
    nodes.advance(1_000);
    const { hints } = n3.cluster!;
    expect(hints.size).toBeGreaterThan(0);
    const kept = storeOf(n3).kept.keyCount;
    expect(kept).toBeGreaterThan(0);
    nodes.kill('n3');
    const again = restartThird(nodes, changes);
    expect(storeOf(again).kept.keyCount).toBe(kept);
    expect(again.cluster!.hints.keepsAny).toBe(hints.keepsAny);
    const owed = (node: Node) => [...node.cluster!.hints.queues].map(([peer]) => peer.name).sort();
    expect(owed(again)).toEqual(owed(n3));
  });

  it('remembers what last-write-wins put aside', () => {
    const nodes = three(DURABLE);
    nodes.advance(2_000);
    const n3 = nodes.nodes.get('n3')!;
    const { conflicts } = storeOf(n3);
    const dot = { actor: n3.cluster!.context.self, stamp: 5 };
    conflicts.add(Buffer.from('k'), dot, Buffer.from('old'));
    conflicts.add(Buffer.from('k'), { ...dot, stamp: 6 }, undefined);
    nodes.advance(2_000);
    nodes.kill('n3');
    const again = restartThird(nodes, DURABLE);
    const kept = storeOf(again).conflicts.of(Buffer.from('k'));
    expect(kept.map(({ dot, value }) => [dot.stamp, value && String(value)])).toEqual([
      [6, undefined],
      [5, 'old'],
    ]);
  });
});

/** A key whose replicas are these, in this order. */
function keyOf(node: Node, replicas: string): string {
  const { placement } = storeOf(node);
  const namesOf = (key: string) => placement.replicasOf(slotOf(Buffer.from(key))).map(({ name }) => name);
  return Array.from({ length: 1_000 }, (_, i) => `key ${i}`.replace(' ', '')).find(
    key => namesOf(key).join() === replicas,
  )!;
}

describe('a disk that takes nothing', () => {
  it.each(['batched', 'sync'] as const)(
    'is no stand-in: nothing is acknowledged that it has not kept (%s)',
    durability => {
      const keyspaces = [{ ...SLOPPY, db: 0, replicas: 2, durability }];
      const nodes = three({ keyspaces, disk: { flushIntervalMs: 1_000, maxPendingBytes: 1 << 20 } });
      const [n1, n3] = [nodes.nodes.get('n1')!, nodes.nodes.get('n3')!];
      const key = keyOf(n1, 'n1,n2');
      nodes.lost = ({ from, to }) => from === 'n2' || to === 'n2';
      for (const name of ['n1', 'n3']) nodes.nodes.get(name)!.linkDown('n2');
      nodes.drives.get('n3')!.isFull = true;
      n3.storage!.superseded();
      nodes.advance(3_000);
      expect(storeOf(n3).durability.refusal).toMatch(/^MISCONF/);
      expect(run(nodes, n1, `SET ${key} v`, 0, 8_000)).toMatch(/^-UNAVAILABLE/);
      expect(storeOf(n3).kept.keyCount).toBe(0);
    },
  );

  it('counts nothing as merged that it could not take in', () => {
    const keyspaces = [{ ...QUORUM, db: 0, durability: 'sync' as const }];
    const nodes = three({ keyspaces });
    const n1 = nodes.nodes.get('n1')!;
    for (let i = 0; i < 60; i++) run(nodes, n1, `SET {x}${i} ${'v'.repeat(100)}`, 0, 20);
    nodes.advance(1_000);
    nodes.kill('n3');
    nodes.drives.delete('n3');
    for (const name of ['n1', 'n2']) nodes.nodes.get(name)!.linkDown('n3');
    const n3 = nodes.add('n3', { keyspaces, disk: { flushIntervalMs: 1_000, maxPendingBytes: 4_000 } });
    meetThird(nodes);
    const slot = slotOf(Buffer.from('{x}1'));
    // Replies come from one peer at a time, the other half of them is lost.
    nodes.lost = ({ from, to }) => to === 'n3' && (from === 'n2') === nodes.nowMs % 1_000 < 500;
    for (let ms = 0; ms < 6_000; ms += 20) {
      nodes.advance(20);
      const keyspace = n3.cluster?.keyspaces.get(0);
      if (keyspace?.refill.isPending(slot) === false) expect(keyspace.store.slotRecords(slot)).toBe(60);
    }
  });

  const DURABLE = { keyspaces: [{ ...QUORUM, db: 0, durability: 'sync' as const }] };

  it('refuses writes where it is, hands on reads that it cannot hold, and takes writes again when there is room', () => {
    const nodes = three(DURABLE);
    const [n1, n2] = [nodes.nodes.get('n1')!, nodes.nodes.get('n2')!];
    run(nodes, n1, 'SET a 1');
    nodes.drives.get('n1')!.isFull = true;
    run(nodes, n1, 'SET a 2', 0, 1_000);
    expect(run(nodes, n1, 'SET b 1')).toMatch(/^-MISCONF Errors writing to the data directory: .*No space left/);
    expect(run(nodes, n1, 'INFO persistence')).toContain('aof_last_write_status:err');
    expect(run(nodes, n2, 'SET c 3')).toBe('+OK\r\n');
    expect(run(nodes, n1, 'GET c', 0, 1_000)).toBe('$1\r\n3\r\n');
    expect(nodes.said).toContain('n1: cannot write to the data directory: writes are refused until that is mended');
    nodes.drives.get('n1')!.isFull = false;
    nodes.advance(2_000);
    expect(run(nodes, n1, 'SET b 1')).toBe('+OK\r\n');
    expect(nodes.said).toContain('n1: the data directory takes writes again');
  });

  it('refuses writes when too much waits for it', () => {
    const nodes = alone({ ...ALONE, disk: { flushIntervalMs: 60_000, maxPendingBytes: 320 } });
    const n1 = nodes.nodes.get('n1')!;
    expect(run(nodes, n1, `SET a ${'x'.repeat(300)}`, 1)).toBe('+OK\r\n');
    expect(run(nodes, n1, 'SET b 1', 1)).toMatch(/^-UNAVAILABLE \d+ bytes wait for the disk/);
    expect(run(nodes, n1, 'GET b', 1)).toBe('$-1\r\n');
  });
});

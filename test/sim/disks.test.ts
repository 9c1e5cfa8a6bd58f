import { describe, expect, test } from 'vitest';
import { SimulatedCluster } from '../../src/sim/index.ts';
import { NO_DISK_FAULTS } from '../../src/sim/simulated-drive.ts';

const SYNC = 6;

describe('Nodes with disks', () => {
  test('have all that was acknowledged when the power comes back, and nothing to refill', () => {
    const cluster = new SimulatedCluster({ disks: true });
    cluster.client('n1', SYNC).call('SET', 'k', 'v');
    cluster.client('n1').call('SET', 'k', 'in memory');
    for (const node of cluster.nodes) cluster.down(node);
    for (const node of cluster.nodes) cluster.up(node);
    expect(cluster.settle()).toBe(true);
    for (const node of cluster.nodes) expect(cluster.client(node, SYNC).call('GET', 'k')).toBe('v');
    expect(cluster.client('n1').call('GET', 'k')).toBe(null);
  });

  test('refuse writes while their disk is full, and go on to read what others have written since', () => {
    const cluster = new SimulatedCluster({ disks: true });
    const [n1, n2] = ['n1', 'n2'].map(node => cluster.client(node, SYNC));
    n1!.call('SET', 'k', 'before');
    cluster.driveOf('n1').isFull = true;
    // Nobody knows before something has to be written, and the other two are enough for that.
    n1!.call('SET', 'k', 'noticed');
    cluster.advance(10);
    expect(() => n1!.call('SET', 'k', 'refused')).toThrow(/^MISCONF .*No space left on device/);
    n2!.call('SET', 'k', 'meanwhile');
    expect(n1!.call('GET', 'k')).toBe('meanwhile');
    cluster.driveOf('n1').isFull = false;
    cluster.advance(2_000);
    expect(n1!.call('SET', 'k', 'after')).toBe('OK');
    expect(n2!.call('GET', 'k')).toBe('after');
  });

  test('do not trust a disk that has lost something, also when the first process that was told so is killed at once', () => {
    const cluster = new SimulatedCluster({ disks: true });
    const drive = cluster.driveOf('n1');
    cluster.client('n1', SYNC).call('SET', 'k', 'old');
    cluster.advance(2_000);
    for (const other of ['n1', 'n2']) cluster.cut('n3', other);
    cluster.client('n1', SYNC).call('SET', 'k', 'new');
    for (const node of ['n1', 'n2']) cluster.down(node);
    for (const other of ['n1', 'n2']) cluster.mend('n3', other);
    drive.store('data').loseTail(1);
    drive.watchers.add(() => {
      drive.watchers.clear();
      drive.time.in(0, () => cluster.down('n1'));
    });
    cluster.up('n1');
    cluster.advance(100);
    cluster.up('n1');
    cluster.advance(5_000);
    expect(() => cluster.client('n1', SYNC).call('GET', 'k')).toThrow('UNAVAILABLE');
    cluster.up('n2');
    expect(cluster.settle()).toBe(true);
    expect(cluster.client('n1', SYNC).call('GET', 'k')).toBe('new');
  });

  test('do not answer a DEL by a tombstone that is on no disk yet', () => {
    const cluster = new SimulatedCluster({ disks: true, seed: 4 });
    const client = cluster.client('n1', SYNC);
    client.call('SET', 'k', 'v');
    cluster.advance(2_000);
    for (const node of cluster.nodes) {
      const drive = cluster.driveOf(node);
      drive.rates = { ...NO_DISK_FAULTS, 'slow-flush': 1 };
      drive.slowFlushMs = 1_000_000;
    }
    expect(() => client.call('DEL', 'k')).toThrow('UNAVAILABLE');
    let answer: unknown;
    try {
      answer = client.call('DEL', 'k');
    } catch (error) {
      answer = error;
    }
    for (const node of cluster.nodes) cluster.driveOf(node).rates = { ...NO_DISK_FAULTS, 'torn-batch': 1 };
    for (const node of cluster.nodes) cluster.down(node);
    for (const node of cluster.nodes) cluster.up(node);
    expect(cluster.settle()).toBe(true);
    if (answer === 0) expect(client.call('GET', 'k')).toBe(null);
    else expect(String(answer)).toContain('UNAVAILABLE');
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import type { Node } from '../../src/node/node.ts';
import type { Backups, MadeBackup } from '../../src/ports/disk.ts';
import type { SimulatedDisk } from '../../src/sim/simulated-disk.ts';
import { NO_DISK_FAULTS, SimulatedDrive } from '../../src/sim/simulated-drive.ts';
import { VirtualTime } from '../../src/sim/virtual-clock.ts';
import { EVENTUAL } from '../replication/test-network.ts';
import { client, Nodes } from './test-nodes.ts';

const BATCHED = [{ ...EVENTUAL, durability: 'batched' as const }];

/** A node with a disk whose time passes when a test says so, and backups that are done when it says so. */
class Bench {
  readonly time = new VirtualTime();
  readonly drive = new SimulatedDrive(new SeededRandom(1), this.time, NO_DISK_FAULTS);
  readonly nodes = new Nodes();
  readonly asked: string[] = [];
  finish: ((made: MadeBackup) => void) | undefined;

  start(store = 'n1', alone = true): Node {
    const backups: Backups = {
      make: (name, done) => {
        this.asked.push(name);
        this.finish = done;
      },
    };
    const disk = this.drive.open(store) as SimulatedDisk;
    const node = this.nodes.add('n1', { keyspaces: BATCHED, alone }, { disk, backups });
    this.pass();
    this.nodes.advance(200);
    return node;
  }

  /** Lets the disk do what it was asked. */
  pass(): void {
    this.time.run(this.time.nowMs + 1_000, () => false);
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

/** The reply to a command that is answered at once. The node knows one client at a time: what is deferred goes to the last. */
function ask(node: Node, line: string): string {
  const asking = client(node);
  asking.execute(line);
  return asking.output();
}

const persistence = (node: Node, field: string) =>
  new RegExp(`\\r\\n${field}:(.*)\\r\\n`).exec(ask(node, 'INFO persistence'))?.[1];

describe('SAVE', () => {
  it('answers when what was written before it is on the disk, and not before', () => {
    const node = bench.start();
    expect(ask(node, 'SET k v')).toBe('+OK\r\n');
    expect(Number(persistence(node, 'rdb_changes_since_last_save'))).toBeGreaterThan(0);
    const asking = client(node);
    asking.execute('SAVE');
    expect(asking.output()).toBe('');
    bench.pass();
    expect(asking.output()).toBe('+OK\r\n');
    expect(persistence(node, 'rdb_changes_since_last_save')).toBe('0');
  });

  it('says that the disk is full', () => {
    const node = bench.start();
    ask(node, 'SET k v');
    bench.drive.isFull = true;
    const asking = client(node);
    asking.execute('SAVE');
    bench.pass();
    expect(asking.output()).toMatch(/^-MISCONF .*No space left on device\r\n$/);
  });
});

describe('BGSAVE', () => {
  it('is under way until all is on the disk, and LASTSAVE tells when that was', () => {
    const node = bench.start();
    ask(node, 'SET k v');
    const before = ask(node, 'LASTSAVE');
    expect(ask(node, 'BGSAVE')).toBe('+Background saving started\r\n');
    expect(persistence(node, 'rdb_bgsave_in_progress')).toBe('1');
    expect(ask(node, 'BGSAVE')).toBe('-ERR Background save already in progress\r\n');
    expect(ask(node, 'SAVE')).toBe('-ERR Background save already in progress\r\n');
    bench.nodes.nowMs += 5_000;
    expect(ask(node, 'LASTSAVE')).toBe(before);
    bench.pass();
    expect(persistence(node, 'rdb_bgsave_in_progress')).toBe('0');
    expect(persistence(node, 'rdb_last_bgsave_status')).toBe('ok');
    expect(Number(ask(node, 'LASTSAVE').slice(1))).toBe(Number(before.slice(1)) + 5);
  });

  it('that fails is seen in INFO, until one succeeds', () => {
    const node = bench.start();
    ask(node, 'SET k v');
    bench.drive.isFull = true;
    ask(node, 'BGSAVE');
    bench.pass();
    expect(persistence(node, 'rdb_last_bgsave_status')).toBe('err');
    bench.drive.isFull = false;
    bench.nodes.advance(2_000);
    bench.pass();
    ask(node, 'BGSAVE');
    bench.pass();
    expect(persistence(node, 'rdb_last_bgsave_status')).toBe('ok');
  });
});

describe('COTERIE BACKUP', () => {
  it('copies behind a flush, one at a time, and answers when the copy is there', () => {
    const node = bench.start();
    ask(node, 'SET k v');
    const asking = client(node);
    asking.execute('COTERIE BACKUP monday');
    expect(bench.asked).toEqual([]);
    bench.pass();
    expect(bench.asked).toEqual(['monday']);
    expect(persistence(node, 'rdb_changes_since_last_save')).toBe('0');
    expect(ask(node, 'COTERIE BACKUP tuesday')).toBe('-ERR a backup is under way\r\n');
    expect(asking.output()).toBe('');
    bench.finish!({ path: '/b/monday/n1' });
    expect(asking.output()).toBe('$12\r\n/b/monday/n1\r\n');
    expect(bench.nodes.said).toContain('n1: made a backup');

    const again = client(node);
    again.execute('COTERIE BACKUP monday');
    bench.pass();
    bench.finish!({ error: 'ERR Cannot back n1 up to monday: it exists' });
    expect(again.output()).toBe('-ERR Cannot back n1 up to monday: it exists\r\n');
  });

  it('is refused while the disk takes nothing: the copy would lack what was acknowledged', () => {
    const node = bench.start();
    ask(node, 'SET k v');
    bench.drive.isFull = true;
    const asking = client(node);
    asking.execute('COTERIE BACKUP monday');
    bench.pass();
    expect(asking.output()).toMatch(/^-MISCONF /);
    expect(bench.asked).toEqual([]);
  });

  it('is refused before there is a cluster, and while the node is being stopped', () => {
    expect(ask(bench.start('n1', false), 'COTERIE BACKUP x')).toBe(
      '-ERR this node is of no cluster yet, and has nothing to back up\r\n',
    );
    const other = new Bench();
    const node = other.start();
    node.storage!.close(() => {});
    expect(ask(node, 'COTERIE BACKUP x')).toBe('-ERR this node is being stopped\r\n');
  });
});

it('a node does not start from a backup: what has been deleted and forgotten since would come back', () => {
  bench.start().storage!.close(() => {});
  bench.pass();
  bench.drive.backUp(bench.drive.store('n1').copy(), 'copy');
  const node = bench.start('copy');
  expect(node.unusable).toMatchObject({ found: 'unusable', reason: expect.stringContaining('it is a backup') });
  expect(bench.start('n1').unusable).toBeUndefined();
});

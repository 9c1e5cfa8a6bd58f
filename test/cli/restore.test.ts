import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backupMaker, flipIn } from '../io/backup/backups.ts';
import { coterie } from './coterie-process.ts';
import { FakeCluster, fields } from './fake-cluster.ts';

const FAR_MS = Date.now() + 3_600_000;
const VALUES = Array.from({ length: 1_200 }, (_, i) => ({ db: 1, key: `k${i}`, stamp: 1, value: `<${i}>` }));

const maker = backupMaker();
let cluster: FakeCluster;
beforeEach(async () => {
  cluster = await FakeCluster.start();
});
afterEach(() => cluster.stop());

const restore = (...from: readonly string[]) => coterie(['restore', '-p', cluster.port, '--from', ...from]);

it('sets what is newest of each key, with its expiry, in its keyspace, and says how many it set', async () => {
  const one = await maker.make([
    { db: 0, key: 'a', stamp: 1, value: 'old' },
    { db: 0, key: '\0\xff\r\n', stamp: 1, value: '\xfe\0' },
    { db: 1, key: 'soon', stamp: 1, value: 'x', expiryAtMs: FAR_MS },
    { db: 1, key: 'expired', stamp: 1, value: 'x', expiryAtMs: 1 },
    { db: 1, key: 'persisted', stamp: 1, value: 'x', expiryAtMs: 0 },
  ]);
  const two = await maker.make([
    { db: 0, key: 'a', stamp: 2, value: 'new' },
    { db: 0, key: 'deleted', stamp: 2 },
  ]);
  expect(await restore(one, two)).toEqual({
    status: 0,
    stderr: '',
    stdout: 'keyspace 0 (eventual): 2 keys\nkeyspace 1 (quorum): 2 keys\nleft out: 1 deleted, 1 expired\n',
  });
  expect(Object.fromEntries(cluster.held)).toEqual({
    '0/a': ['new'],
    '0/\0\xff\r\n': ['\xfe\0'],
    '1/soon': ['x', 'PXAT', String(FAR_MS)],
    '1/persisted': ['x'],
  });
});

it('takes --from more than once, and logs in', async () => {
  const paths = [
    await maker.make([{ db: 0, key: 'a', stamp: 1, value: 'x' }]),
    await maker.make([{ db: 0, key: 'b', stamp: 1, value: 'y' }]),
  ] as const;
  const args = ['restore', '--from', paths[0], '--from', paths[1], '-p', cluster.port];
  expect((await coterie(args, { COTERIE_PASSWORD: 'secret' })).status).toBe(0);
  expect([...cluster.held.keys()].sort()).toEqual(['0/a', '0/b']);
  expect(cluster.asked[0]).toEqual(['AUTH', 'secret']);
});

describe('an error', () => {
  it('stops it, with one line that says how far it got', async () => {
    let sets = 0;
    cluster.answer = ([command]) =>
      command === 'SET' && ++sets > 700 ? "-OOM command not allowed when used memory > 'maxmemory'.\r\n" : undefined;
    const { status, stdout, stderr } = await restore(await maker.make(VALUES));
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toBe(
      `coterie: 127.0.0.1:${cluster.port} answered OOM command not allowed when used memory > 'maxmemory'.; ` +
        'restored before that: keyspace 1 (quorum): 700 keys\n',
    );
  });

  it('that may pass is waited for: what was refused is set again, and nothing else', async () => {
    const refused = new Set<string>();
    cluster.answer = ([command, key]) => {
      if (command !== 'SET' || refused.has(key!) || Number(key!.slice(1)) % 400 !== 0) return undefined;
      refused.add(key!);
      return '-UNAVAILABLE 1 of 2 replicas acknowledged in 500 ms\r\n';
    };
    const { status, stdout } = await restore(await maker.make(VALUES));
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: 'keyspace 1 (quorum): 1200 keys\nleft out: 0 deleted, 0 expired\n',
    });
    expect([...refused].sort()).toEqual(['k0', 'k400', 'k800']);
    expect(cluster.asked.filter(([command]) => command === 'SET')).toHaveLength(1_203);
  });

  it('of a node that goes is one line', async () => {
    cluster.answer = ([command]) => {
      if (command === 'SET') cluster.hangUp();
      return undefined;
    };
    const { status, stderr } = await restore(await maker.make(VALUES));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^coterie: 127\.0\.0\.1:\d+ answers no more: .*; restored before that: .* 0 keys\n$/);
  });
});

describe('before anything is set', () => {
  it.each([
    ['has keys in keyspace 5, which the cluster does not have; it has 0, 1', async () => [await oneOf(5)]],
    ['are of two clusters: restore one, and then the other', async () => [await oneOf(0), await oneOf(0, 'b')]],
    ['is no backup: there is no such directory', async () => [await oneOf(0), '/nowhere']],
    ['is no backup: COTERIE BACKUP has not made it', async () => [maker.root]],
  ])('a backup that %s is refused', async (sentence, paths) => {
    const { status, stdout, stderr } = await restore(...(await paths()));
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^coterie: .*\n$/);
    expect(stderr).toContain(sentence);
    expect(cluster.held.size).toBe(0);
  });

  it.each([
    ['-NOAUTH Authentication required.\r\n', 'NOAUTH Authentication required.'],
    ['+PONG\r\n', 'the answer to COTERIE KEYSPACES is no list'],
    ['*1\r\n:1\r\n', 'the answer to COTERIE KEYSPACES is no list of keyspaces'],
  ])('a node that answers %j is none', async (answer, sentence) => {
    cluster.answer = () => answer;
    const { status, stderr } = await restore(await oneOf(0));
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `coterie: 127.0.0.1:${cluster.port} does not answer as a node: ${sentence}\n`,
    });
  });

  it('--from is asked for', async () => {
    const { status, stderr } = await coterie(['restore']);
    expect(status).toBe(2);
    expect(stderr).toBe("coterie: required option '--from <dir...>' not specified\n");
  });

  const oneOf = (db: number, cluster = 'a') => maker.make([{ db, key: 'a', stamp: 1, value: 'x' }], cluster.repeat(32));
});

it('what is damaged is never set, and the exit status tells', async () => {
  const path = await maker.make(VALUES);
  flipIn(path, '<77>');
  const damaged = await restore(path);
  expect(damaged.status).toBe(1);
  expect(damaged.stdout).toBe('keyspace 1 (quorum): 1199 keys\nleft out: 0 deleted, 0 expired\n');
  expect(damaged.stderr).toBe('coterie: damaged, and so not restored: 1 entries\n');
  expect(cluster.held.has('1/k77')).toBe(false);
  writeFileSync(join(path, 'BACKUP'), '{"entries":1205,');
  expect((await restore(path)).stderr).toBe(
    `coterie: damaged, and so not restored: 1 entries\ncoterie: ${path} is damaged: 3 entries are missing\n`,
  );
});

it('a cluster with other keyspaces takes what it has a keyspace for', async () => {
  cluster.keyspaces = [fields({ db: '3', name: 'third' })];
  expect((await restore(await maker.make([{ db: 3, key: 'a', stamp: 1, value: 'x' }]))).stdout).toContain(
    'keyspace 3 (third): 1 keys\n',
  );
});

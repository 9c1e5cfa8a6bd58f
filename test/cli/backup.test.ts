import { afterEach, beforeEach, expect, it } from 'vitest';
import { coterie } from './coterie-process.ts';
import { FakeCluster, fields } from './fake-cluster.ts';

let cluster: FakeCluster;
beforeEach(async () => {
  cluster = await FakeCluster.start();
});
afterEach(() => cluster.stop());

const backup = (...args: readonly string[]) => coterie(['backup', '-p', cluster.port, ...args]);

it('prints where the copy of the node is that was asked, and of no other', async () => {
  cluster.nodes.push(fields({ name: 'n2', status: 'alive', myself: 'no', client: '127.0.0.1:1' }));
  expect(await backup('monday')).toEqual({ status: 0, stdout: 'n1: /backups/monday/n1\n', stderr: '' });
});

it('asks every node with --all, and fails when one has made none', async () => {
  const other = await FakeCluster.start();
  other.answer = () => '-ERR Cannot back up: No space left on device\r\n';
  cluster.nodes.push(
    fields({ name: 'n2', status: 'alive', myself: 'no', client: `127.0.0.1:${other.port}` }),
    fields({ name: 'n3', status: 'dead', myself: 'no', client: '127.0.0.1:1' }),
  );
  const { status, stdout, stderr } = await backup('monday', '--all');
  expect({ status, stdout }).toEqual({ status: 1, stdout: 'n1: /backups/monday/n1\n' });
  expect(stderr).toBe(
    'coterie: n2: ERR Cannot back up: No space left on device\ncoterie: n3: there is no copy of it: it is dead\n',
  );
  other.stop();
});

it('logs in with the password of the flag, or else of the environment', async () => {
  expect((await backup('monday', '-a', 'flag')).status).toBe(0);
  expect((await coterie(['backup', 'x'], { COTERIE_PORT: cluster.port, COTERIE_PASSWORD: 'env' })).status).toBe(0);
  const logins = cluster.asked.filter(([command]) => command === 'AUTH').map(([, password]) => password);
  expect(logins).toEqual(['flag', 'flag', 'env', 'env']);
});

it.each(['../x', 'a/b', '.', ''])('does not ask for a backup of the name %j', async name => {
  const { status, stderr } = await backup(name);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^coterie: the name ".*" is not allowed; expected 1 to 64 letters, .*\n$/);
  expect(cluster.asked).toEqual([]);
});

it('says in one line why there is none', async () => {
  cluster.answer = ([, what]) =>
    what === 'BACKUP' ? '-ERR this node keeps everything in memory: it has no data-dir\r\n' : undefined;
  expect(await backup('monday')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'coterie: n1: ERR this node keeps everything in memory: it has no data-dir\n',
  });
  const absent = await coterie(['backup', '-p', '1', 'monday']);
  expect(absent.status).toBe(1);
  expect(absent.stderr).toMatch(/^coterie: 127\.0\.0\.1:1 does not answer as a node: .*ECONNREFUSED.*\n$/);
});

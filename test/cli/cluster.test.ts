import { afterEach, expect, it } from 'vitest';
import { until } from '../until.ts';
import { CoterieProcess, freePorts } from './coterie-process.ts';

const running: CoterieProcess[] = [];
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL');
});

async function startCluster(nodes: number, flags: readonly string[] = [], env: Record<string, string> = {}) {
  const port = await freePorts(nodes);
  const cluster = new CoterieProcess(['cluster', '--nodes', String(nodes), '--port', String(port), ...flags], env);
  running.push(cluster);
  const ready = await cluster.printed(/^coterie \| ready: .*$/m);
  const pids = [...ready[0].matchAll(/pid (\d+)/g)].map(match => Number(match[1]));
  await cluster.printed(/Ctrl-C ends them all/);
  return { cluster, port, pids };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Settles when none of these processes is left. */
async function gone(pids: readonly number[]): Promise<void> {
  await until('all processes are gone', () => !pids.some(isAlive), 10_000);
  expect(pids.filter(isAlive)).toEqual([]);
}

it('says when it is ready and what to type next, prefixes the logs, and SIGTERM ends all nodes with 0', async () => {
  const { cluster, port, pids } = await startCluster(3);
  expect(pids).toHaveLength(3);
  expect(cluster.stdout).toContain(`redis-cli -p ${port} SET k v\n`);
  expect(cluster.stdout).toContain(`redis-cli -p ${port + 1} GET k\n`);
  for (const line of cluster.stdout.trimEnd().split('\n')) expect(line).toMatch(/^(n[123]|coterie) \| /);
  for (const name of ['n1', 'n2', 'n3']) expect(cluster.stdout).toMatch(new RegExp(`^${name} \\| \\{`, 'm'));
  cluster.child.kill('SIGTERM');
  expect(await cluster.ended).toEqual({ status: 0, signal: null });
  await gone(pids);
});

it('reports a node that dies, how to start it again, and keeps the others', async () => {
  const { cluster, port, pids } = await startCluster(3);
  process.kill(pids[1]!, 'SIGKILL');
  await cluster.printed(/^coterie \| n2 was ended by SIGKILL; the others keep running/m);
  await cluster.printed(new RegExp(`start --name n2 --port ${port + 1} --join `));
  expect([isAlive(pids[0]!), isAlive(pids[2]!)]).toEqual([true, true]);
  cluster.child.kill('SIGINT');
  expect(await cluster.ended).toEqual({ status: 0, signal: null });
  await gone(pids);
});

it('ends at once also where nodes are to leave before they stop, and tells how to start one as the others', async () => {
  const { cluster, port, pids } = await startCluster(3, ['--leave-timeout', '9m', '--log-level', 'info'], {
    COTERIE_LEAVE_ON_SHUTDOWN: 'yes',
  });
  process.kill(pids[2]!, 'SIGKILL');
  await cluster.printed(new RegExp(`start --name n3 --port ${port + 2} --join \\S+ .*--leave-timeout 9m`));
  cluster.child.kill('SIGTERM');
  expect(await cluster.ended).toEqual({ status: 0, signal: null });
  await gone(pids);
});

it('ends with status 1 when the last node has died', async () => {
  const { cluster, pids } = await startCluster(1);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  expect(await cluster.ended).toEqual({ status: 1, signal: null });
});

it('leaves no node behind when it is killed itself', async () => {
  const { cluster, pids } = await startCluster(2);
  cluster.child.kill('SIGKILL');
  await gone(pids);
});

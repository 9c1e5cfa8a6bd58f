import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { until } from '../until.ts';
import { CoterieProcess, freePorts } from './coterie-process.ts';

const running: CoterieProcess[] = [];
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL');
});

async function start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const port = await freePorts(1);
  const node = new CoterieProcess(['start', '--port', String(port), '--name', 'n1', ...args], env);
  running.push(node);
  await answering(port);
  return { node, port };
}

/** Settles when something accepts connections on the port. */
function answering(port: number): Promise<void> {
  const accepts = () =>
    new Promise<boolean>(resolve => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  return until(`something listens on ${port}`, accepts, 10_000);
}

it.each(['SIGTERM', 'SIGINT'] as const)('%s drains the node, which exits with 0', async signal => {
  const { node } = await start();
  node.child.kill(signal);
  expect(await node.ended).toEqual({ status: 0, signal: null });
  expect(node.stderr).toBe('');
});

it('on a pipe every line of the log is JSON, names the node, and the last one is written before the exit', async () => {
  const { node } = await start();
  node.child.kill('SIGTERM');
  await node.ended;
  const lines = node.stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  for (const line of lines)
    expect(line).toMatchObject({ name: 'n1', level: expect.any(String), time: expect.any(String) });
  expect(lines.at(-1)).toMatchObject({ level: 'info', msg: 'stopped' });
});

it('log-format: pretty writes lines for people, the last one too', async () => {
  const { node } = await start(['--log-format', 'pretty']);
  node.child.kill('SIGTERM');
  await node.ended;
  expect(node.stdout).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: .*\n/);
  expect(node.stdout).toMatch(/INFO: stopped\n$/);
});

it('log-level: error leaves out what is less', async () => {
  const { node } = await start(['--log-level', 'error']);
  node.child.kill('SIGTERM');
  await node.ended;
  expect(node.stdout).toBe('');
});

it('a node that others can reach without a secret says so, and says no secret', async () => {
  const { node } = await start(['--bind', '0.0.0.0', '--bus-bind', '127.0.0.1'], { COTERIE_CLUSTER_SECRET: 'hunter2' });
  node.child.kill('SIGTERM');
  await node.ended;
  expect(node.stdout).toContain('set COTERIE_PASSWORD');
  expect(node.stdout).not.toContain('set COTERIE_CLUSTER_SECRET');
  expect(node.stdout).not.toContain('hunter2');
});

it('a reader of the log that is gone does not keep the node from ending', async () => {
  const gone = await start();
  gone.node.child.stdout!.destroy();
  gone.node.child.kill('SIGTERM');
  expect((await gone.node.ended).status).toBe(0);
});

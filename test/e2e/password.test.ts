import { once } from 'node:events';
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { freePorts, TestNode } from './test-cluster.ts';

const PASSWORD = 'open sesame';

/** Everything the node says to these bytes until it closes the connection. */
async function repliesTo(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let reply = '';
  socket.on('data', chunk => {
    reply += chunk;
  });
  socket.write(bytes);
  await once(socket, 'close');
  return reply;
}

describe('a node with a password', () => {
  let node: TestNode;

  beforeAll(async () => {
    const [port, busPort] = (await freePorts(2)) as [number, number];
    node = new TestNode('locked', port, busPort, ['--auth-timeout', '1s'], { COTERIE_PASSWORD: PASSWORD });
    node.start();
    await until('the node answers', async () => {
      const client = new Redis(port, { password: PASSWORD, lazyConnect: true, retryStrategy: () => null });
      client.on('error', () => {});
      try {
        await client.connect();
        return (await client.set('k', 'v')) === 'OK';
      } finally {
        client.disconnect();
      }
    });
  });
  afterAll(() => node.end('SIGKILL'));

  it('answers nothing but what authentication takes', async () => {
    expect(await repliesTo(node.port, 'GET k\r\nAUTH wrong\r\nAUTH open\\ sesame\r\nQUIT\r\n')).toBe(
      '-NOAUTH Authentication required.\r\n' +
        '-WRONGPASS invalid username-password pair or user is disabled.\r\n' +
        '-WRONGPASS invalid username-password pair or user is disabled.\r\n' +
        '+OK\r\n',
    );
    expect(await repliesTo(node.port, `AUTH "${PASSWORD}"\r\nGET k\r\nQUIT\r\n`)).toBe('+OK\r\n$1\r\nv\r\n+OK\r\n');
  });

  it('takes at most 10 arguments and 16 KB from a stranger', async () => {
    expect(await repliesTo(node.port, '*11\r\n')).toBe('-ERR Protocol error: unauthenticated multibulk length\r\n');
    expect(await repliesTo(node.port, '*2\r\n$16385\r\n')).toBe('-ERR Protocol error: unauthenticated bulk length\r\n');
  });

  it('a password that comes in front of a large command opens the way for it', async () => {
    const large = 'x'.repeat(100_000);
    const pipeline = `AUTH "${PASSWORD}"\r\n*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$100000\r\n${large}\r\nSTRLEN large\r\nQUIT\r\n`;
    expect(await repliesTo(node.port, pipeline)).toBe('+OK\r\n+OK\r\n:100000\r\n+OK\r\n');
  });

  it('closes a connection that does not authenticate in time', async () => {
    const startMs = performance.now();
    expect(await repliesTo(node.port, 'PING\r\n')).toBe('-NOAUTH Authentication required.\r\n');
    expect(performance.now() - startMs).toBeGreaterThan(500);
  });

  it('never writes the password to its log', () => {
    expect(node.output).not.toContain(PASSWORD);
    expect(node.output).toContain('listening');
  });
});

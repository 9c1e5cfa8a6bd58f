import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { TestCluster } from './test-cluster.ts';

/** Sends bytes and collects what comes back until the other end closes or `enough` says so. */
async function exchange(port: number, bytes: Buffer | string, enough: (reply: string) => boolean): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  let reply = '';
  let isClosed = false;
  socket.on('data', chunk => {
    reply += chunk.toString('latin1');
  });
  socket.on('close', () => {
    isClosed = true;
  });
  await once(socket, 'connect');
  socket.write(bytes);
  await until(`an answer, so far ${JSON.stringify(reply.slice(0, 80))}`, () => isClosed || enough(reply), 10_000);
  socket.destroy();
  return reply;
}

const closes = (): boolean => false;

describe('a node and what clients may do to it', () => {
  let cluster: TestCluster;
  let port: number;

  beforeAll(async () => {
    cluster = await TestCluster.start(1);
    port = cluster.nodes[0]!.port;
  });
  afterAll(() => cluster.stop());

  it('a protocol error is answered in Redis’s words, ends that connection, and no other', async () => {
    const bystander = cluster.client(0);
    await bystander.set('bystander', 'alive');
    expect(await exchange(port, '*3\r\n$3\r\nSET\r\n$abc\r\n', closes)).toBe(
      '-ERR Protocol error: invalid bulk length\r\n',
    );
    expect(await exchange(port, '*1\r\n:5\r\n', closes)).toBe("-ERR Protocol error: expected '$', got ':'\r\n");
    expect(await exchange(port, '*99999999999\r\n', closes)).toBe('-ERR Protocol error: invalid multibulk length\r\n');
    expect(await exchange(port, 'POST / HTTP/1.1\r\nHost: x\r\n\r\n', closes)).toBe('');
    expect(await bystander.get('bystander')).toBe('alive');
  });

  it('a connection is closed after QUIT or an error even if the client keeps its side open, and what follows is not kept', async () => {
    for (const last of ['QUIT\r\n', '*1\r\n$abc\r\n']) {
      const socket = await connected(port);
      socket.resume();
      const closed = new Promise(resolve => socket.once('close', resolve));
      socket.write(last);
      socket.write(Buffer.alloc(8 * 1024 * 1024, 'x'));
      await closed;
      socket.destroy();
    }
    const lines = String(await cluster.client(0).call('CLIENT', 'LIST'))
      .trim()
      .split('\n');
    expect(lines.every(line => !line.includes('cmd=quit'))).toBe(true);
  });

  it('requests that came before a protocol error are still answered', async () => {
    expect(await exchange(port, 'PING\r\n*1\r\n$-5\r\n', closes)).toBe(
      '+PONG\r\n-ERR Protocol error: invalid bulk length\r\n',
    );
  });

  it('a client that shuts its side after a pipeline gets every reply', async () => {
    const socket = connect(port, '127.0.0.1');
    let reply = '';
    socket.on('data', chunk => {
      reply += chunk;
    });
    socket.end('SET half closed\r\n'.repeat(1000));
    await once(socket, 'close');
    expect(reply).toBe('+OK\r\n'.repeat(1000));
  });

  it('garbage on either port ends that connection only', async () => {
    const bystander = cluster.client(0);
    const garbage = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256));
    await exchange(port, garbage, reply => reply.startsWith('-ERR'));
    await exchange(cluster.nodes[0]!.busPort, garbage, closes);
    expect(await bystander.ping()).toBe('PONG');
  });

  it('a client that does not read its replies does not make the node grow without bound', async () => {
    const value = 'v'.repeat(1024 * 1024);
    const client = cluster.client(0);
    await client.set('megabyte', value);
    const before = await residentBytes(client);
    const deaf = await connected(port);
    deaf.pause();
    deaf.write('GET megabyte\r\n'.repeat(2000));
    await until('the deaf client’s commands are held back', () => isHoldingBack(client));
    for (let i = 0; i < 200; i++) await client.get('megabyte');
    expect((await residentBytes(client)) - before).toBeLessThan(400 * 1024 * 1024);
    deaf.destroy();
  });

  it('keys made to look like array indexes cost no more than others', async () => {
    const client = cluster.client(0);
    const timeOf = async (keys: readonly string[]): Promise<number> => {
      const startMs = performance.now();
      for (let i = 0; i < keys.length; i += 1000) {
        await client.mset(keys.slice(i, i + 1000).flatMap(key => [key, 'x']));
      }
      return performance.now() - startMs;
    };
    // What else runs on the machine only ever adds: the shortest of several times is the truest.
    const least = { ordinary: Number.POSITIVE_INFINITY, crafted: Number.POSITIVE_INFINITY };
    for (let round = 0; round < 4; round++) {
      const first = round * 10_000;
      const ordinary = Array.from({ length: 10_000 }, (_, i) => `ordinary-${((first + i) * 2654435761) % 4294967296}`);
      const crafted = Array.from({ length: 10_000 }, (_, i) => String((first + i) * 16_777_216));
      least.ordinary = Math.min(least.ordinary, await timeOf(ordinary));
      least.crafted = Math.min(least.crafted, await timeOf(crafted));
    }
    expect(least.crafted).toBeLessThan(least.ordinary * 3 + 200);
  });

  it('a key with an expiry is gone when its time has come', async () => {
    const client = cluster.client(0);
    await client.set('brief', 'x', 'PX', 150);
    expect(await client.pttl('brief')).toBeGreaterThan(0);
    await until('the key has expired', async () => (await client.get('brief')) === null, 5_000);
    expect(await client.exists('brief')).toBe(0);
  });

  it('SIGTERM answers in full what has been run, runs nothing more, and exits 0', async () => {
    const drained = await TestCluster.start(1);
    const client = drained.client(0);
    await client.set('large', 'x'.repeat(1 << 20));
    const slow = await connected(drained.nodes[0]!.port);
    slow.pause();
    slow.write('GET large\r\n'.repeat(50));
    await until('most of what was asked waits in the node', () => isHoldingBack(client));
    const ended = drained.nodes[0]!.end('SIGTERM');
    let bytes = 0;
    slow.on('data', chunk => {
      bytes += chunk.length;
    });
    slow.resume();
    await once(slow, 'close');
    const replyBytes = '$1048576\r\n'.length + (1 << 20) + '\r\n'.length;
    expect([bytes % replyBytes, bytes > 0, bytes < 50 * replyBytes]).toEqual([0, true, true]);
    expect(await ended).toBe(0);
    await drained.stop();
  });
});

/** Whether the node has read commands of some client that it does not run before the client reads replies. */
async function isHoldingBack(client: { call(...args: string[]): Promise<unknown> }): Promise<boolean> {
  return / qbuf=[1-9]/.test(String(await client.call('CLIENT', 'LIST')));
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function residentBytes(client: { info(section: string): Promise<string> }): Promise<number> {
  return Number(/used_memory_rss:(\d+)/.exec(await client.info('memory'))![1]);
}

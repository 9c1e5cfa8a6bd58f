import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { LoadConnection } from '../../bench/harness/load-connection.ts';
import type { LoadPlan } from '../../bench/harness/load-plan.ts';
import { freePorts } from '../e2e/test-cluster.ts';
import { until } from '../until.ts';

const PLAN: LoadPlan = {
  ports: [],
  db: 9,
  connections: 1,
  rate: 1,
  seconds: 1,
  smallKeys: 1,
  largeKeys: 1,
  smallBytes: 1,
  largeBytes: 1,
  largeShare: 0,
  writeShare: 0,
};
const VALUES = { small: Buffer.alloc(1), large: Buffer.alloc(1) };

let connection: LoadConnection | undefined;

afterEach(() => connection?.close());

function connect(port: number): { connection: LoadConnection; failures: string[] } {
  const failures: string[] = [];
  const sink = { answered: () => {}, failed: (error: string) => failures.push(error), planned: () => {} };
  connection = new LoadConnection(port, PLAN, VALUES, sink);
  return { connection, failures };
}

/** A server that answers whatever it is sent so. */
async function answering(reply: string): Promise<{ port: number; close(): void }> {
  const server = createServer(
    (socket: Socket) => void socket.on('error', () => {}).once('data', () => socket.end(reply)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

it('a load connection that is refused is never ready, and says why', async () => {
  const [port] = await freePorts(1);
  await expect(connect(port!).connection.ready()).rejects.toThrow('ECONNREFUSED');
});

it('one whose keyspace is refused says so, too, and one that ends before the reply', async () => {
  for (const [reply, error] of [
    ['-ERR DB index is out of range\r\n', 'DB index is out of range'],
    ['', 'the connection was closed'],
  ] as const) {
    const server = await answering(reply);
    await expect(connect(server.port).connection.ready()).rejects.toThrow(error);
    server.close();
  }
});

it('one that is answered is ready, and what goes wrong after that is counted', async () => {
  const server = await answering('+OK\r\n');
  const { connection, failures } = connect(server.port);
  await connection.ready();
  await until('its end is noticed', () => failures.length > 0);
  server.close();
  expect(failures).toEqual(['the connection was closed']);
});

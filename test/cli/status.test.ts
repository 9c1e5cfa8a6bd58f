import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { coterie } from './coterie-process.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers every chunk with what `answer` makes of it; its port. */
function serve(answer: (request: string, socket: Socket) => void): Promise<string> {
  const server = createServer(socket => {
    socket.on('error', () => {});
    socket.on('data', chunk => answer(String(chunk), socket));
  });
  servers.push(server);
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => resolve(String((server.address() as { port: number }).port)));
  });
}

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
const array = (items: readonly string[]) => `*${items.length}\r\n${items.join('')}`;

const NODES = array([
  array(['name', 'n1', 'status', 'alive', 'slots', '16384'].map(bulk)),
  array([...['name', 'n2', 'status', 'dead', 'slots'].map(bulk), ':5461\r\n']),
]);

it('prints the nodes that COTERIE NODES tells of as a table', async () => {
  const port = await serve((_, socket) => socket.write(NODES));
  const { status, stdout, stderr } = await coterie(['status', '-p', port]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.split('\n').map(line => line.split(/\s+/))).toEqual([
    ['name', 'status', 'ring', 'client', 'bus', 'zone', 'weight', 'refilling', 'slots-first', 'slots'],
    ['n1', 'alive', '-', '-', '-', '-', '-', '-', '-', '16384'],
    ['n2', 'dead', '-', '-', '-', '-', '-', '-', '-', '5461'],
    [''],
  ]);
});

it('tells below the table who has yet to merge or hand over what, and how long that may take', async () => {
  const entry = (name: string, ...fields: string[]) => array(['name', name, ...fields].map(bulk));
  const moving = (left: string) => ['slots-to-merge', left, 'slots-to-merge-of', '40'];
  const nodes = array([
    entry('n1', ...moving('10'), 'seconds-left', '7'),
    entry('n2', ...moving('40'), 'slots-to-hand-over', '3'),
    entry('n3', ...moving('0'), 'slots-to-hand-over', '3'),
    entry('n4'),
  ]);
  const port = await serve((_, socket) => socket.write(nodes));
  const { stdout } = await coterie(['status', '-p', port]);
  expect(stdout.split('\n').slice(5)).toEqual([
    'n1 has merged 30 of 40 slots that it will own, about 7 s left',
    'n2 has merged 0 of 40 slots that it will own, it cannot be said yet for how long, and has 3 slots to hand over',
    'n3 has 3 slots to hand over',
    '',
  ]);
});

it('logs in with the password of the flag, or else of the environment', async () => {
  const requests: string[] = [];
  const port = await serve((request, socket) => {
    requests.push(request);
    socket.write(`+OK\r\n${NODES}`);
  });
  expect((await coterie(['status', '-p', port, '-a', 'flag'], { COTERIE_PASSWORD: 'env' })).status).toBe(0);
  expect((await coterie(['status'], { COTERIE_PORT: port, COTERIE_PASSWORD: 'env' })).status).toBe(0);
  expect(requests.map(request => /AUTH\r\n\$\d+\r\n(\w+)/.exec(request)?.[1])).toEqual(['flag', 'env']);
});

it.each([
  ['-NOAUTH Authentication required.\r\n', 'NOAUTH Authentication required.'],
  ['+PONG\r\n', 'the answer to COTERIE NODES is no list'],
  ['*1\r\n:1\r\n', 'the answer to COTERIE NODES is no list of nodes'],
  ['HTTP/1.1 400 Bad Request\r\n\r\n', 'Protocol error'],
])('an answer of %j is one line and status 1', async (answer, message) => {
  const port = await serve((_, socket) => socket.write(answer));
  const { status, stdout, stderr } = await coterie(['status', '-p', port]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^coterie: 127\.0\.0\.1:\d+ does not answer as a node: .*\n$/);
  expect(stderr).toContain(message);
});

it('a node that hangs up, or is not there, is one line and status 1', async () => {
  const port = await serve((_, socket) => socket.destroy());
  const closed = await coterie(['status', '-p', port]);
  expect(closed.status).toBe(1);
  expect(closed.stderr).toMatch(/^coterie: .*\n$/);
  const absent = await coterie(['status', '-p', '1']);
  expect(absent.status).toBe(1);
  expect(absent.stderr).toMatch(/^coterie: 127\.0\.0\.1:1 does not answer as a node: .*ECONNREFUSED.*\n$/);
});

import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'vitest';
import { Bus, type BusEvents, type BusOptions } from '../../../src/io/bus/bus.ts';
import { DiallerHandshake, PROTOCOL_OFFER } from '../../../src/io/bus/handshake.ts';
import { SeededRandom } from '../../../src/lib/seeded-random.ts';
import type { LogFields } from '../../../src/ports/log.ts';
import type { BusAddress, PeerIdentity } from '../../../src/ports/outbox.ts';
import { until as untilNamed } from '../../until.ts';

/** One node's bus with everything it reported, in order. */
export interface TestBus {
  readonly bus: Bus;
  readonly address: BusAddress;
  readonly identity: PeerIdentity;
  /** `up n1.0a`, `down n1`, `heard n1.0a`, `silent n1.0a`, `refused <reason>`, `pressure true`, in their order. */
  readonly reports: string[];
  readonly messages: { from: string; message: Buffer }[];
  readonly logs: { event: string; fields: LogFields | undefined }[];
}

export interface TestBusOptions extends Partial<Omit<BusOptions, 'identity' | 'log' | 'random'>> {
  readonly name: string;
  /** Hexadecimal digits after the name; another for another start. */
  readonly start?: string;
  readonly clusterId?: string;
  readonly port?: number;
  readonly onMessage?: BusEvents['message'];
}

const open: Bus[] = [];
const sockets: Socket[] = [];
const servers: Server[] = [];

/** A bus that listens on the loopback. `closeAll` ends it. */
export async function startBus(options: TestBusOptions): Promise<TestBus> {
  const { name, start = '0a', clusterId = 'c1', port = 0, onMessage, ...rest } = options;
  const reports: string[] = [];
  const messages: TestBus['messages'] = [];
  const logs: TestBus['logs'] = [];
  const note = (event: string, fields?: LogFields): void => void logs.push({ event, fields });
  const here = { host: '127.0.0.1', port };
  const identity = { name, actor: `${name}.${start}`, clusterId, bus: here, client: here, zone: 'z', weight: 1 };
  const bus = new Bus(
    {
      secret: 'secret',
      ...rest,
      listen: here,
      limits: { tickMs: 20, ...rest.limits },
      identity: () => identity,
      random: new SeededRandom(port + name.length),
      log: { info: note, warn: note, error: note },
    },
    {
      linkUp: peer => reports.push(`up ${peer.actor}`),
      linkDown: peer => reports.push(`down ${peer}`),
      heard: peer => reports.push(`heard ${peer.actor}`),
      silent: peer => reports.push(`silent ${peer.actor}`),
      refused: (_address, reason) => reports.push(`refused ${reason}`),
      pressure: on => reports.push(`pressure ${on}`),
      message: onMessage ?? ((from, message) => messages.push({ from, message })),
    },
  );
  const address = await bus.listen();
  bus.open();
  identity.bus = address;
  open.push(bus);
  return { bus, address, identity, reports, messages, logs };
}

/** Ends every bus, socket and server of the test. */
export async function closeAll(): Promise<void> {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(open.splice(0).map(bus => bus.close(0)));
  for (const server of servers.splice(0)) server.close();
}

/** A plain socket to a bus, connected. */
export function stranger(address: BusAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(address.port, address.host, () => resolve(socket));
    socket.on('error', reject);
    sockets.push(socket);
  });
}

/** A server that is no bus. `closeAll` ends it. */
export function impostor(onSocket: (socket: Socket) => void): Promise<BusAddress> {
  const server = createServer(socket => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  servers.push(server);
  return new Promise(resolve =>
    server.listen(0, '127.0.0.1', () =>
      resolve({ host: '127.0.0.1', port: (server.address() as { port: number }).port }),
    ),
  );
}

/** A dialler of our own making, past the handshake with `to`. */
export async function rawPeer(to: TestBus, name: string): Promise<Socket> {
  const socket = await stranger(to.address);
  const handshake = new DiallerHandshake({
    identity: { ...to.identity, name, actor: `${name}.0f` },
    secret: 'secret',
    nonce: randomBytes(32),
    offer: PROTOCOL_OFFER,
    judge: () => undefined,
  });
  socket.write(handshake.start());
  await new Promise<void>((resolve, reject) => {
    socket.on('data', chunk => {
      const outcome = handshake.receive(chunk);
      if (outcome.kind === 'continue') return outcome.reply === undefined || socket.write(outcome.reply);
      socket.removeAllListeners('data');
      return outcome.kind === 'done' ? resolve() : reject(new Error(outcome.kind));
    });
  });
  return socket;
}

/** Waits until `condition` holds. @throws after `deadlineMs` with what `condition` says of itself. */
export function until(condition: () => boolean, deadlineMs = 15_000): Promise<void> {
  return untilNamed(condition.toString(), condition, deadlineMs, 1);
}

/** Both links between two buses, up. */
export async function join(a: TestBus, b: TestBus): Promise<void> {
  a.bus.dial(b.address);
  b.bus.dial(a.address);
  await until(() => a.reports.includes(`up ${b.identity.actor}`) && b.reports.includes(`up ${a.identity.actor}`));
  await until(() => a.reports.includes(`heard ${b.identity.actor}`) && b.reports.includes(`heard ${a.identity.actor}`));
}

export const text = (message: Buffer): string => message.toString('latin1');

/** A relay that can stop reading the dialler's bytes, as a stopped process would. */
export async function halfDeafRelay(
  first: BusAddress,
): Promise<{ address: BusAddress; deafen(): void; hear(): void; dials(): number; lead(to: BusAddress): void }> {
  let to = first;
  let deaf = false;
  let dials = 0;
  const sockets: Socket[] = [];
  const address = await impostor(async socket => {
    dials++;
    sockets.push(socket);
    const onward = await stranger(to);
    onward.on('error', () => {});
    socket.on('data', chunk => onward.write(chunk));
    socket.on('close', () => onward.destroy());
    onward.on('data', chunk => socket.write(chunk));
    onward.on('close', () => socket.destroy());
    if (deaf) socket.pause();
  });
  return {
    address,
    dials: () => dials,
    /** Connections from now on end there. */
    lead(next) {
      to = next;
    },
    deafen() {
      deaf = true;
      for (const socket of sockets) socket.pause();
    },
    hear() {
      deaf = false;
      for (const socket of sockets) socket.resume();
    },
  };
}

/** Whether a message still passes from one to the other. */
export async function expectTalk(from: TestBus, to: TestBus): Promise<void> {
  const word = randomBytes(8).toString('hex');
  expect(from.bus.send(to.identity.name, Buffer.from(word))).toBe(true);
  await until(() => to.messages.some(({ message }) => text(message) === word));
}

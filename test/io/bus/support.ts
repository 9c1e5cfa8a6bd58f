import { connect, type Socket } from 'node:net';
import { Bus, type BusEvents, type BusOptions } from '../../../src/io/bus/bus.ts';
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
  identity.bus = address;
  open.push(bus);
  return { bus, address, identity, reports, messages, logs };
}

/** Ends every bus and socket of the test. */
export async function closeAll(): Promise<void> {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(open.splice(0).map(bus => bus.close(0)));
}

/** A plain socket to a bus, connected. */
export function stranger(address: BusAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(address.port, address.host, () => resolve(socket));
    socket.on('error', reject);
    sockets.push(socket);
  });
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

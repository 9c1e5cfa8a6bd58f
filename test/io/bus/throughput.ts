/**
 * Small messages from one process to another, as many as the link takes: `node test/io/bus/throughput.ts [seconds] [bytes]`.
 * Prints what the receiver counted and the processor time that each side took, which load on the machine changes less. Not a test: run it by hand.
 */
import { fork } from 'node:child_process';
import { Bus } from '../../../src/io/bus/bus.ts';
import { SeededRandom } from '../../../src/lib/seeded-random.ts';
import type { PeerIdentity } from '../../../src/ports/outbox.ts';

const seconds = Number(process.argv[2] ?? 3);
const bytes = Number(process.argv[3] ?? 64);
const log = { info() {}, warn: console.error, error: console.error };

function identityOf(name: string, port: number): PeerIdentity {
  const address = { host: '127.0.0.1', port };
  return {
    name,
    actor: `${name}.00000000000000${port % 89}`,
    clusterId: 'c',
    bus: address,
    client: address,
    zone: '',
    weight: 1,
  };
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e3;
}

async function receive(): Promise<void> {
  let messages = 0;
  let received = 0;
  const identity = identityOf('receiver', 2);
  const bus = new Bus(
    { listen: { host: '127.0.0.1', port: 0 }, identity: () => identity, secret: 's', random: new SeededRandom(1), log },
    {
      linkUp() {},
      linkDown() {},
      heard() {},
      refused() {},
      message(_from, message) {
        messages++;
        received += message.length;
      },
    },
  );
  const address = await bus.listen();
  bus.open();
  process.send!(address.port);
  let last = performance.now();
  let cpu = process.cpuUsage();
  setInterval(() => {
    const now = performance.now();
    const perSecond = 1_000 / (now - last);
    last = now;
    const busy = cpuMs(cpu);
    cpu = process.cpuUsage();
    const rss = Math.round(process.memoryUsage().rss / 1e6);
    const megabytes = Math.round((received * perSecond) / 1e6);
    const cost = `${((busy * 1e3) / messages).toFixed(2)} µs a message`;
    console.log(`${Math.round(messages * perSecond)} messages/s, ${megabytes} MB/s, receiver ${cost}, ${rss} MB`);
    messages = 0;
    received = 0;
  }, 1_000);
  process.on('disconnect', () => process.exit(0));
}

function send(port: number): void {
  const identity = identityOf('sender', 1);
  const head = Buffer.alloc(Math.min(bytes, 24), 1);
  const body = Buffer.alloc(Math.max(0, bytes - 24), 2);
  let up = false;
  let sent = 0;
  const bus = new Bus(
    { listen: { host: '127.0.0.1', port: 0 }, identity: () => identity, secret: 's', random: new SeededRandom(2), log },
    {
      linkUp() {
        up = true;
        turn();
      },
      linkDown() {
        up = false;
      },
      heard() {},
      refused: console.error,
      message() {},
    },
  );
  const inTurn = Math.max(1, Math.min(1_000, Math.floor(4e6 / bytes)));
  const turn = (): void => {
    if (!up) return;
    for (let i = 0; i < inTurn && bus.queuedBytes('receiver') < 4e6; i++) {
      if (bus.send('receiver', head, body)) sent++;
    }
    setImmediate(turn);
  };
  bus.dial({ host: '127.0.0.1', port });
  setTimeout(() => {
    console.log(`sender ${((cpuMs({ user: 0, system: 0 }) * 1e3) / sent).toFixed(2)} µs a message`);
    process.exit(0);
  }, seconds * 1_000);
}

if (process.send === undefined) {
  const child = fork(import.meta.filename, ['receive'], { stdio: 'inherit' });
  child.once('message', port => send(Number(port)));
} else {
  await receive();
}

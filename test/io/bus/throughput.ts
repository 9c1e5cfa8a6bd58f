/**
 * Small messages from one process to another, as many as the link takes: `node test/io/bus/throughput.ts [seconds] [bytes]`.
 * Prints what the receiver counted. Not a test: run it by hand.
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
  process.send!(address.port);
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    const perSecond = 1_000 / (now - last);
    last = now;
    const rss = Math.round(process.memoryUsage().rss / 1e6);
    console.log(
      `${Math.round(messages * perSecond)} messages/s, ${Math.round((received * perSecond) / 1e6)} MB/s, receiver ${rss} MB`,
    );
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
    if (bus.queuedBytes('receiver') < 4e6) for (let i = 0; i < inTurn; i++) bus.send('receiver', head, body);
    setImmediate(turn);
  };
  bus.dial({ host: '127.0.0.1', port });
  setTimeout(() => process.exit(0), seconds * 1_000);
}

if (process.send === undefined) {
  const child = fork(import.meta.filename, ['receive'], { stdio: 'inherit' });
  child.once('message', port => send(Number(port)));
} else {
  await receive();
}

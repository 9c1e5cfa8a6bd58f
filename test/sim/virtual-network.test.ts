import { expect, test } from 'vitest';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import type { PeerIdentity } from '../../src/ports/outbox.ts';
import type { MessageFate, MessageFaults } from '../../src/sim/message-faults.ts';
import { Trace } from '../../src/sim/trace.ts';
import { VirtualTime } from '../../src/sim/virtual-clock.ts';
import { type Endpoint, VirtualNetwork } from '../../src/sim/virtual-network.ts';

const ADDRESS = { host: '10.0.0.1', port: 1 };

/** A process that notes what it is sent, and when. */
class Listener implements Endpoint {
  readonly running = true;
  readonly received: [message: string, atMs: number][] = [];
  readonly index: number;
  readonly name: string;
  readonly #time: VirtualTime;

  constructor(index: number, time: VirtualTime) {
    this.index = index;
    this.name = `n${index}`;
    this.#time = time;
  }

  identity(): PeerIdentity {
    const { name } = this;
    return { name, actor: `${name}.1`, clusterId: 'c', bus: ADDRESS, client: ADDRESS, zone: '', weight: 1 };
  }

  linkUp(): void {}
  linkDown(): void {}
  heard(): void {}

  receive(_: string, message: Buffer): void {
    this.received.push([message.toString(), Math.round(this.#time.nowMs)]);
  }

  enter(action: () => void): void {
    action();
  }
}

/** Two nodes, one of which sends messages; each has its fate, and `!` before it: behind all that was sent before it. */
function arrivals(...sent: (readonly [message: string, fate: MessageFate])[]): [message: string, afterMs: number][] {
  const time = new VirtualTime();
  const fates = sent.map(([, fate]) => fate);
  const faults = { latencyMs: () => 1, fate: () => fates.shift()! } as unknown as MessageFaults;
  const network = new VirtualNetwork(2, time, new SeededRandom(1), faults, new Trace());
  const [from, to] = [new Listener(0, time), new Listener(1, time)];
  for (const each of [from, to]) network.open(each);
  const outbox = network.outboxOf(from);
  outbox.dial(VirtualNetwork.addressOf(1));
  time.run(10, () => false);
  for (const [message] of sent) {
    const bytes = Buffer.from(message);
    if (message.startsWith('!')) outbox.sendOrdered('n1', bytes);
    else outbox.send('n1', bytes);
  }
  time.run(10_000, () => false);
  return to.received.map(([message, atMs]) => [message, atMs - 10]);
}

const inOrder = (...delaysMs: number[]): MessageFate => ({ delaysMs, inOrder: true });

test('a message that is late keeps waiting what comes after it, but for what may overtake', () => {
  expect(arrivals(['a', inOrder(500)], ['b', inOrder(1)], ['c', { delaysMs: [1], inOrder: false }])).toEqual([
    ['c', 1],
    ['a', 500],
    ['b', 500],
  ]);
});

test('the late copy of a message keeps nothing waiting but what goes behind all', () => {
  expect(arrivals(['a', inOrder(1, 900)], ['b', inOrder(2)], ['!c', inOrder(3)], ['d', inOrder(4)])).toEqual([
    ['a', 1],
    ['b', 2],
    ['d', 4],
    ['a', 900],
    ['!c', 900],
  ]);
});

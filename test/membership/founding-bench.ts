import { drawHex } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { Founding } from '../../src/membership/founding.ts';
import type { FoundingMessage } from '../../src/membership/founding-messages.ts';
import type { FoundingEvent } from '../../src/membership/founding-ports.ts';
import type { BusAddress, PeerIdentity } from '../../src/ports/outbox.ts';

export interface BenchNode {
  readonly core: Founding;
  readonly identity: PeerIdentity;
  readonly events: FoundingEvent[];
  readonly dialled: BusAddress[];
  nowMs: number;
}

interface Sent {
  readonly from: string;
  readonly to: string;
  readonly message: FoundingMessage;
}

/** Founding cores whose messages go nowhere until the test delivers them. */
export class FoundingBench {
  readonly underway: Sent[] = [];
  /** Who asked to be let in, and what they are told. */
  readonly joiners: string[] = [];
  refusal: string | undefined;
  readonly #nodes = new Map<string, BenchNode>();
  readonly #random = new SeededRandom(1);

  /** Starts a process; one of the same name is gone. */
  start(name: string, expectNodes: number, alone = false): BenchNode {
    const at = { host: name, port: 16_379 };
    const actor = `${name}.${drawHex(this.#random, 4)}`;
    const identity = { name, actor, clusterId: '', bus: at, client: at, zone: 'z', weight: 1 };
    const events: FoundingEvent[] = [];
    const dialled: BusAddress[] = [];
    const core = new Founding(
      { self: identity, expectNodes, alone, replaces: undefined },
      {
        random: this.#random,
        send: (to, message) => this.underway.push({ from: name, to, message }) > 0,
        dial: address => dialled.push(address),
        join: ({ name }) => {
          this.joiners.push(name);
          return this.refusal;
        },
        event: event => events.push(event),
      },
    );
    const node = { core, identity, events, dialled, nowMs: 0 };
    this.#nodes.set(name, node);
    return node;
  }

  node(name: string): BenchNode {
    return this.#nodes.get(name)!;
  }

  /** Links in both directions. */
  meet(a: string, b: string): void {
    this.link(a, b);
    this.link(b, a);
  }

  link(from: string, to: string): void {
    this.node(to).core.heard(this.#identity(from));
    this.node(from).core.linkUp(this.#identity(to));
  }

  #identity(name: string): PeerIdentity {
    const { identity, core } = this.node(name);
    return { ...identity, clusterId: core.cluster?.id ?? '' };
  }

  tick(name: string, ms = 100): void {
    const node = this.node(name);
    for (let passed = 0; passed < ms; passed += 100) {
      node.nowMs += 100;
      node.core.tick(node.nowMs);
    }
  }

  /** Takes the messages of this kind off the way, oldest first; `from` and `to` narrow it. */
  take(type: string, from?: string, to?: string): Sent[] {
    const taken = this.underway.filter(
      sent => sent.message.type === type && (from ?? sent.from) === sent.from && (to ?? sent.to) === sent.to,
    );
    for (const sent of taken) this.underway.splice(this.underway.indexOf(sent), 1);
    return taken;
  }

  deliver(...messages: Sent[]): void {
    for (const { from, to, message } of messages) this.node(to).core.receive(from, message, this.node(to).nowMs);
  }

  /** Delivers what is of these kinds, and what that leads to, until there is no more of it. */
  settle(...types: string[]): void {
    for (let round = 0; round < 20; round++) for (const type of types) this.deliver(...this.take(type));
  }

  /** Lets all these say hello and time pass until `proposer` has proposed. */
  bringToPropose(proposer: string): void {
    for (let i = 0; i < 20 && !this.underway.some(({ message }) => message.type === 'propose'); i++) {
      this.settle('hello');
      this.tick(proposer);
    }
  }
}

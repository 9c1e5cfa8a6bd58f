import { drawBelow, drawChance, drawHex } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { Founding } from '../../src/membership/founding.ts';
import { type FoundingMessage, parseFoundingMessage } from '../../src/membership/founding-messages.ts';
import type { FoundingEvent } from '../../src/membership/founding-ports.ts';
import type { BusAddress, PeerIdentity } from '../../src/ports/outbox.ts';
import { VirtualTime } from './virtual-time.ts';

export interface FoundingNetworkOptions {
  readonly names: readonly string[];
  readonly expectNodes: number;
  readonly seed: number;
  /** Names whose addresses every node is told at its start. */
  readonly seeds: readonly string[];
  readonly alone?: boolean;
}

export interface Node {
  readonly name: string;
  readonly port: number;
  core: Founding;
  self: PeerIdentity;
  running: boolean;
  /** Has ever promised, as this process. */
  promised: boolean;
  dialled: Set<number>;
  events: FoundingEvent[];
}

/**
 * Founding cores on a network that is worse than the bus: messages are lost, doubled, late and out of order, also
 * across restarts, whose victims' last words may arrive after the new process has said its first.
 */
export class FoundingNetwork {
  readonly time = new VirtualTime();
  readonly random: SeededRandom;
  readonly nodes: Node[];
  loss = 0;
  duplication = 0;
  maxDelayMs = 5;
  /** Part of the messages that take up to `longDelayMs` instead. */
  stragglers = 0;
  longDelayMs = 3_000;
  /** Called for every message sent. */
  onSend: (from: Node, to: Node, message: FoundingMessage) => void = () => {};
  readonly #options: FoundingNetworkOptions;
  readonly #cut = new Set<string>();

  constructor(options: FoundingNetworkOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    this.nodes = options.names.map((name, i) => {
      const node = { name, port: 1_000 + i, running: false, promised: false, dialled: new Set<number>(), events: [] };
      return node as unknown as Node;
    });
  }

  node(name: string): Node {
    return this.nodes.find(node => node.name === name)!;
  }

  start(name: string): void {
    const node = this.node(name);
    const random = this.random.fork();
    const actor = `${name}.${drawHex(random, 8)}`;
    const bus = { host: 'h', port: node.port };
    node.self = { name, actor, clusterId: '', bus, client: bus, zone: 'z', weight: 1 };
    node.running = true;
    node.promised = false;
    node.dialled = new Set();
    const { expectNodes, alone = false } = this.#options;
    const core = new Founding(
      { self: node.self, expectNodes, alone, replaces: undefined },
      {
        random,
        send: (to, message) => this.#send(node, core, to, message),
        dial: address => this.#dial(node, core, address),
        join: () => 'the ring stands still',
        event: event => this.#event(node, event),
      },
    );
    node.core = core;
    for (const seed of this.#options.seeds) this.#dial(node, core, { host: 'h', port: this.node(seed).port });
    const tick = () => {
      if (node.core !== core || !node.running) return;
      core.tick(this.time.nowMs);
      this.time.in(100, tick);
    };
    this.time.in(1 + drawBelow(this.random, 100), tick);
  }

  /** The process is gone at once; what it sent is still under way. */
  stop(name: string): void {
    const node = this.node(name);
    node.running = false;
    for (const other of this.nodes) if (other !== node) this.breakLink(other.name, name);
  }

  /** The link from one to the other breaks; it is dialled again. */
  breakLink(from: string, to: string): void {
    const node = this.node(from);
    const { core } = node;
    if (!node.running) return;
    core.linkDown(to);
    this.time.in(20 + drawBelow(this.random, 100), () => this.#connect(node, core, this.node(to).port));
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
    const node = this.node(from);
    if (node.running) this.breakLink(from, to);
  }

  heal(from: string, to: string): void {
    this.#cut.delete(`${from}>${to}`);
  }

  healAll(): void {
    this.#cut.clear();
  }

  /** Ids of the clusters that running processes belong to. */
  clusters(): Set<string> {
    const ids = this.nodes.filter(node => node.running).map(node => node.core.cluster?.id);
    return new Set(ids.filter(id => id !== undefined));
  }

  allFounded(): boolean {
    return this.nodes.every(node => node.running && node.core.cluster !== undefined);
  }

  #event(node: Node, event: FoundingEvent): void {
    node.events.push(event);
    const ids = this.clusters();
    if (ids.size > 1) throw new Error(`Two clusters from one set: ${[...ids].join(' and ')}`);
  }

  #dial(node: Node, core: Founding, address: BusAddress): void {
    if (node.dialled.has(address.port)) return;
    node.dialled.add(address.port);
    this.time.in(1 + drawBelow(this.random, 20), () => this.#connect(node, core, address.port));
  }

  /** Makes the link when the other end listens, otherwise tries again. */
  #connect(node: Node, core: Founding, port: number): void {
    if (node.core !== core || !node.running) return;
    const peer = this.nodes[port - 1_000]!;
    if (peer === node) return;
    if (!peer.running || this.#cut.has(`${node.name}>${peer.name}`))
      return this.time.in(50, () => this.#connect(node, core, port));
    peer.core.heard(identityOf(node));
    core.linkUp(identityOf(peer));
  }

  #send(from: Node, core: Founding, to: string, message: FoundingMessage): boolean {
    if (from.core !== core || !from.running) return false;
    const peer = this.node(to);
    if (message.type === 'promise' || message.type === 'propose') from.promised = true;
    this.onSend(from, peer, message);
    const parsed = parseFoundingMessage(structuredClone(message));
    if (parsed === undefined) throw new Error(`Cannot send ${JSON.stringify(message)}: its receiver refuses it`);
    if (this.#cut.has(`${from.name}>${to}`)) return false;
    const copies = drawChance(this.random, this.loss) ? 0 : drawChance(this.random, this.duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const maxMs = drawChance(this.random, this.stragglers) ? this.longDelayMs : this.maxDelayMs;
      this.time.in(1 + drawBelow(this.random, maxMs), () => {
        if (peer.running) peer.core.receive(from.name, parsed, this.time.nowMs);
      });
    }
    return true;
  }
}

function identityOf(node: Node): PeerIdentity {
  return { ...node.self, clusterId: node.core.cluster?.id ?? '' };
}

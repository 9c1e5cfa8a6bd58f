import { drawBelow, drawChance, drawHex } from '../lib/draw.ts';
import { SeededRandom } from '../lib/seeded-random.ts';
import { type ClusterMember, clusterMember } from '../membership/cluster.ts';
import type { MemberStatus, MembershipEvent } from '../membership/member.ts';
import { Swim } from '../membership/swim.ts';
import type { SwimMessage } from '../membership/swim-messages.ts';
import type { SwimTimings } from '../membership/swim-options.ts';
import { decodeControl, encodeControl } from '../node/control-messages.ts';
import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import { VirtualTime } from './virtual-clock.ts';

/** As in the shell: how often `tick` is called. */
const TICK_MS = 100;
/** A local network: a message is under way for 1, 2 or 3 ms. */
const DELAYS = 3;
/** Of a message on the bus (docs/bus.md, Frames). */
const FRAME_HEADER_BYTES = 4;

export interface Observed extends MembershipEvent {
  readonly by: NodeName;
}

/** One member's `Swim`, and the process it would run in. */
export interface MembershipNode {
  readonly index: number;
  readonly name: NodeName;
  swim: Swim;
  /** Rises with every crash and restart: what was meant for an earlier life is dropped. */
  life: number;
  running: boolean;
  stalledUntilMs: number;
  /** How far its wall clock is ahead of a perfect one. */
  clockAheadMs: number;
}

export interface MembershipNetworkOptions {
  readonly nodes: number;
  readonly seed: number;
  /** Share of messages that vanish. */
  readonly loss?: number;
  readonly timings?: Partial<SwimTimings>;
  /** Whether messages become bytes and are read again, and the bytes are counted. Default true; costs most of the time. */
  readonly encoded?: boolean;
  /** Gets what the nodes notice. */
  readonly observe?: (event: Observed) => void;
}

/** What a member of these networks says of itself. */
export function identityOf(name: NodeName, actor = `${name}.0000000000000001`): PeerIdentity {
  const at = (port: number) => ({ host: '10.0.0.1', port });
  return { name, actor, clusterId: 'c'.repeat(32), bus: at(16_379), client: at(6_379), zone: 'z1', weight: 1 };
}

/**
 * Membership alone: the `Swim` of every member on a virtual network of ordered links with loss, cuts, stalls, crashes
 * and restarts. What is not there, replication and its clients, is what makes the whole simulator a hundred times slower.
 */
export class MembershipNetwork {
  readonly time = new VirtualTime();
  readonly nodes: readonly MembershipNode[];
  readonly random: SeededRandom;
  readonly loss: number;
  bytes = 0;
  messages = 0;
  readonly #options: MembershipNetworkOptions;
  readonly #places: readonly ClusterMember[];
  readonly #byName: ReadonlyMap<NodeName, MembershipNode>;
  /** By link: `from * nodes + to`. Messages on it vanish without anyone being told. */
  readonly #cut: Uint8Array;
  /** Its sender knows that it is down. */
  readonly #broken: Uint8Array;
  readonly #lastArrivalMs: Float64Array;

  constructor(options: MembershipNetworkOptions) {
    this.#options = options;
    this.loss = options.loss ?? 0;
    this.random = new SeededRandom(options.seed);
    const links = options.nodes ** 2;
    this.#cut = new Uint8Array(links);
    this.#broken = new Uint8Array(links);
    this.#lastArrivalMs = new Float64Array(links);
    const names = Array.from({ length: options.nodes }, (_, i) => `n${i + 1}`);
    this.#places = names.map(name => clusterMember(identityOf(name)));
    const process = { life: 0, running: true, stalledUntilMs: 0, clockAheadMs: 0 };
    this.nodes = names.map((name, index) => ({ index, name, swim: this.#newSwim(index, name, 1), ...process }));
    this.#byName = new Map(this.nodes.map(node => [node.name, node]));
    for (const node of this.nodes) this.#startTicks(node);
  }

  node(name: NodeName): MembershipNode {
    return this.#byName.get(name)!;
  }

  running(): MembershipNode[] {
    return this.nodes.filter(node => node.running);
  }

  /** Whether every running node other than it believes this of `name`. */
  allBelieve(name: NodeName, status: MemberStatus): boolean {
    return this.nodes.every(node => !node.running || node.name === name || node.swim.statusOf(name) === status);
  }

  allAlive(): boolean {
    return this.running().every(({ name }) => this.allBelieve(name, 'alive'));
  }

  run(ms: number): void {
    this.time.run(this.time.nowMs + ms, () => false);
  }

  /** Runs until `condition` holds, asked every 10 ms; returns how long that took, or undefined after `limitMs`. */
  runUntil(condition: () => boolean, limitMs: number): number | undefined {
    const startMs = this.time.nowMs;
    while (!condition()) {
      if (this.time.nowMs - startMs >= limitMs) return undefined;
      this.run(10);
    }
    return this.time.nowMs - startMs;
  }

  /** `reset`: the machine lives and closes the connections; otherwise nothing comes any more. */
  crash(name: NodeName, how: 'reset' | 'silent'): void {
    const node = this.node(name);
    node.running = false;
    node.life++;
    if (how === 'silent') return;
    for (const other of this.running())
      this.#do(other, 1, () => {
        this.#broken[this.#link(other, node)] = 1;
        other.swim.linkDown(name, this.time.nowMs);
      });
  }

  restart(name: NodeName, startedAtMs = this.time.nowMs + 1_000_000): void {
    const node = this.node(name);
    node.running = true;
    node.life++;
    node.swim = this.#newSwim(node.index, name, startedAtMs);
    this.#startTicks(node);
    const identity = identityOf(name);
    for (const other of this.running()) {
      if (other === node) continue;
      this.#do(other, 5, () => {
        this.#broken[this.#link(other, node)] = 0;
        other.swim.linkUp(identity, this.time.nowMs);
      });
      this.#do(node, 5, () => node.swim.linkUp(identityOf(other.name), this.time.nowMs));
    }
  }

  stall(name: NodeName, ms: number): void {
    this.node(name).stalledUntilMs = this.time.nowMs + ms;
  }

  /** Messages from the one to the other vanish, without anyone being told. */
  cut(from: NodeName, to: NodeName): void {
    this.#cut[this.#link(this.node(from), this.node(to))] = 1;
  }

  healAll(): void {
    this.#cut.fill(0);
  }

  #link(from: MembershipNode, to: MembershipNode): number {
    return from.index * this.nodes.length + to.index;
  }

  #newSwim(index: number, name: NodeName, startedAtMs: number): Swim {
    const random = this.random.fork();
    const self = identityOf(name, `${name}.${drawHex(random, 8)}`);
    const { timings, observe } = this.#options;
    return new Swim(
      { self, startedAtMs, members: this.#places, timings: { tickIntervalMs: TICK_MS, ...timings } },
      {
        random,
        wallMs: () => this.time.wallMs + this.nodes[index]!.clockAheadMs,
        latestMs: () => this.time.wallMs + this.nodes[index]!.clockAheadMs,
        send: (to, message) => this.#send(this.nodes[index]!, to, message),
        event: event => observe?.({ by: name, ...event }),
      },
    );
  }

  #startTicks(node: MembershipNode): void {
    const { life } = node;
    const tick = () => {
      if (node.life !== life) return;
      const { nowMs } = this.time;
      if (node.stalledUntilMs > nowMs) return this.time.at(node.stalledUntilMs, tick);
      node.swim.judgeClock(nowMs);
      node.swim.tick(nowMs);
      this.time.in(TICK_MS, tick);
    };
    this.time.in(1 + drawBelow(this.random, TICK_MS), tick);
  }

  #send(from: MembershipNode, to: NodeName, message: SwimMessage): boolean {
    const target = this.node(to);
    const link = this.#link(from, target);
    if (this.#broken[link] === 1) return false;
    this.messages++;
    const received = this.#options.encoded === false ? message : this.#carry(message);
    if (!target.running || this.#cut[link] === 1 || drawChance(this.random, this.loss)) return true;
    const { nowMs } = this.time;
    const arrivalMs = Math.max(nowMs + 1 + drawBelow(this.random, DELAYS), this.#lastArrivalMs[link]!);
    this.#lastArrivalMs[link] = arrivalMs;
    this.#do(target, arrivalMs - nowMs, () => target.swim.receive(from.name, received, this.time.nowMs));
    return true;
  }

  /** The message as its receiver reads it. */
  #carry(message: SwimMessage): SwimMessage {
    const { head } = encodeControl({ kind: 'swim', message });
    this.bytes += FRAME_HEADER_BYTES + head.length;
    const read = decodeControl(Buffer.from(head));
    if (read?.kind !== 'swim') throw new Error(`Cannot send ${JSON.stringify(message)}: its receiver refuses it`);
    return read.message;
  }

  /** Runs on this node's event loop: not while it stalls, and only in this life of it. */
  #do(node: MembershipNode, inMs: number, action: () => void): void {
    const { life } = node;
    const attempt = () => {
      if (node.life !== life) return;
      if (node.stalledUntilMs > this.time.nowMs) this.time.at(node.stalledUntilMs, attempt);
      else action();
    };
    this.time.in(inMs, attempt);
  }
}

import { pack } from 'msgpackr';
import { drawBelow, drawChance, drawHex } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import type { ClusterMember } from '../../src/membership/cluster.ts';
import type { MembershipEvent } from '../../src/membership/member.ts';
import { Swim } from '../../src/membership/swim.ts';
import { parseSwimMessage, type SwimMessage } from '../../src/membership/swim-messages.ts';
import type { SwimTimings } from '../../src/membership/swim-options.ts';
import type { PeerIdentity } from '../../src/ports/outbox.ts';
import { VirtualTime } from './virtual-time.ts';

export function identityOf(name: string, actor = `${name}.0000000000000001`): PeerIdentity {
  const at = (port: number) => ({ host: '10.0.0.1', port });
  return { name, actor, clusterId: 'c'.repeat(32), bus: at(16_379), client: at(6_379), zone: 'z1', weight: 1 };
}

export interface Observed extends MembershipEvent {
  readonly by: string;
}

interface Node {
  readonly name: string;
  swim: Swim;
  /** Rises with every crash and restart: what was meant for an earlier life is dropped. */
  life: number;
  running: boolean;
  stalledUntilMs: number;
}

export interface NetworkOptions {
  readonly nodes: number;
  readonly seed: number;
  readonly loss?: number;
  readonly timings?: Partial<SwimTimings>;
  /** Counts the bytes of every message; slow. */
  readonly measure?: boolean;
}

/** Swim instances on a network of ordered links with 1…3 ms delay, loss, cuts, stalls, crashes and restarts. */
export class SwimNetwork {
  readonly time = new VirtualTime();
  readonly events: Observed[] = [];
  readonly nodes: readonly Node[];
  readonly random: SeededRandom;
  loss: number;
  bytes = 0;
  messages = 0;
  readonly #options: NetworkOptions;
  readonly #places: readonly ClusterMember[];
  readonly #cut = new Set<string>();
  /** Links that their sender knows to be down. */
  readonly #broken = new Set<string>();
  readonly #lastArrivalMs = new Map<string, number>();

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.loss = options.loss ?? 0;
    this.random = new SeededRandom(options.seed);
    const names = Array.from({ length: options.nodes }, (_, i) => `n${i + 1}`);
    this.#places = names.map(name => identityOf(name));
    this.nodes = names.map(name => {
      const node = { name, life: 0, running: true, stalledUntilMs: 0 };
      return Object.assign(node, { swim: this.#newSwim(name) });
    });
    for (const node of this.nodes) this.#startTicks(node);
  }

  node(name: string): Node {
    return this.nodes.find(node => node.name === name)!;
  }

  running(): Node[] {
    return this.nodes.filter(node => node.running);
  }

  /** Whether every running node other than it believes this of `name`. */
  allBelieve(name: string, status: string): boolean {
    return this.running().every(node => node.name === name || node.swim.statusOf(name) === status);
  }

  allAlive(): boolean {
    return this.running().every(({ name }) => this.allBelieve(name, 'alive'));
  }

  /** `reset`: the machine lives and closes the connections; otherwise nothing comes any more. */
  crash(name: string, how: 'reset' | 'silent'): void {
    const node = this.node(name);
    node.running = false;
    node.life++;
    if (how === 'reset')
      for (const other of this.running())
        this.#do(other, 1, () => {
          this.#broken.add(`${other.name}>${name}`);
          other.swim.linkDown(name, this.time.nowMs);
        });
  }

  restart(name: string, startedAtMs = this.time.nowMs + 1_000_000): void {
    const node = this.node(name);
    node.running = true;
    node.life++;
    node.swim = this.#newSwim(name, startedAtMs);
    this.#startTicks(node);
    const identity = identityOf(name);
    for (const other of this.running()) {
      if (other === node) continue;
      this.#do(other, 5, () => {
        this.#broken.delete(`${other.name}>${name}`);
        other.swim.linkUp(identity, this.time.nowMs);
      });
      this.#do(node, 5, () => node.swim.linkUp(identityOf(other.name), this.time.nowMs));
    }
  }

  stall(name: string, ms: number): void {
    this.node(name).stalledUntilMs = this.time.nowMs + ms;
  }

  /** Messages between these two vanish, in one or both directions, without anyone being told. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  healAll(): void {
    this.#cut.clear();
  }

  #newSwim(name: string, startedAtMs = 1): Swim {
    const random = this.random.fork();
    const self = identityOf(name, `${name}.${drawHex(random, 8)}`);
    return new Swim(
      { self, startedAtMs, members: this.#places, ...(this.#options.timings && { timings: this.#options.timings }) },
      {
        random,
        send: (to, message) => this.#send(name, to, message),
        event: event => this.events.push({ by: name, ...event }),
      },
    );
  }

  #startTicks(node: Node): void {
    const life = node.life;
    const tick = () => {
      if (node.life !== life) return;
      if (node.stalledUntilMs > this.time.nowMs) return this.time.in(node.stalledUntilMs - this.time.nowMs, tick);
      node.swim.tick(this.time.nowMs);
      this.time.in(100, tick);
    };
    this.time.in(1 + drawBelow(this.random, 100), tick);
  }

  #send(from: string, to: string, message: SwimMessage): boolean {
    const target = this.node(to);
    if (this.#broken.has(`${from}>${to}`)) return false;
    this.messages++;
    if (this.#options.measure) this.bytes += pack(message).length;
    if (!target.running || this.#cut.has(`${from}>${to}`) || drawChance(this.random, this.loss)) return true;
    const parsed = parseSwimMessage(structuredClone(message));
    if (parsed === undefined) throw new Error(`Cannot send ${JSON.stringify(message)}: its receiver refuses it`);
    const arrivalMs = Math.max(
      this.time.nowMs + 1 + drawBelow(this.random, 3),
      this.#lastArrivalMs.get(`${from}>${to}`) ?? 0,
    );
    this.#lastArrivalMs.set(`${from}>${to}`, arrivalMs);
    this.#do(target, arrivalMs - this.time.nowMs, () => target.swim.receive(from, parsed, this.time.nowMs));
    return true;
  }

  /** Runs on this node's event loop: not while it stalls, and only in this life of it. */
  #do(node: Node, inMs: number, action: () => void): void {
    const life = node.life;
    const attempt = () => {
      if (node.life !== life) return;
      if (node.stalledUntilMs > this.time.nowMs) this.time.in(node.stalledUntilMs - this.time.nowMs, attempt);
      else action();
    };
    this.time.in(inMs, attempt);
  }
}

import { nodeOfActor } from '../../src/clock/actors.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import type { ClusterMember } from '../../src/membership/cluster.ts';
import { foundingTopology, type Topology } from '../../src/membership/topology.ts';
import { TopologyAgent } from '../../src/topology/agent.ts';
import type { Progress, TopologyMessage } from '../../src/topology/messages.ts';

export function member(name: string): ClusterMember {
  const at = { host: name, port: 1 };
  return { name, place: name, joinedAt: 1, zone: 'z', weight: 1, bus: at, client: at };
}

interface TestAgent {
  agent: TopologyAgent;
  actor: string;
  isUp: boolean;
  /** What it reports; a test may change it. */
  progress: Omit<Progress, 'name'>;
  readonly adopted: Topology[];
}

const TICK_MS = 100;

/** Agents of several nodes on one virtual clock, each of whom knows at once who lives. Messages arrive in order, unless they are cut. */
export class GroupNetwork {
  readonly nodes = new Map<string, TestAgent>();
  readonly sent: { readonly from: string; readonly to: string; readonly message: TopologyMessage }[] = [];
  /** Who must merge, and who has to have turned. */
  mustMerge: ReadonlySet<string> = new Set();
  isTurned = true;
  /** Nodes that take their time to get ready for an epoch, until `getReady`. */
  readonly slow = new Set<string>();
  isCut: (from: string, to: string) => boolean = () => false;
  nowMs = 0;
  readonly #random = new SeededRandom(1);
  #queue: { readonly from: string; readonly to: string; readonly actor: string; readonly message: TopologyMessage }[] =
    [];
  #starts = 0;

  /** Founds the placement group of these nodes. */
  constructor(names: readonly string[]) {
    const topology = foundingTopology(names.map(member));
    for (const name of names) this.start(name, topology);
    const founders = names.map(name => ({ name, zone: 'z', actor: this.node(name).actor }));
    for (const { agent } of this.nodes.values()) agent.found(founders);
  }

  node(name: string): TestAgent {
    return this.nodes.get(name)!;
  }

  /** Starts a process, which knows this topology. */
  start(name: string, topology: Topology): void {
    const actor = `${name}.${++this.#starts}`;
    const progress = { left: 0, all: 0, leftovers: 0, bytes: 0 };
    const adopted: Topology[] = [];
    const agent = new TopologyAgent(actor, topology, {
      random: this.#random.fork(),
      send: (to, message) => this.#send(name, to, message),
      actorOf: other => (this.nodes.get(other)?.isUp === true ? this.node(other).actor : undefined),
      isGone: gone => {
        const node = this.nodes.get(nodeOfActor(gone));
        return node?.isUp === true && node.actor !== gone;
      },
      mustMerge: () => this.mustMerge,
      mayEnd: () => this.isTurned,
      progress: () => ({ name, ...this.node(name).progress }),
      learned: next => {
        if (!this.slow.has(name)) agent.ready(next);
      },
      adopted: next => void adopted.push(next),
      monotonicMs: () => this.nowMs,
    });
    this.nodes.set(name, { agent, actor, isUp: true, progress, adopted });
  }

  getReady(name: string): void {
    this.slow.delete(name);
    const { agent } = this.node(name);
    if (agent.latest !== agent.topology) agent.ready(agent.latest);
  }

  stop(name: string): void {
    this.node(name).isUp = false;
  }

  get leader(): string | undefined {
    return [...this.nodes].find(([, { agent, isUp }]) => isUp && agent.group.leads)?.[0];
  }

  epochs(): number[] {
    return [...this.nodes.values()].filter(({ isUp }) => isUp).map(({ agent }) => agent.topology.epoch);
  }

  /** Lets time pass until the condition holds. @returns whether it came to that. */
  until(holds: () => boolean, boundMs = 20_000): boolean {
    for (const endMs = this.nowMs + boundMs; !holds(); ) {
      if (this.nowMs >= endMs) return false;
      this.pass(TICK_MS);
    }
    return true;
  }

  pass(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += TICK_MS;
      for (const { agent, isUp } of this.nodes.values()) {
        if (isUp) agent.tick();
        if (isUp) agent.meet();
        this.#deliver();
      }
    }
  }

  #send(from: string, to: string, message: TopologyMessage): boolean {
    const receiver = this.nodes.get(to);
    if (receiver?.isUp !== true) return false;
    this.sent.push({ from, to, message });
    if (!this.isCut(from, to)) this.#queue.push({ from, to, actor: receiver.actor, message });
    return true;
  }

  #deliver(): void {
    while (this.#queue.length > 0) {
      const { from, to, actor, message } = this.#queue.shift()!;
      const receiver = this.node(to);
      if (receiver.isUp && receiver.actor === actor) receiver.agent.receive(from, message);
    }
  }
}

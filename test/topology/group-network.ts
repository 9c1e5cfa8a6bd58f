import { nodeOfActor } from '../../src/clock/actors.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import type { ClusterMember } from '../../src/membership/cluster.ts';
import { foundingTopology, type Topology } from '../../src/membership/topology.ts';
import type { SimulatedDisk } from '../../src/sim/simulated-disk.ts';
import { type DiskFaultRates, NO_DISK_FAULTS, SimulatedDrive } from '../../src/sim/simulated-drive.ts';
import { VirtualTime } from '../../src/sim/virtual-clock.ts';
import { TopologyAgent } from '../../src/topology/agent.ts';
import { restoreGroup } from '../../src/topology/group-log.ts';
import type { Progress, TopologyMessage } from '../../src/topology/messages.ts';
import type { GroupDisk } from '../../src/topology/placement-group.ts';

export function member(name: string): ClusterMember {
  const at = { host: name, port: 1 };
  return { name, place: name, joinedAt: 1, zone: 'z', weight: 1, bus: at, client: at };
}

export interface TestAgent {
  readonly name: string;
  agent: TopologyAgent;
  actor: string;
  isUp: boolean;
  /** What it reports; a test may change it. */
  progress: Omit<Progress, 'name'>;
  readonly adopted: Topology[];
}

/** A message on its way to a process. */
export interface Sent {
  readonly from: string;
  readonly to: string;
  readonly message: TopologyMessage;
}

export interface NetworkOptions {
  readonly seed?: number;
  /** Given, every node has a drive on which these faults occur, and keeps its log there. */
  readonly disks?: Partial<DiskFaultRates>;
}

const TICK_MS = 100;
/** As often somebody asks a disk that refuses to try again. */
export const RETRY_MS = 200;
const STORE = 'node';
/** As long as it takes to read a disk that has little. */
const RESTORED_MS = 20;

/** Agents of several nodes on one virtual clock, each of whom knows at once who lives. Messages arrive in order, unless they are cut. */
export class GroupNetwork {
  readonly nodes = new Map<string, TestAgent>();
  readonly drives = new Map<string, SimulatedDrive>();
  readonly sent: Sent[] = [];
  readonly time = new VirtualTime();
  /** Who must merge, and who has to have turned. */
  mustMerge: ReadonlySet<string> = new Set();
  isTurned = true;
  /** Nodes that take their time to get ready for an epoch, until `getReady`. */
  readonly slow = new Set<string>();
  /** Why logs were found to be void. */
  readonly voids: string[] = [];
  /** Nodes that have said goodbye before they were stopped. */
  readonly left = new Set<string>();
  isCut: (from: string, to: string) => boolean = () => false;
  /** How a message comes to be delivered: at once, unless a test has it otherwise. */
  transit: (sent: Sent, deliver: () => void) => void = (_, deliver) => void this.#queue.push(deliver);
  readonly random: SeededRandom;
  readonly #faults: Partial<DiskFaultRates> | undefined;
  readonly #disks = new Map<string, SimulatedDisk>();
  #queue: (() => void)[] = [];
  #starts = 0;

  /** Founds the placement group of these nodes. */
  constructor(names: readonly string[], { seed = 1, disks }: NetworkOptions = {}) {
    this.random = new SeededRandom(seed);
    this.#faults = disks;
    const topology = foundingTopology(names.map(member));
    for (const name of names) this.start(name, topology);
    this.skip(disks === undefined ? 0 : RESTORED_MS);
    const founders = names.map(name => ({ name, zone: 'z', id: this.node(name).actor }));
    for (const { agent } of this.nodes.values()) agent.found(founders);
  }

  get nowMs(): number {
    return this.time.nowMs;
  }

  node(name: string): TestAgent {
    return this.nodes.get(name)!;
  }

  /** Starts a process, which knows this topology. With a disk it is up when it has read it. */
  start(name: string, topology: Topology): void {
    const disk = this.#open(name);
    if (disk === undefined) return this.#run(name, topology, undefined);
    restoreGroup(disk, restored => {
      if ('kind' in restored) throw new Error(restored.message);
      if (restored.voidBecause !== undefined) this.voids.push(restored.voidBecause);
      this.#run(name, topology, { disk, restored: restored.stored });
    });
  }

  #open(name: string): SimulatedDisk | undefined {
    if (this.#faults === undefined) return undefined;
    const made = () => new SimulatedDrive(this.random.fork(), this.time, { ...NO_DISK_FAULTS, ...this.#faults });
    const drive = this.drives.get(name) ?? made();
    this.drives.set(name, drive);
    const disk = drive.open(STORE);
    if ('kind' in disk) throw new Error(disk.message);
    this.#disks.set(name, disk);
    return disk;
  }

  #run(name: string, topology: Topology, groupDisk: GroupDisk | undefined): void {
    const actor = `${name}.${++this.#starts}`;
    const progress = { left: 0, all: 0, leftovers: 0, bytes: 0 };
    const adopted: Topology[] = [];
    const agent = new TopologyAgent(actor, topology, {
      random: this.random.fork(),
      groupDisk,
      send: (to, message) => this.#send(name, actor, to, message),
      actorOf: other => (this.nodes.get(other)?.isUp === true ? this.node(other).actor : undefined),
      isGone: gone => {
        const node = this.nodes.get(nodeOfActor(gone));
        return (node?.isUp === true && node.actor !== gone) || this.left.has(nodeOfActor(gone));
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
    this.left.delete(name);
    this.nodes.set(name, { name, agent, actor, isUp: true, progress, adopted });
  }

  /** What happens to the store of a node that is down, before it is started again. */
  store(name: string): ReturnType<SimulatedDrive['store']> {
    return this.drives.get(name)!.store(STORE);
  }

  disk(name: string): SimulatedDisk {
    return this.#disks.get(name)!;
  }

  getReady(name: string): void {
    this.slow.delete(name);
    const { agent } = this.node(name);
    if (agent.latest !== agent.topology) agent.ready(agent.latest);
  }

  /** The process is killed; one that reads its disk, too. */
  stop(name: string): void {
    const node = this.nodes.get(name);
    if (node !== undefined) node.isUp = false;
    this.drives.get(name)?.crash(STORE);
  }

  /** Starts it again with what it knew, or with this. */
  restart(name: string, topology = this.node(name).agent.topology): void {
    this.stop(name);
    this.start(name, topology);
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
      this.skip(TICK_MS);
      for (const node of this.nodes.values()) {
        if (node.isUp) node.agent.tick();
        if (node.isUp) node.agent.meet();
        this.#deliver();
      }
      if (this.nowMs % RETRY_MS < TICK_MS) this.#retry();
    }
  }

  /** Time passes for disks and messages, and nobody is called. */
  skip(ms: number): void {
    this.time.run(this.nowMs + ms, () => {
      this.#deliver();
      return false;
    });
  }

  #retry(): void {
    for (const { name, isUp } of this.nodes.values()) {
      const disk = this.#disks.get(name);
      if (isUp && disk?.failure !== undefined) disk.retry(() => {});
    }
  }

  #send(from: string, sender: string, to: string, message: TopologyMessage): boolean {
    const node = this.nodes.get(from);
    const receiver = this.nodes.get(to);
    if (node?.actor !== sender || !node.isUp || receiver?.isUp !== true) return false;
    const sent = { from, to, message };
    this.sent.push(sent);
    const { actor } = receiver;
    if (!this.isCut(from, to))
      this.transit(sent, () => {
        const now = this.node(to);
        if (now.isUp && now.actor === actor) now.agent.receive(from, message);
      });
    return true;
  }

  #deliver(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next();
  }
}

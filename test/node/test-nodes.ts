import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { Node } from '../../src/node/node.ts';
import type { NodeOptions, NodePorts } from '../../src/node/node-options.ts';
import { RingCache } from '../../src/node/ring-cache.ts';
import type { Disk } from '../../src/ports/disk.ts';
import { SimulatedDisk } from '../../src/sim/simulated-disk.ts';
import { NO_DISK_FAULTS, SimulatedDrive } from '../../src/sim/simulated-drive.ts';
import { VirtualTime } from '../../src/sim/virtual-clock.ts';
import { nodeOptions } from '../node-options.ts';
import { EVENTUAL, QUORUM } from '../replication/test-network.ts';

/** What a node's store is called on its drive. */
export const STORE = 'data';

export interface Letter {
  readonly from: string;
  readonly to: string;
  readonly bytes: Buffer;
}

/** Whole nodes whose messages arrive as soon as a test says, on links that are always up once they are made. */
export class Nodes {
  readonly nodes = new Map<string, Node>();
  readonly said: string[] = [];
  nowMs = 0;
  /** So long each look at the monotonic clock takes. */
  msALook = 0;
  /** Added to the wall clock of a node. */
  readonly wallOffsetsMs = new Map<string, number>();
  lost: (letter: Letter) => boolean = () => false;
  /** Of nodes with keyspaces that are kept on disk, by name; they outlive their processes. */
  readonly drives = new Map<string, SimulatedDrive>();
  /** What drives go by; it follows `nowMs`. */
  readonly #time = new VirtualTime();
  readonly #rings = new RingCache();
  #letters: Letter[] = [];
  #starts = 0;

  add(name: string, changes: Partial<NodeOptions> = {}, ports: Pick<NodePorts, 'disk' | 'backups'> = {}): Node {
    const options = nodeOptions(name, {
      expectNodes: 3,
      keyspaces: [EVENTUAL, QUORUM],
      version: '1.2.3',
      settings: new Map([['port', '6379']]),
      ...changes,
    });
    const say = (event: string) => this.said.push(`${name}: ${event}`);
    const node = new Node(options, {
      clock: {
        wallMs: () => 1_800_000_000_000 + this.nowMs + (this.wallOffsetsMs.get(name) ?? 0),
        monotonicMs: () => (this.nowMs += this.msALook),
      },
      random: new SeededRandom(++this.#starts),
      outbox: {
        send: (to, head, body) => this.#post(name, to, head, body),
        sendOrdered: (to, head, body) => this.#post(name, to, head, body),
        dial: () => {},
        hangUp: () => {},
      },
      log: { info: say, warn: say, error: say },
      process: { id: 42, memory: () => ({ residentBytes: 7, heapUsedBytes: 3 }) },
      rings: this.#rings,
      disk:
        ports.disk ??
        (options.keyspaces.some(({ durability }) => durability !== 'none') ? this.#diskOf(name) : undefined),
      backups: ports.backups,
    });
    this.nodes.set(name, node);
    return node;
  }

  /** The process is killed, or the power goes; what is on disk stays. */
  kill(name: string): void {
    this.nodes.delete(name);
    this.drives.get(name)?.crash(STORE);
  }

  #diskOf(name: string): Disk {
    const drive = this.drives.get(name) ?? new SimulatedDrive(new SeededRandom(1), this.#time, NO_DISK_FAULTS);
    this.drives.set(name, drive);
    const disk = drive.open(STORE);
    if (!(disk instanceof SimulatedDisk)) throw new Error(disk.message);
    return disk;
  }

  #post(from: string, to: string, head: Uint8Array, body: Uint8Array | undefined): boolean {
    this.#letters.push({ from, to, bytes: Buffer.concat(body === undefined ? [head] : [head, body]) });
    return true;
  }

  link(a: string, b: string): void {
    this.nodes.get(a)!.linkUp(this.nodes.get(b)!.identity());
    this.nodes.get(b)!.linkUp(this.nodes.get(a)!.identity());
  }

  settle(): void {
    for (let letter = this.#letters.shift(); letter !== undefined; letter = this.#letters.shift()) {
      if (!this.lost(letter)) this.nodes.get(letter.to)?.receive(letter.from, letter.bytes);
    }
  }

  advance(ms: number): void {
    for (let passed = 0; passed < ms; passed += 20) {
      this.nowMs += 20;
      this.#time.run(this.nowMs, () => false);
      for (const node of this.nodes.values()) node.tick();
      this.settle();
    }
  }
}

/** Links between n1, n2 and n3, both ways. */
export function linkAll(nodes: Nodes): void {
  for (const [a, b] of [
    ['n1', 'n2'],
    ['n1', 'n3'],
    ['n2', 'n3'],
  ] as const)
    nodes.link(a, b);
}

export function three(changes: Partial<NodeOptions> = {}): Nodes {
  const nodes = new Nodes();
  for (const name of ['n1', 'n2', 'n3']) nodes.add(name, changes);
  linkAll(nodes);
  nodes.advance(3000);
  return nodes;
}

/** A client of a node, in words. */
export function client(node: Node) {
  let progress = 0;
  const socket = { id: 1, address: 'c:1', localAddress: 'n:1', queuedBytes: 0 };
  const session = node.openSession(socket, () => progress++);
  return {
    execute: (line: string) => session.execute(line.split(' ').map(word => Buffer.from(word))),
    output: () => Buffer.concat(session.output.takeSegments()).toString('latin1'),
    progress: () => progress,
  };
}

import { assert } from '../lib/assert.ts';
import { SeededRandom } from '../lib/seeded-random.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import { RingCache } from '../node/ring-cache.ts';
import { Drives } from './drives.ts';
import { NO_FAULTS } from './faults.ts';
import { drawClocks, Machines } from './machines.ts';
import { MessageFaults } from './message-faults.ts';
import { SIMULATED_KEYSPACES } from './options.ts';
import { nameOf, type SimProcess } from './sim-process.ts';
import { SimulatedClient } from './simulated-client.ts';
import type { SimulatedDrive } from './simulated-drive.ts';
import { contentOf } from './stored-key.ts';
import { Trace } from './trace.ts';
import { VirtualTime } from './virtual-clock.ts';
import { VirtualNetwork } from './virtual-network.ts';

export interface SimulatedClusterOptions {
  /** 1 to 100; 3 by default. They are n1, n2 and so on. */
  readonly nodes?: number;
  /** What everything random follows from: one seed, one course of events. */
  readonly seed?: number;
  /** Whether nodes have disks, and the keyspaces that are kept there; not by default. */
  readonly disks?: boolean;
}

/** Virtual milliseconds within which nodes see each other. */
const SETTLE_BOUND_MS = 60_000;

/**
 * A cluster of real nodes on a virtual network and clock, for tests of what is built on Coterie. Time passes only in
 * `advance` and while a command waits for its reply, and nothing happens by chance that the seed does not say.
 */
export class SimulatedCluster {
  readonly #time = new VirtualTime();
  readonly #trace = new Trace();
  readonly #network: VirtualNetwork;
  readonly #machines: Machines;
  readonly #drives: Drives | undefined;
  readonly #names: readonly string[];
  #thrown: unknown;

  /** Starts the nodes, and lets time pass until they are a cluster. */
  constructor({ nodes = 3, seed = 1, disks = false }: SimulatedClusterOptions = {}) {
    if (!Number.isInteger(nodes) || nodes < 1 || nodes > 100) {
      throw new RangeError(`Cannot simulate ${nodes} nodes: 1 to 100 are possible`);
    }
    const random = new SeededRandom(seed);
    const messages = new MessageFaults(random.fork(), NO_FAULTS, { ...NO_FAULTS });
    this.#network = new VirtualNetwork(nodes, this.#time, random.fork(), messages, this.#trace);
    if (disks) this.#drives = new Drives(nodes, this.#time, new SeededRandom(seed));
    const kept = SIMULATED_KEYSPACES.filter(({ durability }) => disks || durability === 'none');
    const world = {
      time: this.#time,
      network: this.#network,
      trace: this.#trace,
      rings: new RingCache(),
      drives: this.#drives,
      nodes,
      machines: nodes,
      keyspaces: kept.map(({ db }) => db),
      say: () => {},
      adopted: () => {},
      threw: (_: string, error: unknown) => {
        this.#thrown ??= error;
      },
    };
    this.#machines = new Machines(world, drawClocks(nodes, this.#time, random.fork(), NO_FAULTS), random.fork());
    this.#names = Array.from({ length: nodes }, (_, index) => nameOf(index));
    for (let index = 0; index < nodes; index++) this.#machines.start(index);
    const isFounded = this.#passUntil(() => this.#machines.isSettled(), SETTLE_BOUND_MS);
    assert(isFounded, 'The simulated nodes did not come to be a cluster');
  }

  /** Names of all nodes, those included that are down. */
  get nodes(): readonly string[] {
    return this.#names;
  }

  /** Virtual milliseconds since the nodes were started. */
  get nowMs(): number {
    return this.#time.nowMs;
  }

  /** 16 hexadecimal digits that are the same for the same course of events. */
  get trace(): string {
    return this.#trace.hash;
  }

  /** A client of one node in one keyspace, by its database number: 0 eventual, 1 quorum, 4 sloppy, 5 with blocking read repair; with disks 6 sync, 7 batched, 8 sync and eventual. */
  client(node: string, db = 0): SimulatedClient {
    this.#indexOf(node);
    return new SimulatedClient(node, db, {
      processOf: name => this.#machines.at(this.#indexOf(name)),
      passUntil: (holds, boundMs) => this.#passUntil(holds, boundMs),
    });
  }

  /** Lets so much time pass. */
  advance(ms: number): void {
    this.#time.run(this.#time.nowMs + ms, () => this.#thrown !== undefined);
    if (this.#thrown !== undefined) throw this.#thrown;
  }

  /** Kills the node: what it held in memory is lost. */
  down(node: string): void {
    const index = this.#indexOf(node);
    if (this.#machines.at(index) !== undefined) this.#machines.crash(index, false);
  }

  /** The node's drive, which outlives its processes: what goes wrong with it is done there. It has one if `disks` was asked for. */
  driveOf(node: string): SimulatedDrive {
    const drive = this.#drives?.at(this.#indexOf(node));
    assert(drive !== undefined, 'Cannot get at a drive: the nodes have none');
    return drive;
  }

  /** Starts a node that is down. It comes back empty, or with what its disk has, and refills; `settle` waits for that. */
  up(node: string): void {
    const index = this.#indexOf(node);
    if (this.#machines.at(index) === undefined) this.#machines.start(index);
  }

  /** Lets the node stand still for so long; then it goes on with what has piled up. */
  pause(node: string, ms: number): void {
    this.#machines.at(this.#indexOf(node))?.standStill(ms);
  }

  /** From now on neither of the two nodes reaches the other. */
  cut(a: string, b: string): void {
    this.#network.cut(this.#indexOf(a), this.#indexOf(b));
    this.#network.cut(this.#indexOf(b), this.#indexOf(a));
  }

  /** Takes a `cut` back. */
  mend(a: string, b: string): void {
    this.#network.mend(this.#indexOf(a), this.#indexOf(b));
    this.#network.mend(this.#indexOf(b), this.#indexOf(a));
  }

  /** Lets time pass until all nodes run, see each other alive and have all their data. @returns whether it came to that. */
  settle(boundMs = SETTLE_BOUND_MS): boolean {
    return this.#passUntil(() => this.#machines.isSettled(), boundMs);
  }

  /** One round of anti-entropy between a node and each other replica, now. */
  sync(node: string, db = 0): void {
    this.client(node).call('COTERIE', 'SYNC', db);
  }

  /** Whether the replicas of every key that run hold the same value, deletion and expiry; whole contents are compared. */
  agree(db = 0): boolean {
    const processes = this.#machines.running();
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const held = processes
        .filter(process => isReplica(process, db, slot))
        .map(process => contentsOf(process, db, slot));
      if (new Set(held).size > 1) return false;
    }
    return true;
  }

  #indexOf(node: string): number {
    const index = this.#names.indexOf(node);
    if (index < 0)
      throw new RangeError(`There is no node ${JSON.stringify(node)}: the nodes are ${this.#names.join(', ')}`);
    return index;
  }

  #passUntil(holds: () => boolean, boundMs: number): boolean {
    const endMs = this.#time.nowMs + boundMs;
    while (!holds()) {
      if (this.#time.nowMs >= endMs) return false;
      this.advance(1);
    }
    return true;
  }
}

function isReplica({ node }: SimProcess, db: number, slot: number): boolean {
  return node.cluster?.keyspaces.get(db)?.placement.isHeldHere(slot) === true;
}

/** All that a process holds of a slot, as one text. */
function contentsOf(process: SimProcess, db: number, slot: number): string {
  const keyspace = process.node.cluster!.keyspaces.get(db)!;
  if (keyspace.store.slotRecords(slot) === 0) return '';
  const contents: string[] = [];
  keyspace.store.scan(slot, 0, Number.POSITIVE_INFINITY, ref => {
    const bytes = keyspace.store.keyOf(ref);
    const name = bytes.toString('latin1');
    const { dot, value, expiryAtMs, expiryDot } = contentOf(process, keyspace, { bytes, slot })!;
    contents.push(JSON.stringify([name, dot, value?.toString('latin1') ?? null, expiryAtMs, expiryDot]));
  });
  return contents.sort().join();
}

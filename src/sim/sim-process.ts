import { assert } from '../lib/assert.ts';
import type { Topology } from '../membership/topology.ts';
import { Node } from '../node/node.ts';
import {
  DEFAULT_ANTI_ENTROPY,
  DEFAULT_DISK,
  DEFAULT_HINTS,
  DEFAULT_REPLICATION_LIMITS,
  type NodeOptions,
} from '../node/node-options.ts';
import type { RingCache } from '../node/ring-cache.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log, LogFields } from '../ports/log.ts';
import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import type { HintOptions } from '../replication/hints.ts';
import type { CollectionOptions } from '../replication/tombstone-collector.ts';
import { type Drives, STORE } from './drives.ts';
import { SIMULATED_KEYSPACES } from './options.ts';
import { ServerConnection } from './server-connection.ts';
import type { SimulatedDrive } from './simulated-drive.ts';
import { type Trace, TraceKind } from './trace.ts';
import type { SkewedClock, VirtualTime } from './virtual-clock.ts';
import { type Endpoint, VirtualNetwork } from './virtual-network.ts';

/** The distances of the shell (`io/run-node.ts`). */
const TICK_MS = 20;
const LAG_WORTH_TELLING_MS = 100;

/** Tombstones are looked through more often than by default, so that collection and faults meet. */
const COLLECTION: CollectionOptions = { intervalMs: 1_000 };

/**
 * So little room and time for hints that they overflow when three peers are away at once, and expire. Every third node has
 * no more, but not where there are stand-ins: what one keeps may be all that is left of a write.
 */
const SCARCE_HINTS: HintOptions = { ...DEFAULT_HINTS, maxBytes: 300_000, maxAgeMs: 5_000 };

/** What a process runs in. */
export interface World {
  readonly time: VirtualTime;
  readonly network: VirtualNetwork;
  readonly trace: Trace;
  readonly rings: RingCache;
  /** The machines' drives, if they have any. */
  readonly drives: Drives | undefined;
  /** How many found the cluster, and how many machines there are in all. */
  readonly nodes: number;
  readonly machines: number;
  /** Database numbers. */
  readonly keyspaces: readonly number[];
  say(who: NodeName, line: string): void;
  /** A node has come to know a topology: at its founding or joining, and at every epoch that it adopts. */
  adopted(process: SimProcess, topology: Topology): void;
  /** A node threw: its own assertion, or a plain bug. */
  threw(who: NodeName, error: unknown): void;
}

/**
 * One process of a node, from start to crash: the real `Node`, and around it what the shell in `io/` does with sockets
 * and timers. A process that stands still does nothing until it goes on, and then everything that came meanwhile, in
 * order.
 */
export class SimProcess implements Endpoint {
  readonly index: number;
  readonly name: NodeName;
  readonly clock: SkewedClock;
  readonly #makeNode: () => Node;
  #node: Node;
  readonly #world: World;
  readonly #drive: SimulatedDrive | undefined;
  readonly #awake = new Set<ServerConnection>();
  /** What came while the process stands still. */
  #piledUp: (() => void)[] = [];
  #running = true;
  /** Whether others can reach it: not before it has read its disk. */
  #isListening = false;
  #stillUntilMs = 0;
  #lastTickMs: number;
  #nextConnection = 1;
  #topology: Topology | undefined;

  /** @param replaces the member, gone for good, whose place it is to take. */
  constructor(index: number, world: World, clock: SkewedClock, random: Random, replaces?: NodeName) {
    const { time, network, trace, drives } = world;
    this.index = index;
    this.name = nameOf(index);
    this.clock = clock;
    this.#world = world;
    this.#drive = drives?.at(index);
    this.#lastTickMs = time.nowMs;
    this.#makeNode = () =>
      new Node(optionsOf(index, world, replaces), {
        clock,
        random,
        outbox: network.outboxOf(this),
        log: this.#log(),
        process: { id: index + 1, memory: () => ({ residentBytes: 0, heapUsedBytes: 0 }) },
        rings: world.rings,
        disk: this.#drive && this.#openDisk(this.#drive),
      });
    this.#node = this.#makeNode();
    trace.note(TraceKind.start, time.nowMs, index, index);
    this.#listen();
    this.#tickIn(TICK_MS);
  }

  get node(): Node {
    return this.#node;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Whether it stands still. */
  get isStill(): boolean {
    return this.#world.time.nowMs < this.#stillUntilMs;
  }

  identity(): PeerIdentity {
    return this.node.identity();
  }

  /**
   * Ends the process; what it held in memory is lost.
   *
   * @param silently its machine is gone too, so that nobody is told.
   * @param isTorn what is under way to the disk does not get there.
   */
  crash(silently: boolean, isTorn = false): void {
    this.#end(silently);
    this.#drive?.crash(STORE, isTorn);
  }

  /** Ends the process in order: it says goodbye, and closes its disk. */
  stop(): void {
    this.node.leave();
    this.#end(false);
    this.node.storage?.close(() => {});
  }

  #end(silently: boolean): void {
    const { trace, time, network } = this.#world;
    this.#running = false;
    trace.note(TraceKind.crash, time.nowMs, this.index, silently ? 1 : 0);
    network.close(this, silently);
  }

  /** Lets the process stand still for so long. */
  standStill(ms: number): void {
    const { time } = this.#world;
    this.#stillUntilMs = Math.max(this.#stillUntilMs, time.nowMs + ms);
    time.at(this.#stillUntilMs, () => this.#goOn());
  }

  enter(action: () => void): void {
    if (!this.#running) return;
    if (this.isStill || this.#piledUp.length > 0) this.#piledUp.push(action);
    else this.#do(action);
  }

  linkUp(peer: PeerIdentity): void {
    this.node.linkUp(peer);
  }

  linkDown(peer: NodeName): void {
    this.node.linkDown(peer);
  }

  heard(peer: PeerIdentity): void {
    this.node.heard(peer);
  }

  receive(from: NodeName, message: Buffer): void {
    this.enter(() => this.node.receive(from, message));
  }

  /** A client has connected. Call within `enter`. */
  accept(address: string, deliver: (replies: Buffer) => void): ServerConnection {
    const wake = (connection: ServerConnection): void => void this.#awake.add(connection);
    return new ServerConnection(this.#nextConnection++, address, this.node, wake, deliver);
  }

  disconnect(connection: ServerConnection): void {
    this.#awake.delete(connection);
    connection.close();
    this.node.closeSession(connection.id);
  }

  #goOn(): void {
    if (this.isStill) return;
    const actions = this.#piledUp;
    this.#piledUp = [];
    for (const action of actions) if (this.#running) this.#do(action);
  }

  /** The last process of this machine may still be at closing its disk: it is killed. */
  #openDisk(drive: SimulatedDrive): Disk {
    drive.crash(STORE);
    const disk = drive.open(STORE, action => this.enter(action));
    assert(!('kind' in disk), 'Cannot open the disk of a simulated node');
    return disk;
  }

  /** As `io/run-node.ts`: nobody is let in before the disk has been read, and a store that cannot be used gives way to an empty one. */
  #listen(): void {
    const { unusable } = this.#node;
    assert(unusable?.found !== 'unusable', `A simulated node cannot use its disk: ${unusable?.reason}`);
    if (unusable !== undefined) {
      this.#drive!.setAside(STORE);
      this.#node = this.#makeNode();
    }
    if (this.#isListening || this.node.isLoading) return;
    this.#isListening = true;
    const { network, machines } = this.#world;
    network.open(this);
    const outbox = network.outboxOf(this);
    for (let seed = 0; seed < machines; seed++) outbox.dial(VirtualNetwork.addressOf(seed));
  }

  #do(action: () => void): void {
    try {
      action();
      if (!this.#isListening) this.#listen();
      this.#noteTopology();
      if (this.#awake.size > 0) this.#pumpAwake();
    } catch (error) {
      this.#world.threw(this.name, error);
    }
  }

  /** Replies that became ready in one turn go out together. */
  #pumpAwake(): void {
    const connections = [...this.#awake];
    this.#awake.clear();
    for (const connection of connections) connection.pump();
  }

  #tickIn(ms: number): void {
    this.#world.time.in(ms, () => {
      if (!this.#running) return;
      if (this.isStill) return this.#tickIn(this.#stillUntilMs - this.#world.time.nowMs);
      this.#tick();
      this.#tickIn(TICK_MS);
    });
  }

  #tick(): void {
    const { time, trace } = this.#world;
    trace.note(TraceKind.tick, time.nowMs, this.index, this.index);
    const lagMs = time.nowMs - this.#lastTickMs - TICK_MS;
    this.#lastTickMs = time.nowMs;
    this.enter(() => {
      if (lagMs >= LAG_WORTH_TELLING_MS) this.node.observeLag(lagMs);
      this.node.tick();
    });
  }

  #noteTopology(): void {
    const topology = this.node.cluster?.topology;
    if (topology === undefined || topology === this.#topology) return;
    this.#topology = topology;
    this.#world.adopted(this, topology);
  }

  #log(): Log {
    const say = (event: string, fields?: LogFields): void => {
      // A node tells of each epoch as soon as it has adopted it, so that none is missed of several in one action.
      this.#noteTopology();
      this.#world.say(this.name, fields === undefined ? event : `${event} ${JSON.stringify(fields)}`);
    };
    return { info: say, warn: say, error: say };
  }
}

export function nameOf(index: number): NodeName {
  return `n${index + 1}`;
}

/** A node that comes later than the founders founds nothing, whomever it meets. */
const NEVER_FOUNDS = 1_000;

function optionsOf(index: number, { nodes, keyspaces: dbs }: World, replaces: NodeName | undefined): NodeOptions {
  const keyspaces = SIMULATED_KEYSPACES.filter(({ db }) => dbs.includes(db));
  return {
    name: nameOf(index),
    zone: '',
    weight: 1,
    bus: VirtualNetwork.addressOf(index),
    client: { host: '10.0.0.1', port: 6379 + index },
    expectNodes: index < nodes ? nodes : NEVER_FOUNDS,
    alone: nodes === 1,
    replaces,
    keyspaces,
    defaultKeyspace: dbs[0]!,
    password: '',
    maxPendingReplies: 1024,
    replication: DEFAULT_REPLICATION_LIMITS,
    antiEntropy: DEFAULT_ANTI_ENTROPY,
    hints: index % 3 === 2 && !keyspaces.some(({ sloppy }) => sloppy) ? SCARCE_HINTS : DEFAULT_HINTS,
    collection: COLLECTION,
    version: 'simulated',
    faultCommands: true,
    maxClockDriftMs: 2_000,
    conflictJournalBytes: 1 << 20,
    disk: DEFAULT_DISK,
    settings: new Map(),
  };
}

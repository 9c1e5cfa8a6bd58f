import { Actors } from '../../src/clock/actors.ts';
import { STAMP_EPOCH_MS } from '../../src/clock/hybrid-clock.ts';
import { assert } from '../../src/lib/assert.ts';
import { drawBelow } from '../../src/lib/draw.ts';
import type { ReplicaCount } from '../../src/lib/replica-count.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { slotOf } from '../../src/lib/slots.ts';
import type { ClusterMember } from '../../src/membership/cluster.ts';
import { allMembers, foundingTopology, type Topology } from '../../src/membership/topology.ts';
import { Cluster, type ClusterPorts } from '../../src/node/cluster.ts';
import type { NodeOptions } from '../../src/node/node-options.ts';
import { RingCache } from '../../src/node/ring-cache.ts';
import type { Log, LogFields } from '../../src/ports/log.ts';
import { ClockGuard } from '../../src/replication/clock-guard.ts';
import { ReplicationCounters } from '../../src/replication/counters.ts';
import { bytesOf } from '../../src/replication/detached-found.ts';
import type { Keyspace } from '../../src/replication/keyspace.ts';
import { MessageType } from '../../src/replication/message-type.ts';
import type { KeyspacePolicy } from '../../src/replication/policy.ts';
import type { Mutation } from '../../src/store/mutation.ts';
import type { Outcome } from '../../src/store/outcome.ts';
import { NEVER, type StoredRecord } from '../../src/store/record.ts';
import { nodeOptions } from '../node-options.ts';

/** R=1 and W=1 of three. */
const RINGS = new RingCache();

export const EVENTUAL: KeyspacePolicy = {
  db: 0,
  name: 'eventual',
  policy: 'eventual',
  replicas: 3,
  read: 'one',
  write: 'one',
  sloppy: false,
  readRepair: 'async',
  durability: 'none',
  maxMemoryBytes: 0,
};

/** R=2 and W=2 of three. */
export const QUORUM: KeyspacePolicy = {
  ...EVENTUAL,
  db: 1,
  name: 'quorum',
  policy: 'quorum',
  read: 'quorum',
  write: 'quorum',
};

/** R=2 and W=2 of three, where others stand in. */
export const SLOPPY: KeyspacePolicy = { ...QUORUM, db: 4, name: 'sloppy', sloppy: true };

export const LIMITS = { requestTimeoutMs: 500, resendAfterMs: 100, maxPendingOperations: 1000 };
export const ANTI_ENTROPY = {
  intervalMs: 10_000,
  patienceMs: 2000,
  bytesPerSecond: 64 << 20,
  transferBytesPerSecond: 64 << 20,
};
export const HINTS = { maxBytes: 1 << 20, maxAgeMs: 60_000, replayRate: 1000 };
export const COLLECTION = { intervalMs: 10_000 };
const TICK_MS = 20;

/** A message between two nodes. */
export interface Envelope {
  readonly from: string;
  readonly to: string;
  readonly type: keyof typeof MessageType;
  readonly bytes: Buffer;
  /** It arrives behind everything that was sent before it from the one to the other. */
  readonly isOrdered?: boolean;
}

type Predicate = (message: Envelope) => boolean;

/** How an operation came out, with copies of what is good only for a moment. */
export type Told =
  | { readonly status: 'read'; readonly value: string | undefined; readonly expiryAtMs?: number }
  | {
      readonly status: 'written';
      readonly applied: boolean;
      readonly before: string | undefined;
    }
  | { readonly status: 'unavailable'; readonly reason: string }
  | { readonly status: 'refused'; readonly error: string };

/** A member, and what a test wants to see of it. */
export interface TestNode {
  readonly name: string;
  cluster: Cluster;
  counters: ReplicationCounters;
  /** Added to the network's wall time. */
  wallOffsetMs: number;
  isUp: boolean;
}

export interface NetworkOptions {
  readonly nodes: number;
  readonly keyspaces?: readonly KeyspacePolicy[];
  readonly limits?: Partial<NodeOptions['replication']>;
  readonly antiEntropy?: Partial<NodeOptions['antiEntropy']>;
  readonly hints?: Partial<NodeOptions['hints']>;
}

/**
 * Several `Cluster`s on one virtual clock, and between them a queue of messages that a test delivers, drops, holds
 * back, doubles and shuffles. Nothing happens by itself: `settle` delivers, `advance` lets time pass.
 */
export class TestNetwork {
  readonly nodes = new Map<string, TestNode>();
  nowMs = 0;
  /** Every message that was sent, in order; for counting. */
  readonly sent: Envelope[] = [];
  /** What the nodes have logged. */
  readonly said: { readonly node: string; readonly event: string; readonly fields: LogFields | undefined }[] = [];
  /** Messages of other epochs that nodes have noticed. */
  readonly epochsSeen: { readonly node: string; readonly from: string; readonly epoch: number }[] = [];
  readonly #options: NetworkOptions;
  #queue: Envelope[] = [];
  #held: Envelope[] = [];
  #drop: Predicate = () => false;
  #hold: Predicate = () => false;
  #starts = 0;
  #refusing: Predicate = () => false;

  constructor(options: NetworkOptions) {
    this.#options = options;
    for (let i = 1; i <= options.nodes; i++) {
      const name = `n${i}`;
      const counters = new ReplicationCounters();
      const node: TestNode = { name, counters, wallOffsetMs: 0, isUp: true, cluster: this.#start(name, counters) };
      this.nodes.set(name, node);
    }
    for (const a of this.nodes.keys()) for (const b of this.nodes.keys()) if (a !== b) this.#link(a, b);
    // The rounds that new links call for, between equals.
    this.advance(TICK_MS);
    this.sent.length = 0;
  }

  node(name: string): TestNode {
    const node = this.nodes.get(name);
    assert(node !== undefined, `There is no ${name}`);
    return node;
  }

  keyspace(name: string, db = 1): Keyspace {
    return this.node(name).cluster.keyspaces.get(db)!;
  }

  /** Names of the key's replicas, in the order of its preference list. */
  replicasOf(key: string, db = 1): string[] {
    return this.keyspace('n1', db)
      .placement.replicasOf(slotOf(Buffer.from(key)))
      .map(peer => peer.name);
  }

  /** Names of the nodes that hold no copy of the key. */
  othersThan(key: string, db = 1): string[] {
    const replicas = this.replicasOf(key, db);
    return [...this.nodes.keys()].filter(name => !replicas.includes(name));
  }

  /** Messages that fit are lost from now on; the last call counts. */
  drop(predicate: Predicate): void {
    this.#drop = predicate;
  }

  /** Messages that fit are kept back until `release`. */
  hold(predicate: Predicate): void {
    this.#hold = predicate;
  }

  /** The links refuse messages that fit: the sender knows. */
  refuse(predicate: Predicate): void {
    this.#refusing = predicate;
  }

  /** Delivers what was held back, and holds nothing from now on. */
  release(): void {
    this.#hold = () => false;
    this.#queue.push(...this.#held.splice(0));
    this.settle();
  }

  /** Delivers what was held back until now; what comes is held back as before. */
  releaseSome(): void {
    for (const message of this.#held.splice(0)) this.#deliver(message);
    this.settle();
  }

  /** Gives a message that was sent before to its receiver once more. */
  deliverAgain(message: Envelope): void {
    this.#deliver(message);
    this.settle();
  }

  /** Delivers until nothing is under way, each message `copies` times, in an order drawn from `seed` if there is one. */
  settle({ copies = 1, seed }: { copies?: number; seed?: number } = {}): void {
    const random = seed === undefined ? undefined : new SeededRandom(seed);
    for (let left = 200_000; this.#queue.length > 0; left--) {
      assert(left > 0, 'The nodes do not come to rest');
      const message = this.#take(random === undefined ? 0 : drawBelow(random, this.#queue.length));
      if (this.#drop(message)) continue;
      if (this.#hold(message) || this.#waitsForHeld(message)) this.#held.push(message);
      else for (let i = 0; i < copies; i++) this.#deliver(message);
    }
  }

  /** Takes the message at this place, or the first that it has to wait for. */
  #take(at: number): Envelope {
    const wanted = this.#queue[at]!;
    const first = wanted.isOrdered === true ? this.#queue.findIndex(each => isOnLinkOf(each, wanted)) : at;
    return this.#queue.splice(first, 1)[0]!;
  }

  #waitsForHeld(message: Envelope): boolean {
    return message.isOrdered === true && this.#held.some(each => isOnLinkOf(each, message));
  }

  /** Lets time pass in ticks, delivering as it goes. */
  advance(ms: number, delivery: { copies?: number; seed?: number } = {}): void {
    this.settle(delivery);
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      this.nowMs += TICK_MS;
      for (const node of this.nodes.values()) {
        if (node.isUp) node.cluster.tick();
        this.settle(delivery);
      }
    }
  }

  /** Breaks the link between two nodes, both ways; what was under way on it is lost. */
  cut(a: string, b: string): void {
    this.#unlink(a, b);
    this.#unlink(b, a);
  }

  heal(a: string, b: string): void {
    this.#link(a, b);
    this.#link(b, a);
  }

  /** These nodes, or all, go on to a later epoch; who is a member for the first time is started and linked to the others. */
  adopt(topology: Topology, names: readonly string[] = allMembers(topology).map(({ name }) => name)): void {
    const isNew = (name: string) => !this.nodes.has(name);
    for (const name of names) if (!isNew(name)) this.node(name).cluster.adopt(topology);
    for (const name of names.filter(isNew)) {
      const counters = new ReplicationCounters();
      const cluster = this.#start(name, counters, topology);
      this.nodes.set(name, { name, counters, wallOffsetMs: 0, isUp: true, cluster });
    }
    for (const a of this.nodes.keys()) for (const b of this.nodes.keys()) if (a !== b) this.#relink(a, b);
  }

  /** The topology that most of the nodes began with, and the steps from there. */
  get topology(): Topology {
    return this.node('n1').cluster.topology;
  }

  /** A member as the network's topologies have it. */
  member(name: string): ClusterMember {
    const address = { host: name, port: 1 };
    return { name, place: name, joinedAt: 1, zone: name, weight: 1, bus: address, client: address };
  }

  #relink(from: string, to: string): void {
    const peer = this.node(from).cluster.peerOf(to);
    if (peer !== undefined && !peer.linked && this.node(to).isUp) this.#link(from, to);
  }

  /** The node dies, and all others know it. */
  kill(name: string): void {
    this.node(name).isUp = false;
    for (const other of this.nodes.keys()) if (other !== name) this.cut(name, other);
    for (const { cluster } of this.nodes.values()) {
      const peer = cluster.peerOf(name);
      if (peer !== undefined) peer.alive = false;
    }
  }

  /** It comes back with a new actor and without its data, refilling, and is linked to all others that are up. */
  restartEmpty(name: string): void {
    const node = this.node(name);
    node.counters = new ReplicationCounters();
    node.cluster = this.#start(name, node.counters, node.cluster.topology);
    node.cluster.beginRefill();
    node.isUp = true;
    for (const other of this.nodes.values()) if (other !== node && other.isUp) this.heal(name, other.name);
  }

  /** The outcomes that the operation is given, none while it is undecided. */
  write(name: string, key: string, mutation: Mutation, db = 1, need?: ReplicaCount): Told[] {
    const keyspace = this.keyspace(name, db);
    const bytes = Buffer.from(key);
    const told: Told[] = [];
    const { read: readNeed, write: writeNeed } = keyspace.policy;
    this.node(name).cluster.run(
      keyspace,
      { kind: 'write', db, slot: slotOf(bytes), key: bytes, mutation, need: need ?? writeNeed, readNeed },
      { complete: outcome => told.push(tell(outcome, mutation.kind === 'set' && mutation.returnBefore)) },
    );
    return told;
  }

  set(name: string, key: string, value: string, db = 1, need?: ReplicaCount): Told[] {
    return this.write(name, key, setTo(value), db, need);
  }

  del(name: string, key: string, db = 1): Told[] {
    return this.write(name, key, { kind: 'delete' }, db);
  }

  get(name: string, key: string, db = 1, need?: ReplicaCount): Told[] {
    const keyspace = this.keyspace(name, db);
    const bytes = Buffer.from(key);
    const told: Told[] = [];
    this.node(name).cluster.run(
      keyspace,
      { kind: 'read', db, slot: slotOf(bytes), key: bytes, need: need ?? keyspace.policy.read, wantsValue: true },
      { complete: outcome => told.push(tell(outcome, true)) },
    );
    return told;
  }

  /** What a node's own store holds of the key, a tombstone too. */
  heldAt(name: string, key: string, db = 1): StoredRecord | undefined {
    const { store } = this.keyspace(name, db);
    const bytes = Buffer.from(key);
    const ref = store.find(slotOf(bytes), store.hashOf(bytes), bytes);
    return ref === 0 ? undefined : store.read(ref);
  }

  /** The value in a node's own store: `undefined` for nothing, `null` for a tombstone. */
  valueAt(name: string, key: string, db = 1): string | null | undefined {
    const record = this.heldAt(name, key, db);
    if (record === undefined) return undefined;
    return record.value === undefined ? null : Buffer.from(record.value).toString();
  }

  /** Puts a value into the store of one node only, stamped by that node, as if every message about it had been lost. */
  plant(name: string, key: string | Buffer, value: string | Buffer | undefined, db = 1, expiryAtMs = NEVER): void {
    const { context } = this.node(name).cluster;
    const { store } = this.keyspace(name, db);
    const bytes = Buffer.from(key);
    const stamp = context.stamps.next(context.clock.wallMs());
    const copy = value === undefined ? undefined : Buffer.from(value);
    store.putValue(slotOf(bytes), store.hashOf(bytes), bytes, copy, stamp, context.self, expiryAtMs);
  }

  #deliver({ from, to, bytes }: Envelope): void {
    const { cluster, isUp } = this.node(to);
    const peer = cluster.peerOf(from);
    if (isUp && peer !== undefined) cluster.receive(peer, bytes);
  }

  #link(from: string, to: string): void {
    const { cluster } = this.node(from);
    cluster.peerOf(to)!.alive = true;
    cluster.linkUp(to);
  }

  #unlink(from: string, to: string): void {
    this.#queue = this.#queue.filter(message => message.from !== from || message.to !== to);
    this.#held = this.#held.filter(message => message.from !== from || message.to !== to);
    this.node(from).cluster.linkDown(to);
  }

  #send(from: string, to: string, head: Uint8Array, body: Uint8Array | undefined, isOrdered: boolean): boolean {
    const bytes = Buffer.concat(body === undefined ? [head] : [head, body]);
    const type = TYPES.get(bytes[0]!)!;
    const message = { from, to, type, bytes, isOrdered };
    if (this.#refusing(message)) return false;
    this.sent.push(message);
    this.#queue.push(message);
    return true;
  }

  #start(name: string, counters: ReplicationCounters, topology?: Topology): Cluster {
    const { keyspaces = [EVENTUAL, QUORUM], limits, antiEntropy, hints } = this.#options;
    const options = nodeOptions(name, {
      keyspaces,
      replication: { ...LIMITS, ...limits },
      antiEntropy: { ...ANTI_ENTROPY, ...antiEntropy },
      collection: COLLECTION,
      hints: { ...HINTS, ...hints },
    });
    const founders = Array.from({ length: this.#options.nodes }, (_, i) => this.member(`n${i + 1}`));
    const identity = { id: '0'.repeat(32), hashKey: [1, 2], topology: topology ?? foundingTopology(founders) } as const;
    const say: Log['info'] = (event, fields) => void this.said.push({ node: name, event, fields });
    const clock = {
      wallMs: () => STAMP_EPOCH_MS + 1_000_000 + this.nowMs + (this.nodes.get(name)?.wallOffsetMs ?? 0),
      monotonicMs: () => this.nowMs,
    };
    const ports: ClusterPorts = {
      clock: new ClockGuard(clock, options.maxClockDriftMs, () => {}),
      sawEpoch: (from, epoch) => void this.epochsSeen.push({ node: name, from: from.name, epoch }),
      random: new SeededRandom(++this.#starts),
      outbox: {
        send: (to, head, body) => this.#send(name, to, head, body, false),
        sendOrdered: (to, head, body) => this.#send(name, to, head, body, true),
        dial: () => {},
        hangUp: () => {},
      },
      log: { info: say, warn: say, error: say },
      process: { id: 1, memory: () => ({ residentBytes: 0, heapUsedBytes: 0 }) },
      rings: RINGS,
    };
    const actor = `${name}.${String(this.#starts).padStart(16, '0')}`;
    return new Cluster(identity, options, ports, actor, new Actors(), counters);
  }
}

export function setTo(value: string | Buffer, changes: Partial<Extract<Mutation, { kind: 'set' }>> = {}): Mutation {
  const bytes = Buffer.from(value);
  return { kind: 'set', value: bytes, expiry: NEVER, condition: 'always', returnBefore: false, ...changes };
}

/** The only outcome of an operation that has been decided. */
export function only(told: readonly Told[]): Told {
  assert(told.length === 1, `The operation has ${told.length} outcomes`);
  return told[0]!;
}

export const WRITTEN = { status: 'written', applied: true, before: undefined } as const;
export const read = (value: string | undefined) => ({ status: 'read', value }) as const;

/** From one node to another, any type or one. */
export function between(from: string, to: string, type?: keyof typeof MessageType): Predicate {
  return message => message.from === from && message.to === to && (type === undefined || message.type === type);
}

/** Anything that `name` sends or is sent. */
export function about(name: string, type?: keyof typeof MessageType): Predicate {
  return message => (message.from === name || message.to === name) && (type === undefined || message.type === type);
}

export function ofType(type: keyof typeof MessageType): Predicate {
  return message => message.type === type;
}

const TYPES = new Map<number, keyof typeof MessageType>();
for (const [name, type] of Object.entries(MessageType)) TYPES.set(type, name as keyof typeof MessageType);

function tell(outcome: Outcome, wantsValue: boolean): Told {
  if (outcome.status === 'read') {
    const { found } = outcome;
    if (found === undefined) return { status: 'read', value: undefined };
    const value = Buffer.from(bytesOf(found)).toString();
    return found.expiryAtMs === NEVER
      ? { status: 'read', value }
      : { status: 'read', value, expiryAtMs: found.expiryAtMs };
  }
  if (outcome.status !== 'written') return outcome;
  const { applied, before } = outcome;
  const kept = before !== undefined && wantsValue ? Buffer.from(bytesOf(before)).toString() : undefined;
  return { status: 'written', applied, before: kept };
}

function isOnLinkOf(a: Envelope, b: Envelope): boolean {
  return a.from === b.from && a.to === b.to;
}

import type { MadeBackup } from '../ports/disk.ts';
import type { BusAddress } from '../ports/outbox.ts';
import type { ReplyWriter } from '../resp/reply-writer.ts';
import type { Connection } from './context.ts';

/** One node of the cluster as clients are told of it. */
export interface ServerNode {
  readonly name: string;
  /** 40 hexadecimal digits that stand for the node in Redis Cluster's commands; the same on every node, for ever. */
  readonly clusterNodeId: string;
  readonly actor: string;
  readonly client: BusAddress;
  readonly bus: BusAddress;
  readonly zone: string;
  readonly weight: number;
  readonly isSelf: boolean;
  readonly status: 'alive' | 'suspect' | 'dead' | 'left' | 'unknown';
  readonly linked: boolean;
  readonly refilling: boolean;
  /** A drill holds it down: no node contacts it. */
  readonly heldDown: boolean;
  /** It stamps no writes, because of its wall clock; of others by what they say, which is only that it is off. */
  readonly clockOff: boolean;
  /** What the ring has to do with it: `joining` and `leaving` while slots move to it or from it, `departing` while it hands over the rest. */
  readonly ring: 'member' | 'joining' | 'leaving' | 'departing' | 'none';
  /** Slots of which it is the first replica on the ring, and slots it is a replica of, in this connection's keyspace. */
  readonly primarySlots: number;
  readonly replicaSlots: number;
}

/** How far a member is with what a change of the ring asks of it, in all keyspaces together. */
export interface ServerMoves {
  /** Slots that it is to own and has not merged, of so many. */
  readonly slotsToMerge: number;
  readonly slotsOfAll: number;
  /** Slots that it no longer owns, and still holds something of. */
  readonly slotsToHandOver: number;
  /** Bytes of records that it has moved since its start. */
  readonly bytes: number;
  /** At the pace so far; undefined while there is none to go by. */
  readonly secondsLeft: number | undefined;
}

/** A run of slots with one preference list: live replicas first, then the others, each in the ring's order. */
export interface ServerSlotRange {
  readonly first: number;
  readonly last: number;
  readonly nodes: readonly ServerNode[];
}

/** What is known of a key at one replica, for `COTERIE EXPLAIN`. */
export interface ReplicaVersion {
  readonly node: string;
  readonly status: 'value' | 'tombstone' | 'absent' | 'no answer';
  readonly refilling: boolean;
  /** Unix milliseconds, `<actor>@<stamp>`, bytes. */
  readonly dot?: string;
  readonly writtenMs?: number;
  readonly length?: number;
  readonly expiryAtMs?: number;
  readonly vector?: readonly string[];
  /** The nodes for which this one has a hint on the key. */
  readonly hintsFor?: readonly string[];
  /** What last-write-wins put aside there, the latest first; only if it was asked for. */
  readonly conflicts?: readonly ReplicaConflict[];
}

/** A version of a key that lost against a concurrent one. */
export interface ReplicaConflict {
  /** `<actor>@<stamp>`, Unix milliseconds. */
  readonly dot: string;
  readonly writtenMs: number;
  /** Of the value in bytes; undefined if the version was a deletion. */
  readonly length?: number;
  /** Left out where the answer would grow too large. */
  readonly value?: Uint8Array;
}

export interface ServerKeyspace {
  readonly db: number;
  readonly name: string;
  readonly policy: string;
  /** As configured, and as the number of replicas it comes to on this ring. */
  readonly replicas: number;
  readonly read: string;
  readonly write: string;
  readonly readNeed: number;
  readonly writeNeed: number;
  readonly sloppy: boolean;
  readonly readRepair: string;
  readonly durability: string;
  readonly keys: number;
  readonly tombstones: number;
  readonly expiring: number;
  readonly usedBytes: number;
  readonly reservedBytes: number;
  readonly maxMemoryBytes: number;
  /** Slots that this node holds and has not refilled yet. */
  readonly refillingSlots: number;
}

/** A record that is neither served nor acknowledged until its time has come. */
export interface QuarantinedRecord {
  readonly db: number;
  readonly key: Uint8Array;
  /** `<actor>@<stamp>`, ms ahead of the median clock, the node that sent it. */
  readonly dot: string;
  readonly aheadMs: number;
  readonly from: string;
}

/** The disk of a node. */
export interface ServerDisk {
  /** Unix milliseconds: everything from before is durable. */
  readonly lastFlushWallMs: number;
  /** Why writes are refused: an error for clients. */
  readonly refusal: string | undefined;
  /** Changes that are not durable yet. */
  readonly pendingChanges: number;
  /** Makes durable what is held; `done` is called once, later, with an error for clients if it failed. */
  save(done: (error: string | undefined) => void): void;
  /** The same, with nobody waiting for it: `isSaving` until it has ended, and then `lastSave` says how. */
  saveInBackground(): void;
  readonly isSaving: boolean;
  readonly lastSave: 'ok' | 'err';
}

/** Whether a replica is asked for its version alone, or also for what it put aside. */
export type ExplainWhat = 'version' | 'conflicts';

/** What commands may know of the node and its cluster, and the little they may do to them. */
export interface Server {
  readonly version: string;
  /** 40 hexadecimal digits, new at every start. */
  readonly runId: string;
  readonly processId: number;
  readonly port: number;
  readonly startedWallMs: number;
  wallMs(): number;
  /** Microseconds since the Unix epoch. */
  wallMicros(): number;
  monotonicMs(): number;
  /** Whether the node still reads what it has on disk. */
  readonly isLoading: boolean;
  /** What it keeps on disk; undefined in a node that is in memory only. */
  readonly disk: ServerDisk | undefined;
  /** Copies what is on the disk, as of one moment, to a place of that name; `done` is called once, perhaps at once, with an error for clients if it failed. */
  backup(name: string, done: (made: MadeBackup) => void): void;
  /** Undefined until the cluster has been founded. */
  readonly cluster: { readonly id: string; readonly epoch: number; readonly size: number } | undefined;
  /** Why clients must wait, while they must: "2 of 3 members seen". */
  readonly unfoundedReason: string;
  readonly self: ServerNode;
  nodes(db: number): readonly ServerNode[];
  slotRanges(db: number): readonly ServerSlotRange[];
  /** The preference list of a slot, the ring's order. */
  replicasOf(db: number, slot: number): readonly ServerNode[];
  keyspaces(): readonly ServerKeyspace[];
  keysInSlot(db: number, slot: number): number;
  /** Asks every replica what it holds of the key; `done` is called once, later, in the order of the preference list. */
  explain(db: number, key: Buffer, what: ExplainWhat, done: (versions: readonly ReplicaVersion[]) => void): void;
  /** How many slots of the keyspace differ between their replicas right now, or why that is not known; later, once. */
  converged(db: number, done: (result: { differing: number } | { unavailable: string }) => void): void;
  /** One round of anti-entropy with each co-replica; `done` is called once, later, with a reason if it failed. */
  sync(db: number, done: (unavailable?: string) => void): void;
  /** What is held back here because it was stamped too far ahead. */
  quarantined(): readonly QuarantinedRecord[];
  /** Forgets what is held back of one key, or of all. @returns how many records that was. */
  dropQuarantined(of: { readonly db: number; readonly key: Buffer } | 'all'): number;
  /** What is left of a change of the ring for a member; undefined while nothing moves. */
  movesOf(name: string): ServerMoves | undefined;
  /** Takes a member off the ring, when it has handed on what it has. `done` is told, once, that this is decided, or why not. */
  leave(name: string, done: (error: string | undefined) => void): void;
  /** Takes one off that is gone for good. */
  forget(name: string, done: (error: string | undefined) => void): void;
  /** Whether `drill` may be called. */
  readonly faultCommands: boolean;
  /** Orders that a node, or the link between two, be down or up again. */
  drill(about: readonly string[], down: boolean): void;
  /** A slot of the connection's reply order, to be filled in later by `fill`; used with what is answered later. */
  deferReply(connection: Connection): (fill: (reply: ReplyWriter) => void) => void;
  /** Every open connection, for `CLIENT LIST` and the counts in `INFO`. */
  connections(): Iterable<Connection>;
  /** Compares in constant time. Without a configured password there is nothing to check. */
  checkPassword(user: string, password: Buffer): 'ok' | 'wrong' | 'no password is set';
  /** The configuration as `CONFIG GET` shows it: Redis's names where Redis has one. No secrets. */
  settings(): ReadonlyMap<string, string>;
  /** Counters and gauges for `INFO`, by section. */
  statistics(): Readonly<Record<string, string | number>>;
  memory(): { readonly residentBytes: number; readonly heapUsedBytes: number };
}

import type { SwimTimings } from '../membership/swim-options.ts';
import type { Clock } from '../ports/clock.ts';
import type { Backups, Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { BusAddress, NodeName, Outbox } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import type { AntiEntropyOptions } from '../replication/anti-entropy.ts';
import type { HintOptions } from '../replication/hints.ts';
import type { KeyspacePolicy } from '../replication/policy.ts';
import type { ReplicationLimits } from '../replication/replication-context.ts';
import type { CollectionOptions } from '../replication/tombstone-collector.ts';
import type { NodeDiskOptions } from './disk/node-disk.ts';
import type { RingCache } from './ring-cache.ts';

/** All that a node is told when it is made; none of it changes. */
export interface NodeOptions {
  readonly name: NodeName;
  readonly zone: string;
  readonly weight: number;
  /** Announced addresses: where others and clients reach this node. */
  readonly bus: BusAddress;
  readonly client: BusAddress;
  /** Members of the discovery set that must have been seen before the cluster is founded. */
  readonly expectNodes: number;
  /** Found a cluster of one at once. */
  readonly alone: boolean;
  /** The member, gone for good, whose place this node is to take when it joins a cluster. */
  readonly replaces: NodeName | undefined;
  readonly keyspaces: readonly KeyspacePolicy[];
  readonly defaultKeyspace: number;
  /** Empty: clients need none. */
  readonly password: string;
  /** Replies that may be pending on one connection before its next command has to wait. */
  readonly maxPendingReplies: number;
  readonly replication: ReplicationLimits;
  readonly antiEntropy: AntiEntropyOptions;
  readonly hints: HintOptions;
  readonly collection: CollectionOptions;
  readonly membership?: Partial<SwimTimings>;
  readonly version: string;
  /** What `CONFIG GET` shows. */
  readonly settings: ReadonlyMap<string, string>;
  /** How far a clock may be from the median of all before it counts as off, and a stamp ahead of it. */
  readonly maxClockDriftMs: number;
  /** Bytes of versions put aside that are kept of each keyspace. */
  readonly conflictJournalBytes: number;
  /** Of no interest without a disk. */
  readonly disk: NodeDiskOptions;
  /** Whether operators may order failures. */
  readonly faultCommands: boolean;
}

/** Everything through which a node touches the world. */
export interface NodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly outbox: Outbox;
  readonly log: Log;
  readonly process: ProcessFacts;
  readonly rings: RingCache;
  /** Where what a former process has left is, and what this one keeps goes; none in a node that is in memory only. */
  readonly disk?: Disk | undefined;
  /** Where copies of that go; none are made without it. */
  readonly backups?: Backups | undefined;
}

export interface ProcessFacts {
  readonly id: number;
  memory(): { readonly residentBytes: number; readonly heapUsedBytes: number };
}

export const DEFAULT_REPLICATION_LIMITS: ReplicationLimits = {
  requestTimeoutMs: 500,
  resendAfterMs: 100,
  maxPendingOperations: 65_536,
};

export const DEFAULT_ANTI_ENTROPY: AntiEntropyOptions = {
  intervalMs: 10_000,
  patienceMs: 2_000,
  bytesPerSecond: 64 << 20,
  transferBytesPerSecond: 64 << 20,
};

export const DEFAULT_DISK: NodeDiskOptions = { flushIntervalMs: 1_000, maxPendingBytes: 64 << 20 };

export const DEFAULT_COLLECTION: CollectionOptions = { intervalMs: 10_000 };

export const DEFAULT_HINTS: HintOptions = { maxBytes: 64 << 20, maxAgeMs: 3 * 3_600_000, replayRate: 2000 };

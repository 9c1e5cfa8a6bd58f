import type { BusAddress } from '../ports/outbox.ts';
import type { KeyspaceConfig } from './keyspace.ts';

/**
 * Everything a node is told at its start, decided and checked. Times are milliseconds, sizes are bytes.
 * `schema.ts` says what each setting means.
 */
export interface Config {
  readonly name: string;
  readonly zone: string;
  readonly weight: number;

  readonly bind: string;
  /** 0: whichever is free. */
  readonly port: number;
  readonly busBind: string;
  /** 0: whichever is free. */
  readonly busPort: number;
  readonly announceHost: string;
  /** 0: the port that clients are listened to on. */
  readonly announcePort: number;
  readonly announceBusHost: string;
  /** 0: the port that other nodes are listened to on. */
  readonly announceBusPort: number;

  /** Bus addresses, this node's own perhaps among them; a host may be a DNS name for many. Empty: founds alone. */
  readonly join: readonly BusAddress[];
  /** How many nodes found the cluster, this one included. */
  readonly expectNodes: number;
  /** The member whose place a new node takes. */
  readonly replace: string | undefined;
  readonly leaveOnShutdown: boolean;
  readonly leaveTimeoutMs: number;
  /** Empty: none. */
  readonly clusterSecret: string;

  /** Empty: none. */
  readonly password: string;
  readonly maxClients: number;
  readonly authTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly defaultKeyspace: number;
  readonly routing: 'any';

  readonly protoMaxBulkLenBytes: number;
  readonly outputBufferLimitBytes: number;
  readonly pendingLimit: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly busQueueLimitBytes: number;
  readonly busQueueHighWaterBytes: number;
  readonly busQueueLowWaterBytes: number;
  readonly busStallTimeoutMs: number;
  readonly shutdownTimeoutMs: number;

  /** Undefined: everything is in memory only. */
  readonly dataDir: string | undefined;
  /** Undefined: beside the data-dir. */
  readonly backupDir: string | undefined;
  readonly flushIntervalMs: number;
  readonly diskQueueLimitBytes: number;

  readonly hintMaxBytes: number;
  readonly hintMaxAgeMs: number;
  readonly faultCommands: boolean;
  readonly conflictJournalBytes: number;
  readonly maxClockDriftMs: number;
  readonly antiEntropyIntervalMs: number;
  /** Bytes a second. */
  readonly repairRate: number;
  /** Bytes a second; 0: no limit. */
  readonly transferRate: number;
  readonly tombstoneCollectionIntervalMs: number;
  /** Records a second. */
  readonly hintReplayRate: number;

  readonly logLevel: 'info' | 'warn' | 'error' | 'silent';
  readonly logFormat: 'auto' | 'json' | 'pretty';

  /** At least one, sorted by `db`, each `db` and name once. */
  readonly keyspaces: readonly KeyspaceConfig[];
}

/** What the machine says of itself, for the defaults that depend on it. */
export interface Machine {
  readonly hostname: string;
  /** An address that other machines reach this one at; undefined when it has only a loopback interface. */
  readonly address: string | undefined;
}

/** A configuration that cannot be used, in one sentence each: where, what, and what is allowed. No secret is in them. */
export class ConfigError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    this.problems = problems;
  }
}

import type { ReplicaCount } from '../lib/replica-count.ts';

export type DurabilityMode = 'none' | 'batched' | 'sync';

/** What a keyspace promises, and how much it may hold. */
export interface KeyspacePolicy {
  /** The Redis database number. */
  readonly db: number;
  readonly name: string;
  readonly policy: 'eventual' | 'quorum' | 'mirror' | 'strong';
  /** N: the replicas a key has. */
  readonly replicas: number | 'all';
  /** R: the replicas that must answer a read. */
  readonly read: ReplicaCount;
  /** W: the replicas that must acknowledge a write. */
  readonly write: ReplicaCount;
  /** Whether other members stand in for replicas that cannot be reached, and their copies count towards W. */
  readonly sloppy: boolean;
  /** Whether a read at R≥2 answers before or after R replicas hold what it found. */
  readonly readRepair: 'async' | 'blocking';
  /** Whether what a replica has acknowledged survives its process: never, but for the last moments, or always. */
  readonly durability: DurabilityMode;
  /** Bytes of records a node may hold of this keyspace; 0: no limit. */
  readonly maxMemoryBytes: number;
}

/** A number of replicas as configured: a count, or a word that depends on how many replicas there are. */
export type ReplicaCount = number | 'one' | 'quorum' | 'all';

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
  /** Bytes of records a node may hold of this keyspace; 0: no limit. */
  readonly maxMemoryBytes: number;
}

/**
 * How many replicas a word stands for where there are `replicas` of them; a number is cut to that. `replicas` is
 * min(N, members of the ring), never the number of members that happen to live (DESIGN §1).
 */
export function resolveCount(count: ReplicaCount, replicas: number): number {
  switch (count) {
    case 'one':
      return 1;
    case 'quorum':
      return Math.floor(replicas / 2) + 1;
    case 'all':
      return replicas;
    default:
      return Math.min(count, replicas);
  }
}

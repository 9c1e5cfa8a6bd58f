import type { ReplicaCount } from '../lib/replica-count.ts';
import { type Mutation, needsRead } from '../store/mutation.ts';

/** One client operation on one key, with the consistency its connection asked for. */
export type KeyOperation = ReadOfKey | WriteOfKey;

interface OfKey {
  readonly db: number;
  readonly slot: number;
  readonly key: Uint8Array;
}

export interface ReadOfKey extends OfKey {
  readonly kind: 'read';
  /** R. Of how many owners it is a quorum, or all, is found out where it is coordinated; so is W's. */
  readonly need: ReplicaCount;
  /** False where only existence, length and expiry are asked for, so that no value need travel to the client's node. */
  readonly wantsValue: boolean;
}

export interface WriteOfKey extends OfKey {
  readonly kind: 'write';
  /** W. */
  readonly need: ReplicaCount;
  /** R for the read that a conditional write begins with. */
  readonly readNeed: ReplicaCount;
  readonly mutation: Mutation;
}

/**
 * Whether a node that holds nothing of the key can coordinate this for the replicas: a plain SET, and DEL, which
 * deletes whatever there is. What looks first has nothing to look at.
 */
export function needsNoReplica(operation: KeyOperation): boolean {
  return operation.kind === 'write' && (operation.mutation.kind === 'delete' || !needsRead(operation.mutation));
}

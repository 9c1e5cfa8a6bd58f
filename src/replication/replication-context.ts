import type { ActorIndex, Actors } from '../clock/actors.ts';
import type { HybridClock } from '../clock/hybrid-clock.ts';
import type { Clock } from '../ports/clock.ts';
import type { StoredRecord } from '../store/record.ts';
import type { MergeOutcome } from '../store/record-store.ts';
import type { ReplicationCounters } from './counters.ts';
import type { Keyspace } from './keyspace.ts';
import type { Encoded } from './message-type.ts';
import type { Peer } from './peer.ts';
import type { ReplicaMessages } from './replica-messages.ts';

/** Milliseconds on the monotonic clock, and bounds on what may wait. */
export interface ReplicationLimits {
  /** How long an operation waits for its replicas before it answers `-UNAVAILABLE`. */
  readonly requestTimeoutMs: number;
  /** After how long an unanswered message to a replica is sent again, and a read asks further replicas. */
  readonly resendAfterMs: number;
  /** Operations of one kind that may wait for other nodes; beyond it they are refused. */
  readonly maxPendingOperations: number;
}

/** What every part of the replication layer works with: one object a node, made when its cluster is known. */
export interface ReplicationContext {
  readonly clock: Clock;
  readonly stamps: HybridClock;
  readonly actors: Actors;
  /** This node's own actor. */
  readonly self: ActorIndex;
  /** The ring epoch that requests carry; others' are refused. */
  readonly epoch: number;
  readonly keyspaces: ReadonlyMap<number, Keyspace>;
  readonly messages: ReplicaMessages;
  readonly limits: ReplicationLimits;
  readonly counters: ReplicationCounters;
  /** False when the message provably was not sent. */
  send(to: Peer, message: Encoded): boolean;
}

/**
 * Where this node's operation numbers begin. They follow from its actor, so that an answer that comes late to a node that
 * has been started again is not taken for the answer to another operation.
 */
export function firstOperationId({ actors, self }: Pick<ReplicationContext, 'actors' | 'self'>): number {
  return actors.wordOf(self) * 2 ** 20 + 1;
}

/** Merges a record that came from elsewhere, and raises the clock above it. */
export function absorb(
  context: ReplicationContext,
  keyspace: Keyspace,
  slot: number,
  key: Uint8Array,
  record: StoredRecord,
): MergeOutcome {
  context.stamps.observe(record.dot.stamp);
  if (record.expiry !== undefined) context.stamps.observe(record.expiry.dot.stamp);
  return keyspace.storeOf(slot).merge(slot, keyspace.store.hashOf(key), key, record);
}

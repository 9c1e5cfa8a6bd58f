import type { ActorIndex, Actors } from '../clock/actors.ts';
import type { HybridClock } from '../clock/hybrid-clock.ts';
import type { Clock } from '../ports/clock.ts';
import type { StoredRecord } from '../store/record.ts';
import { type MergeOutcome, NO_RECORD } from '../store/record-store.ts';
import type { ClockGuard } from './clock-guard.ts';
import type { CollectionMessages } from './collection-messages.ts';
import type { ReplicationCounters } from './counters.ts';
import type { Keyspace } from './keyspace.ts';
import type { Encoded } from './message-type.ts';
import type { Peer } from './peer.ts';
import type { Quarantine } from './quarantine.ts';
import type { ReplicaMessages } from './replica-messages.ts';
import { stampOf, versionOf } from './versions.ts';

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
  /** This node as one of the peers. */
  readonly here: Peer;
  /** The ring epoch that requests carry. */
  readonly epoch: number;
  /** All members of the cluster, those that are joining or departing too. */
  readonly peers: readonly Peer[];
  /** Whether the ring stands still: no slot moves, and nobody has anything to hand over. */
  readonly isSettled: boolean;
  readonly keyspaces: ReadonlyMap<number, Keyspace>;
  readonly messages: ReplicaMessages;
  readonly collections: CollectionMessages;
  readonly limits: ReplicationLimits;
  readonly guard: ClockGuard;
  readonly quarantine: Quarantine;
  readonly counters: ReplicationCounters;
  /** A message of this peer is of another epoch: one of the two has to learn of the later one. */
  sawEpoch(from: Peer, epoch: number): void;
  /** False when the message provably was not sent. */
  send(to: Peer, message: Encoded): boolean;
  /** As `send`, behind everything that was sent to this peer before. */
  sendOrdered(to: Peer, message: Encoded): boolean;
}

/**
 * Where this node's operation numbers begin. They follow from its actor, so that an answer that comes late to a node that
 * has been started again is not taken for the answer to another operation.
 */
export function firstOperationId({ actors, self }: Pick<ReplicationContext, 'actors' | 'self'>): number {
  return actors.wordOf(self) * 2 ** 20 + 1;
}

/** Whether a message is of the present epoch. Where it is not, the two nodes tell each other. */
export function isOfThisEpoch(context: ReplicationContext, from: Peer, epoch: number): boolean {
  if (epoch === context.epoch) return true;
  context.sawEpoch(from, epoch);
  return false;
}

/**
 * Whether a record that a peer sent may be merged; if so, the clock is above it from now on (invariant 2). One that is stamped too far
 * ahead is held back, and may not be acknowledged.
 */
export function admits(
  { quarantine, stamps }: ReplicationContext,
  from: Peer,
  keyspace: Keyspace,
  slot: number,
  key: Uint8Array,
  record: StoredRecord,
): boolean {
  if (quarantine.takes(from, keyspace, slot, key, record)) return false;
  stamps.observe(stampOf(record));
  return true;
}

/**
 * Merges a record that a peer sent, if it is admitted and there is room for it (else `held`). A tombstone that was collected here is refused, and the peer told
 * that it may go there too.
 */
export function absorb(
  context: ReplicationContext,
  from: Peer,
  keyspace: Keyspace,
  slot: number,
  key: Uint8Array,
  record: StoredRecord,
): MergeOutcome | 'held' {
  // What could not be kept is not taken: whoever sent it has it still.
  if (keyspace.durability.refusal !== undefined) return 'held';
  return take(context, from, keyspace, slot, key, record);
}

/**
 * Merges what a replica has answered to a read of this node: also while the disk takes nothing, for what is told to the reader is what this
 * node then holds. @returns false when there is no memory for it: then it is as if there had been no answer.
 */
export function absorbAnswer(
  context: ReplicationContext,
  from: Peer,
  keyspace: Keyspace,
  slot: number,
  key: Uint8Array,
  record: StoredRecord,
): boolean {
  if (!keyspace.durability.hasRoom) return false;
  take(context, from, keyspace, slot, key, record);
  return true;
}

function take(
  context: ReplicationContext,
  from: Peer,
  keyspace: Keyspace,
  slot: number,
  key: Uint8Array,
  record: StoredRecord,
): MergeOutcome | 'held' {
  if (!admits(context, from, keyspace, slot, key, record)) return 'held';
  const hash = keyspace.store.hashOf(key);
  if (keyspace.collected.size > 0 && isCollected(keyspace, slot, hash, key, record)) {
    refuse(context, from, keyspace, slot, hash, record);
    return 'same';
  }
  return keyspace.storeOf(slot).merge(slot, hash, key, record);
}

function isCollected(
  { store, collected }: Keyspace,
  slot: number,
  hash: number,
  key: Uint8Array,
  record: StoredRecord,
): boolean {
  return collected.has(slot, hash, versionOf(record)) && store.find(slot, hash, key) === NO_RECORD;
}

function refuse(
  { counters, collections, epoch, send }: ReplicationContext,
  from: Peer,
  { db }: Keyspace,
  slot: number,
  hash: number,
  record: StoredRecord,
): void {
  counters.tombstonesRefused++;
  send(from, collections.encodeCollected({ epoch, db, entry: { slot, hash, ...versionOf(record) } }));
}

import { slotOf } from '../lib/slots.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import { NEVER } from '../store/record.ts';
import { keyId } from './operation.ts';
import type { SimProcess } from './sim-process.ts';

/** A key of the workload in one keyspace, with what is worked out once. */
export interface SimKey {
  /** Database number. */
  readonly db: number;
  readonly name: string;
  /** See `keyId`. */
  readonly id: string;
  readonly bytes: Buffer;
  readonly slot: number;
}

/** What one replica holds of a key, in terms that mean the same on every node. Vectors are forgotten at different times, and left out. */
export interface Content {
  /** `actor@stamp`. */
  readonly dot: string;
  /** Undefined in a tombstone. */
  readonly value: Buffer | undefined;
  /** Unix milliseconds; 0 for never. */
  readonly expiryAtMs: number;
  /** `actor@stamp`; empty without an expiry. */
  readonly expiryDot: string;
}

/** What one replica holds of a key: as much as tells whether anything has changed. */
export interface Held {
  readonly process: SimProcess;
  readonly stamp: number;
  /** In the numbering of that process. */
  readonly actor: number;
  readonly hasValue: boolean;
}

/** What the running replicas of a key hold at one moment. */
export interface HeldByReplicas {
  /** Those that hold a record. */
  readonly held: readonly Held[];
  /** The greatest stamp that any other running node holds: one that will own the slot, or has owned it and has yet to hand it over; 0 for none. */
  readonly newestElsewhere: number;
  /** How many owners the key has, if all of them run and know the same ring. */
  readonly replicas: number | undefined;
}

export function toSimKey(db: number, name: string): SimKey {
  const bytes = Buffer.from(name);
  return { db, name, id: keyId(db, name), bytes, slot: slotOf(bytes) };
}

export function heldByReplicas(processes: readonly SimProcess[], { db, slot, bytes }: SimKey): HeldByReplicas {
  const held: Held[] = [];
  let newestElsewhere = 0;
  let running = 0;
  let replicas = 0;
  const epochs = new Set<number>();
  for (const process of processes) {
    const keyspace = process.node.cluster?.keyspaces.get(db);
    if (keyspace === undefined) continue;
    const { store, placement } = keyspace;
    const ref = store.find(slot, store.hashOf(bytes), bytes);
    if (!placement.isHeldHere(slot)) {
      if (ref !== 0) newestElsewhere = Math.max(newestElsewhere, store.stampOf(ref));
      continue;
    }
    running++;
    replicas = placement.replicaCount;
    epochs.add(process.node.cluster!.topology.epoch);
    if (ref === 0) continue;
    held.push({ process, stamp: store.stampOf(ref), actor: store.actorOf(ref), hasValue: !store.isTombstone(ref) });
  }
  return { held, newestElsewhere, replicas: epochs.size === 1 && running === replicas ? replicas : undefined };
}

/** What the process's store holds of the key, undefined for no record. */
export function contentOf(
  process: SimProcess,
  keyspace: Keyspace,
  { slot, bytes }: Pick<SimKey, 'slot' | 'bytes'>,
): Content | undefined {
  const { store } = keyspace;
  const ref = store.find(slot, store.hashOf(bytes), bytes);
  if (ref === 0) return undefined;
  const { actors } = process.node.cluster!.context;
  const { dot, value, expiry } = store.read(ref);
  return {
    dot: actors.dotText(dot),
    value: value && Buffer.from(value),
    expiryAtMs: expiry?.atMs ?? NEVER,
    expiryDot: expiry === undefined ? '' : actors.dotText(expiry.dot),
  };
}

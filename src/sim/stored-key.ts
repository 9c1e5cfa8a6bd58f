import { slotOf } from '../lib/slots.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import { NEVER } from '../store/record.ts';
import type { SimProcess } from './sim-process.ts';

/** A key of the workload, with what is worked out once. */
export interface SimKey {
  readonly name: string;
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

export function toSimKey(name: string): SimKey {
  const bytes = Buffer.from(name);
  return { name, bytes, slot: slotOf(bytes) };
}

/** What the process's store holds of the key, undefined for no record. */
export function contentOf(process: SimProcess, keyspace: Keyspace, { slot, bytes }: SimKey): Content | undefined {
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

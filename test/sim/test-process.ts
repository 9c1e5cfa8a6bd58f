import { Actors } from '../../src/clock/actors.ts';
import type { SimProcess } from '../../src/sim/sim-process.ts';
import type { SimKey } from '../../src/sim/stored-key.ts';
import { NEVER } from '../../src/store/record.ts';
import { RecordStore } from '../../src/store/record-store.ts';

export interface TestProcessOptions {
  readonly name?: string;
  /** Of all keys or of none. */
  readonly isReplica?: boolean;
  /** The replicas of every slot, in order. */
  readonly replicas?: readonly string[];
  /** Of the ring that it knows. */
  readonly epoch?: number;
}

/** Keyspace 1 of a process with a real store: as much of it as checks look at. */
export class TestProcess {
  readonly process: SimProcess;
  readonly store: RecordStore;
  readonly #actors = new Actors();

  constructor({ name = 'n1', isReplica = true, replicas = ['n1', 'n2'], epoch = 1 }: TestProcessOptions = {}) {
    this.store = new RecordStore({ actors: this.#actors, hashKey: [1, 2] });
    const placement = {
      isHeldHere: () => isReplica,
      replicaCount: replicas.length,
      replicasOf: () => replicas.map(replica => ({ name: replica })),
    };
    const keyspaces = new Map([[1, { store: this.store, placement }]]);
    const cluster = { keyspaces, context: { actors: this.#actors }, topology: { epoch } };
    this.process = { name, node: { cluster } } as unknown as SimProcess;
  }

  /** Holds the value, or a tombstone where it is undefined, from now on. */
  put({ slot, bytes }: SimKey, value: string | undefined, stamp: number, actor = 'n1.0a', expiryAtMs = NEVER): this {
    const written = value === undefined ? undefined : Buffer.from(value);
    this.store.putValue(slot, this.store.hashOf(bytes), bytes, written, stamp, this.#actors.intern(actor), expiryAtMs);
    return this;
  }

  /** Gives what it holds another expiry. */
  expire({ slot, bytes }: SimKey, atMs: number, stamp: number, actor = 'n1.0a'): this {
    this.store.setExpiry(slot, this.store.hashOf(bytes), bytes, atMs, stamp, this.#actors.intern(actor));
    return this;
  }

  /** Drops a value that has expired by then, as nodes do. */
  dropExpired({ slot, bytes }: SimKey, wallMs: number): this {
    this.store.dropExpiredValue(slot, this.store.hashOf(bytes), bytes, wallMs);
    return this;
  }
}

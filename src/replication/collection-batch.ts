import type { Stamp } from '../clock/hybrid-clock.ts';
import type { Collection, CollectionReply, CollectionStep, TombstoneEntry } from './collection-messages.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';

const NEXT: Readonly<Record<CollectionStep, CollectionStep | undefined>> = {
  propose: 'settle',
  settle: 'remove',
  remove: undefined,
};

/** Tombstones of slots that have the same replicas, on their way through the three steps (`tombstone-collector.ts`). */
export class CollectionBatch {
  readonly id: number;
  readonly keyspace: Keyspace;
  /** All replicas, this node among them. */
  readonly replicas: readonly Peer[];
  readonly startedMs: number;
  /** When the present step was last asked for. */
  askedMs: number;
  #entries: readonly TombstoneEntry[];
  #step: CollectionStep = 'propose';
  #floor: Stamp = Number.POSITIVE_INFINITY;
  readonly #waitsFor: Set<Peer>;
  /** By entry: 1 while everyone who has answered holds it. */
  readonly #held: Uint8Array;

  constructor(
    id: number,
    keyspace: Keyspace,
    replicas: readonly Peer[],
    entries: readonly TombstoneEntry[],
    nowMs: number,
  ) {
    this.id = id;
    this.keyspace = keyspace;
    this.replicas = replicas;
    this.startedMs = nowMs;
    this.askedMs = nowMs;
    this.#entries = entries;
    this.#waitsFor = new Set(replicas);
    this.#held = new Uint8Array(entries.length).fill(1);
  }

  get step(): CollectionStep {
    return this.#step;
  }

  /** Replicas that have not answered the present step. */
  get waitsFor(): ReadonlySet<Peer> {
    return this.#waitsFor;
  }

  /** Nothing is left to remove, or all of it is removed everywhere. */
  get isOver(): boolean {
    return this.#entries.length === 0;
  }

  /** What a replica is asked for in the present step. */
  request(epoch: number): Collection {
    const { id, keyspace } = this;
    const entries = this.#step === 'settle' ? [] : this.#entries;
    return { id, epoch, db: keyspace.db, step: this.#step, floor: this.#floor, entries };
  }

  /** Takes an answer in. @returns whether it was the last of its step, so that the next has begun. */
  answered(from: Peer, { step, floor, held }: CollectionReply): boolean {
    if (step !== this.#step || (step === 'propose' && held.length !== this.#held.length)) return false;
    if (!this.#waitsFor.delete(from)) return false;
    if (step === 'propose') for (let i = 0; i < held.length; i++) this.#held[i]! &= held[i]!;
    if (step === 'settle') this.#floor = Math.min(this.#floor, floor);
    if (this.#waitsFor.size > 0) return false;
    this.#advance();
    return true;
  }

  #advance(): void {
    const next = NEXT[this.#step];
    if (this.#step === 'propose') this.#entries = this.#entries.filter((_, i) => this.#held[i] === 1);
    if (next === undefined) {
      this.#entries = [];
      return;
    }
    this.#step = next;
    for (const peer of this.replicas) this.#waitsFor.add(peer);
  }
}

import type { ActorIndex, Actors } from '../clock/actors.ts';
import { NO_STAMP, type Stamp } from '../clock/hybrid-clock.ts';
import { MAX_VECTOR_ENTRIES, type VersionVector } from '../clock/version-vector.ts';
import { NEVER, type StoredRecord } from './record.ts';

/**
 * A version vector under construction, in arrays that are used again and again: `joinVectors`, `withDot` and the bound
 * of `mergeRecords` without a Map for each write.
 */
export class VectorDraft {
  readonly actors: ActorIndex[] = [];
  readonly stamps: Stamp[] = [];
  /** Entries in use; what the arrays hold beyond is left over. */
  size = 0;

  clear(): void {
    this.size = 0;
  }

  /** Joins one entry. */
  add(actor: ActorIndex, stamp: Stamp): void {
    for (let i = 0; i < this.size; i++) {
      if (this.actors[i] !== actor) continue;
      if (this.stamps[i]! < stamp) this.stamps[i] = stamp;
      return;
    }
    this.actors[this.size] = actor;
    this.stamps[this.size] = stamp;
    this.size++;
  }

  /**
   * Whether a write of the actor is among what the vector has behind it. A full vector has forgotten its oldest entries,
   * so what is older than all that are left counts as behind it.
   */
  covers(actor: ActorIndex, stamp: Stamp): boolean {
    let isOlderThanAll = true;
    for (let i = 0; i < this.size; i++) {
      if (this.actors[i] === actor) return this.stamps[i]! >= stamp;
      if (this.stamps[i]! < stamp) isOlderThanAll = false;
    }
    return this.size >= MAX_VECTOR_ENTRIES && isOlderThanAll;
  }

  addAll(vector: VersionVector): void {
    if (vector.size > 0) for (const [actor, stamp] of vector) this.add(actor, stamp);
  }

  /** Brings the entries into order, newest first, without the one of `without`, and forgets all but the newest few. */
  bound(order: Actors, without: ActorIndex): void {
    const { actors, stamps } = this;
    let size = 0;
    for (let from = 0; from < this.size; from++) {
      const actor = actors[from]!;
      const stamp = stamps[from]!;
      if (actor === without) continue;
      let to = size++;
      for (; to > 0 && isNewer(order, stamp, actor, stamps[to - 1]!, actors[to - 1]!); to--) {
        actors[to] = actors[to - 1]!;
        stamps[to] = stamps[to - 1]!;
      }
      actors[to] = actor;
      stamps[to] = stamp;
    }
    this.size = Math.min(size, MAX_VECTOR_ENTRIES);
  }
}

function isNewer(order: Actors, stamp: Stamp, actor: ActorIndex, thanStamp: Stamp, thanActor: ActorIndex): boolean {
  return stamp > thanStamp || (stamp === thanStamp && order.compare(actor, thanActor) > 0);
}

/** A record before it is packed: `StoredRecord` flat and changeable, one object for all writes of a store. */
export class RecordDraft {
  stamp: Stamp = NO_STAMP;
  actor: ActorIndex = 0;
  value: Uint8Array | undefined = undefined;
  /** Whether the value lies in the store, in the record that the draft was loaded from. */
  valueInPlace = false;
  /** Whether there is an expiry; its other fields mean something only then. */
  expires = false;
  expiryAtMs: number = NEVER;
  expiryStamp: Stamp = NO_STAMP;
  expiryActor: ActorIndex = 0;
  readonly vector = new VectorDraft();

  /** Whether the expiry came by itself, later than the value. */
  get hasExpiryDot(): boolean {
    return this.expires && (this.expiryStamp !== this.stamp || this.expiryActor !== this.actor);
  }

  /** A value, or a tombstone, without anything it supersedes; the expiry's dot is the value's. */
  setValue(value: Uint8Array | undefined, stamp: Stamp, actor: ActorIndex, expiryAtMs: number): void {
    this.stamp = stamp;
    this.actor = actor;
    this.value = value;
    this.valueInPlace = false;
    this.expires = false;
    if (expiryAtMs !== NEVER) this.setExpiry(expiryAtMs, stamp, actor);
    this.vector.clear();
  }

  /** The whole record. */
  setVersion(record: StoredRecord): void {
    this.stamp = record.dot.stamp;
    this.actor = record.dot.actor;
    this.value = record.value;
    this.valueInPlace = false;
    this.expires = false;
    if (record.expiry !== undefined) {
      this.setExpiry(record.expiry.atMs, record.expiry.dot.stamp, record.expiry.dot.actor);
    }
    this.vector.clear();
    this.vector.addAll(record.vector);
  }

  setExpiry(atMs: number, stamp: Stamp, actor: ActorIndex): void {
    this.expires = true;
    this.expiryAtMs = atMs;
    this.expiryStamp = stamp;
    this.expiryActor = actor;
  }
}

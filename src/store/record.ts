import type { ActorIndex, Actors } from '../clock/actors.ts';
import type { Stamp } from '../clock/hybrid-clock.ts';
import { joinVectors, MAX_VECTOR_ENTRIES, type VersionVector, withDot } from '../clock/version-vector.ts';

/** One write, once and for all: who stamped it and when (invariant 1). */
export interface Dot {
  readonly actor: ActorIndex;
  readonly stamp: Stamp;
}

/**
 * When the value ceases to be. A register of its own with a dot of its own; it belongs to the version that it stands
 * in and to no other, so an `EXPIRE` made at a stale replica falls with the stale value.
 */
export interface Expiry {
  readonly dot: Dot;
  /** Unix milliseconds, or `NEVER`, what `PERSIST` writes. */
  readonly atMs: number;
}

export const NEVER = 0;

/** A version of a key: a value, or a tombstone where there is none. */
export interface StoredRecord {
  readonly dot: Dot;
  /** Undefined in a tombstone. */
  readonly value: Uint8Array | undefined;
  readonly vector: VersionVector;
  readonly expiry: Expiry | undefined;
}

/** The total order of writes: by stamp, then by actor. */
export function compareDots(actors: Actors, a: Dot, b: Dot): number {
  return a.stamp - b.stamp || actors.compare(a.actor, b.actor);
}

/**
 * What a replica holds after it has seen both: the version with the larger (stamp, actor), the vectors joined, and of
 * two expiries of that version the one with the larger dot. Because stamps extend causality (invariant 2) this never
 * puts a superseded version over its successor, and it needs no cases to be commutative, associative and idempotent
 * (invariant 3). Two records of one version have one value (invariant 1), except that a replica drops it after an
 * expiry; one that knows of a later expiry gives it back. The store does the same on its packed records; this is the
 * definition it is tested against.
 */
export function mergeRecords(actors: Actors, a: StoredRecord, b: StoredRecord): StoredRecord {
  const order = compareDots(actors, a.dot, b.dot);
  const [winner, loser] = order >= 0 ? [a, b] : [b, a];
  const seen = withDot(joinVectors(winner.vector, loser.vector), loser.dot.actor, loser.dot.stamp);
  return {
    dot: winner.dot,
    value: order === 0 ? (a.value ?? b.value) : winner.value,
    vector: boundVector(actors, seen, winner.dot.actor),
    expiry: order === 0 ? laterExpiry(actors, a.expiry, b.expiry) : winner.expiry,
  };
}

/**
 * The newest `MAX_VECTOR_ENTRIES` of a vector, without the entry of `actor`, whose dot says as much. Entries are taken
 * in the total order of dots, the one that picks the winner: so the dot and its vector are the newest entries of all
 * that was ever merged, one of each actor, and it does not matter in what order records met.
 */
function boundVector(actors: Actors, vector: VersionVector, actor: ActorIndex): VersionVector {
  const entries = [...vector].filter(([other]) => other !== actor);
  entries.sort(([x, xStamp], [y, yStamp]) => yStamp - xStamp || actors.compare(y, x));
  return new Map(entries.slice(0, MAX_VECTOR_ENTRIES));
}

function laterExpiry(actors: Actors, a: Expiry | undefined, b: Expiry | undefined): Expiry | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareDots(actors, a.dot, b.dot) >= 0 ? a : b;
}

import type { ActorIndex } from './actors.ts';
import type { Stamp } from './hybrid-clock.ts';

/**
 * What a version has behind it: for each actor, the greatest stamp of its writes to the key that the version
 * supersedes. The version's own dot is not in it. (C. Fidge 1988, F. Mattern 1989; with dots as in N. Preguiça et
 * al., "Dotted Version Vectors", 2010.)
 */
export type VersionVector = ReadonlyMap<ActorIndex, Stamp>;

export const EMPTY_VECTOR: VersionVector = new Map();

/**
 * Entries a vector may have; beyond it the oldest are forgotten. To forget one can make a superseded version look
 * concurrent, never the other way round, and the order between versions does not come from vectors (`record.ts`).
 */
export const MAX_VECTOR_ENTRIES = 8;

/** The least vector that has everything behind it that `a` or `b` has. Commutative, associative, idempotent. */
export function joinVectors(a: VersionVector, b: VersionVector): VersionVector {
  if (b.size === 0) return a;
  if (a.size === 0) return b;
  const joined = new Map(a);
  for (const [actor, stamp] of b) {
    const held = joined.get(actor);
    if (held === undefined || held < stamp) joined.set(actor, stamp);
  }
  return joined;
}

/** `vector` and one write more. */
export function withDot(vector: VersionVector, actor: ActorIndex, stamp: Stamp): VersionVector {
  const held = vector.get(actor);
  if (held !== undefined && held >= stamp) return vector;
  return new Map(vector).set(actor, stamp);
}

/**
 * What a check found.
 *
 * - `exception`: a node threw.
 * - `stale-read`: a quorum read, or what the replicas hold in the end, is older than an acknowledged write allows.
 * - `lost-write`: what the replicas hold in the end is older than an acknowledged write that not all are lost of who held it.
 * - `invented-value`: somebody found a value that nobody wrote to that key.
 * - `dot-reused`: one dot stands on two values (invariant 1).
 * - `two-coordinators`: one write was stamped by two actors.
 * - `come-back`: a key that was deleted or overwritten everywhere is there again (invariant 5).
 * - `divergence`: replicas that can talk and are written no more stay different (invariant 6).
 * - `not-collected`: tombstones stay though every member is here.
 * - `not-converged`: replicas are equal, and `COTERIE CONVERGED` does not come to say so.
 * - `not-settled`: nodes that can talk do not come to see each other alive and whole, or to trust their clocks; or a change of the ring does not end.
 * - `two-rings`: nodes know different things of one epoch, or go back to an earlier one (invariant 9).
 * - `unavailable`: too many operations failed while at most one replica was down (invariant 11).
 * - `misplaced`: a node holds what is not its to hold.
 * - `idle`: too little happened for the run to mean anything.
 */
export const VIOLATIONS = [
  'exception',
  'stale-read',
  'lost-write',
  'invented-value',
  'dot-reused',
  'two-coordinators',
  'come-back',
  'divergence',
  'not-collected',
  'not-converged',
  'not-settled',
  'two-rings',
  'unavailable',
  'misplaced',
  'idle',
] as const;

export type ViolationKind = (typeof VIOLATIONS)[number];

export interface Violation {
  readonly kind: ViolationKind;
  /** A sentence. */
  readonly what: string;
  /** The key concerned, so that its history can be told. */
  readonly key?: { readonly db: number; readonly name: string };
}

/** Takes what a check found. The first violation ends the simulation. */
export type Report = (violation: Violation) => void;

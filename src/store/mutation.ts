import type { Found } from './outcome.ts';
import { NEVER } from './record.ts';

/** A change to one key, before it has a stamp. */
export type Mutation =
  | {
      readonly kind: 'set';
      readonly value: Uint8Array;
      /** Unix milliseconds, `NEVER`, or the expiry that the key has. */
      readonly expiry: number | 'keep';
      readonly condition: 'always' | 'absent' | 'present';
      /** Whether the client wants the old value back. */
      readonly returnBefore: boolean;
    }
  | { readonly kind: 'delete' }
  /** `atMs: NEVER` takes an expiry away. */
  | { readonly kind: 'expire'; readonly atMs: number; readonly condition: ExpireCondition };

/** Redis's NX, XX, GT, LT, and XX with LT; `expiring` is `PERSIST`'s too: only where there is an expiry. */
export type ExpireCondition = 'always' | 'not-expiring' | 'expiring' | 'later' | 'sooner' | 'expiring-sooner';

/** Whether the outcome depends on what the key holds, so that the coordinator must read before it writes. */
export function needsRead(mutation: Mutation): boolean {
  if (mutation.kind !== 'set') return true;
  return mutation.condition !== 'always' || mutation.expiry === 'keep' || mutation.returnBefore;
}

/** Whether the mutation's condition holds for what is there now (`undefined`: nothing live). */
export function conditionHolds(mutation: Mutation, before: Found | undefined): boolean {
  if (mutation.kind === 'delete') return before !== undefined;
  if (mutation.kind === 'expire') return before !== undefined && expiryConditionHolds(mutation, before.expiryAtMs);
  if (mutation.condition === 'absent') return before === undefined;
  if (mutation.condition === 'present') return before !== undefined;
  return true;
}

/** A key without expiry counts as one that expires infinitely late (Redis, EXPIRE's GT and LT). */
function expiryConditionHolds(mutation: { atMs: number; condition: ExpireCondition }, heldAtMs: number): boolean {
  switch (mutation.condition) {
    case 'always':
      return true;
    case 'not-expiring':
      return heldAtMs === NEVER;
    case 'expiring':
      return heldAtMs !== NEVER;
    case 'later':
      return heldAtMs !== NEVER && mutation.atMs > heldAtMs;
    case 'sooner':
      return heldAtMs === NEVER || mutation.atMs < heldAtMs;
    case 'expiring-sooner':
      return heldAtMs !== NEVER && mutation.atMs < heldAtMs;
  }
}

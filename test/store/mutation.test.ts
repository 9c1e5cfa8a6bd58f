import { describe, expect, it } from 'vitest';
import { conditionHolds, type ExpireCondition, type Mutation, needsRead } from '../../src/store/mutation.ts';
import type { Found } from '../../src/store/outcome.ts';
import { NEVER } from '../../src/store/record.ts';

const SET: Mutation & { kind: 'set' } = {
  kind: 'set',
  value: Buffer.from('v'),
  expiry: NEVER,
  condition: 'always',
  returnBefore: false,
};

/** What is there, with this expiry. */
const held = (expiryAtMs: number): Found => ({ length: 1, expiryAtMs, writeValue: () => {} });

describe('A mutation must read before it writes', () => {
  it.each<[string, Mutation, boolean]>([
    ['SET', SET, false],
    ['SET EX', { ...SET, expiry: 5 }, false],
    ['SET KEEPTTL', { ...SET, expiry: 'keep' }, true],
    ['SET NX', { ...SET, condition: 'absent' }, true],
    ['SET XX', { ...SET, condition: 'present' }, true],
    ['SET GET', { ...SET, returnBefore: true }, true],
    ['DEL', { kind: 'delete' }, true],
    ['EXPIRE', { kind: 'expire', atMs: 5, condition: 'always' }, true],
  ])('when its outcome depends on what is there: %s', (_, mutation, reads) => {
    expect(needsRead(mutation)).toBe(reads);
  });
});

describe('The condition of a mutation holds', () => {
  it.each<[string, Mutation, boolean, boolean]>([
    // What it says where there is nothing, and where there is something.
    ['SET', SET, true, true],
    ['SET NX', { ...SET, condition: 'absent' }, true, false],
    ['SET XX', { ...SET, condition: 'present' }, false, true],
    ['DEL', { kind: 'delete' }, false, true],
    ['EXPIRE', { kind: 'expire', atMs: 5, condition: 'always' }, false, true],
  ])('by whether there is a value: %s', (_, mutation, onNothing, onSomething) => {
    expect(conditionHolds(mutation, undefined)).toBe(onNothing);
    expect(conditionHolds(mutation, held(NEVER))).toBe(onSomething);
  });

  // Against no expiry, an earlier, the same and a later one: Redis counts none as infinitely late.
  it.each<[ExpireCondition, boolean, boolean, boolean, boolean]>([
    ['always', true, true, true, true],
    ['not-expiring', true, false, false, false],
    ['expiring', false, true, true, true],
    ['later', false, true, false, false],
    ['sooner', true, false, false, true],
    ['expiring-sooner', false, false, false, true],
  ])('by the expiry that there is: %s', (condition, onNone, onEarlier, onSame, onLater) => {
    const holds = [NEVER, 999, 1_000, 1_001].map(heldAtMs =>
      conditionHolds({ kind: 'expire', atMs: 1_000, condition }, held(heldAtMs)),
    );
    expect(holds).toEqual([onNone, onEarlier, onSame, onLater]);
    expect(conditionHolds({ kind: 'expire', atMs: 1_000, condition }, undefined)).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { Deletions } from '../../src/sim/checkers/deletions.ts';
import type { SimProcess } from '../../src/sim/sim-process.ts';
import { type Held, toSimKey } from '../../src/sim/stored-key.ts';
import type { Violation } from '../../src/sim/violation.ts';

const KEY = toSimKey(1, 'k');

/** What replicas are seen to hold, one moment after the other: a stamp of a value, `-stamp` of a tombstone, 0 for nothing. */
function checked(...moments: (readonly [number, number, number] | readonly [number, number])[]): {
  readonly violations: readonly Violation[];
  readonly collected: number;
} {
  const violations: Violation[] = [];
  const deletions = new Deletions(violation => violations.push(violation));
  for (const moment of moments) {
    const held = [...moment].flatMap((stamp, index) => (stamp === 0 ? [] : [heldOf(index, stamp)]));
    deletions.look(KEY, held, moment.length === 3 ? 3 : undefined);
  }
  return { violations, collected: deletions.collected };
}

function heldOf(index: number, stamp: number): Held {
  return { process: { name: `n${index + 1}` } as SimProcess, stamp: Math.abs(stamp), actor: 1, hasValue: stamp > 0 };
}

describe('The check of deletions', () => {
  it('reports an older value that is alone there after all replicas held the tombstone', () => {
    const { violations } = checked([5, 5, 5], [-9, -9, -9], [5, 0, 0]);
    expect(violations).toMatchObject([{ kind: 'come-back', key: { db: 1, name: 'k' } }]);
    expect(violations[0]!.what).toContain('n1 holds a value of k stamped 5');
  });

  it('reports a value that comes back after the tombstone was collected, also with the stamp of the tombstone', () => {
    expect(checked([-9, -9, -9], [0, 0, 0], [0, 5, 0]).violations).toHaveLength(1);
    expect(checked([-9, -9, -9], [0, 0, 0], [0, 9, 0]).violations).toHaveLength(1);
  });

  it('bears the collected tombstone itself, and a later write', () => {
    expect(checked([-9, -9, -9], [0, 0, 0], [-9, 0, 0], [0, 0, 0], [12, 0, 0], [12, 12, 12]).violations).toEqual([]);
  });

  it('bears an older value that meets the tombstone elsewhere, or that some replica always held', () => {
    expect(checked([-9, -9, -9], [5, -9, 0]).violations).toEqual([]);
    expect(checked([5, -9, -9], [5, 0, 0]).violations).toEqual([]);
  });

  it('bears an older value while a former owner still holds the tombstone that it will hand over', () => {
    const violations: Violation[] = [];
    const deletions = new Deletions(violation => violations.push(violation));
    deletions.look(KEY, [heldOf(0, -9), heldOf(1, -9), heldOf(2, -9)], 3);
    deletions.look(KEY, [heldOf(3, 5)], undefined, 9);
    expect(violations).toEqual([]);
    deletions.look(KEY, [heldOf(3, 5)], undefined, 5);
    expect(violations).toMatchObject([{ kind: 'come-back' }]);
  });

  it('says nothing of what two of three were seen to hold', () => {
    expect(checked([-9, -9], [5, 0, 0]).violations).toEqual([]);
    expect(checked([-9, -9, -9], [0, 0], [-9, -9, -9]).collected).toBe(0);
  });

  it('goes on from the newest version that all replicas have held', () => {
    expect(checked([-9, -9, -9], [0, 0, 0], [12, 12, 12], [-15, -15, -15], [12, 0, 0]).violations).toHaveLength(1);
    expect(checked([-9, -9, -9], [12, 15, 20], [12, 0, 0]).violations).toEqual([]);
  });

  it('counts a key once for each time that it goes everywhere', () => {
    expect(checked([-9, -9, -9], [0, 0, 0], [0, 0, 0]).collected).toBe(1);
    expect(checked([-9, -9, -9], [0, 0, 0], [12, 12, 12], [0, 0, 0]).collected).toBe(2);
    expect(checked([0, 0, 0]).collected).toBe(0);
  });
});

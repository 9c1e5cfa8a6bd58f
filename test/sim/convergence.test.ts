import { describe, expect, it } from 'vitest';
import { Convergence, type Difference } from '../../src/sim/checkers/convergence.ts';
import { toSimKey } from '../../src/sim/stored-key.ts';
import type { Violation } from '../../src/sim/violation.ts';
import { TestProcess } from './test-process.ts';

const KEY = toSimKey(1, 'k');
const convergence = new Convergence([toSimKey(1, 'absent'), KEY]);
const NOW_MS = 1_000;

function replica(name = 'n1'): TestProcess {
  return new TestProcess({ name });
}

function difference(...processes: readonly TestProcess[]): Difference | undefined {
  return convergence.firstDifference(
    processes.map(({ process }) => process),
    NOW_MS,
  );
}

describe('The check of convergence', () => {
  it('finds replicas equal that hold the same, or nothing', () => {
    expect(difference(replica(), replica('n2'))).toBeUndefined();
    expect(difference(replica().put(KEY, 'a', 7), replica('n2').put(KEY, 'a', 7))).toBeUndefined();
    expect(difference(replica().put(KEY, undefined, 7), replica('n2').put(KEY, undefined, 7))).toBeUndefined();
  });

  it('tells the key, and what each replica holds of it', () => {
    const found = difference(replica().put(KEY, 'a', 7), replica('n2').put(KEY, 'b', 8, 'n2.0b'));
    expect(found).toEqual({ db: 1, key: 'k', held: 'n1: a (n1.0a@7); n2: b (n2.0b@8)' });
    expect(difference(replica(), replica('n2').put(KEY, 'a', 7))?.held).toBe('n1: nothing; n2: a (n1.0a@7)');
  });

  it('compares values under one dot, dots under one value, and a value with a tombstone', () => {
    const held = replica().put(KEY, 'a', 7);
    expect(difference(held, replica('n2').put(KEY, 'b', 7))).toBeDefined();
    expect(difference(held, replica('n2').put(KEY, 'a', 8))).toBeDefined();
    expect(difference(held, replica('n2').put(KEY, 'a', 7, 'n2.0b'))).toBeDefined();
    expect(difference(held, replica('n2').put(KEY, undefined, 7))).toBeDefined();
  });

  it('compares when values expire, and by which write', () => {
    const held = replica().put(KEY, 'a', 7).expire(KEY, 5_000, 9);
    expect(difference(held, replica('n2').put(KEY, 'a', 7).expire(KEY, 5_000, 9))).toBeUndefined();
    expect(difference(held, replica('n2').put(KEY, 'a', 7))).toBeDefined();
    expect(difference(held, replica('n2').put(KEY, 'a', 7).expire(KEY, 5_001, 9))).toBeDefined();
    expect(difference(held, replica('n2').put(KEY, 'a', 7).expire(KEY, 5_000, 8))).toBeDefined();
  });

  it('takes a value that has expired on the fastest clock for one that was dropped', () => {
    const expired = (name: string): TestProcess => replica(name).put(KEY, 'a', 7, 'n1.0a', NOW_MS);
    expect(difference(expired('n1'), expired('n2').dropExpired(KEY, NOW_MS))).toBeUndefined();
    const lasting = (name: string): TestProcess => replica(name).put(KEY, 'a', 7, 'n1.0a', NOW_MS + 1);
    expect(difference(lasting('n1'), lasting('n2').dropExpired(KEY, NOW_MS + 1))).toBeDefined();
  });

  it('leaves out what a node holds that is no replica', () => {
    const other = new TestProcess({ name: 'n3', isReplica: false });
    expect(difference(replica().put(KEY, 'a', 7), other, replica('n2').put(KEY, 'a', 7))).toBeUndefined();
  });

  it('tells what the first replica holds as what all agree on, and nil for what was deleted or has expired', () => {
    const agreed = (held: TestProcess): string | undefined =>
      convergence.agreed([replica('n2').process, held.process], KEY, NOW_MS)?.value?.toString();
    expect(agreed(replica().put(KEY, 'a', 7))).toBe('a');
    expect(agreed(replica())).toBeUndefined();
    expect(agreed(replica().put(KEY, undefined, 7))).toBeUndefined();
    expect(agreed(replica().put(KEY, 'a', 7, 'n1.0a', NOW_MS))).toBeUndefined();
    expect(agreed(replica().put(KEY, 'a', 7, 'n1.0a', NOW_MS + 1))).toBe('a');
  });
});

describe('The check of places', () => {
  function misplaced(...processes: readonly TestProcess[]): readonly string[] {
    const violations: Violation[] = [];
    convergence.checkPlaces(
      processes.map(({ process }) => process),
      violation => violations.push(violation),
    );
    return violations.map(({ kind, what }) => `${kind}: ${what}`);
  }

  it('bears keys of the workload at their replicas', () => {
    expect(misplaced(replica().put(KEY, 'a', 7), replica('n2').put(KEY, undefined, 8))).toEqual([]);
  });

  it('reports a key at a node that is no replica of it', () => {
    const other = new TestProcess({ name: 'n3', isReplica: false }).put(KEY, 'a', 7);
    expect(misplaced(replica(), other)).toEqual([`misplaced: n3 holds "k" in slot ${KEY.slot} of db 1`]);
  });

  it('reports a key in the slot of another, and one that no client knows', () => {
    expect(misplaced(replica().put({ ...KEY, slot: 1 }, 'a', 7))).toEqual([
      'misplaced: n1 holds "k" in slot 1 of db 1',
    ]);
    expect(misplaced(replica().put(toSimKey(1, 'stranger'), 'a', 7))).toHaveLength(1);
  });
});

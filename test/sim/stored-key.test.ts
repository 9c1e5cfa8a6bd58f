import { expect, test } from 'vitest';
import type { SimProcess } from '../../src/sim/sim-process.ts';
import { heldByReplicas, toSimKey } from '../../src/sim/stored-key.ts';
import { TestProcess } from './test-process.ts';

const KEY = toSimKey(1, 'k');

/** One of two replicas of the key, or none; it holds what was stamped so, or nothing. */
function processWith(stamp: number | undefined, isReplica = true): SimProcess {
  const replica = new TestProcess({ isReplica });
  if (stamp !== undefined) replica.put(KEY, 'v', stamp);
  return replica.process;
}

test('of a key the running replicas that hold it are told, and how many there are when all of them run', () => {
  const [first, second, other] = [processWith(7), processWith(undefined), processWith(9, false)];
  const held = [{ process: first, stamp: 7, actor: 0, hasValue: true }];
  expect(heldByReplicas([first, second, other], KEY)).toEqual({ held, newestElsewhere: 9, replicas: 2 });
});

test('of two that know different rings it is not said that they are all', () => {
  const later = new TestProcess({ epoch: 2 }).process;
  expect(heldByReplicas([processWith(undefined), later], KEY)).toEqual({
    held: [],
    newestElsewhere: 0,
    replicas: undefined,
  });
});

test('while one of them is down, or has not joined yet, they are not all there', () => {
  const joining = { node: { cluster: undefined } } as SimProcess;
  expect(heldByReplicas([processWith(undefined), joining], KEY)).toEqual({
    held: [],
    newestElsewhere: 0,
    replicas: undefined,
  });
  expect(heldByReplicas([], KEY)).toEqual({ held: [], newestElsewhere: 0, replicas: undefined });
});

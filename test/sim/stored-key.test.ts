import { expect, test } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import type { SimProcess } from '../../src/sim/sim-process.ts';
import { heldByReplicas, toSimKey } from '../../src/sim/stored-key.ts';
import { NEVER } from '../../src/store/record.ts';
import { RecordStore } from '../../src/store/record-store.ts';

const KEY = toSimKey(1, 'k');

/** A process that is one of two replicas of the key, or none; it holds what was stamped so, or nothing. */
function processWith(stamp: number | undefined, isReplica = true): SimProcess {
  const actors = new Actors();
  const store = new RecordStore({ actors, hashKey: [1, 2] });
  const { slot, bytes } = KEY;
  if (stamp !== undefined) {
    store.putValue(slot, store.hashOf(bytes), bytes, Buffer.from('v'), stamp, actors.intern('n1.0a'), NEVER);
  }
  const placement = { isHeldHere: () => isReplica, replicaCount: 2 };
  return { node: { cluster: { keyspaces: new Map([[1, { store, placement }]]) } } } as unknown as SimProcess;
}

test('of a key the running replicas that hold it are told, and how many there are when all of them run', () => {
  const [first, second, other] = [processWith(7), processWith(undefined), processWith(9, false)];
  const held = [{ process: first, stamp: 7, actor: 0, hasValue: true }];
  expect(heldByReplicas([first, second, other], KEY)).toEqual({ held, replicas: 2 });
});

test('while one of them is down, or has not joined yet, they are not all there', () => {
  const joining = { node: { cluster: undefined } } as SimProcess;
  expect(heldByReplicas([processWith(undefined), joining], KEY)).toEqual({ held: [], replicas: undefined });
  expect(heldByReplicas([], KEY)).toEqual({ held: [], replicas: undefined });
});

import { afterEach, describe, expect, test } from 'vitest';
import type { Disk } from '../../src/ports/disk.ts';
import { SimulatedDisk } from '../../src/sim/simulated-disk.ts';
import { SimulatedStore } from '../../src/sim/simulated-drive.ts';
import { GroupLog } from '../../src/topology/group-log.ts';
import { PropertyViolated } from '../raft/properties.ts';
import { DurableRun, LostForNothing, NoPeace, TwoRings, TwoVotes } from './durable-run.ts';

const restorers: (() => void)[] = [];

afterEach(() => {
  for (const restore of restorers.splice(0).reverse()) restore();
});

/** Puts a bug in the place of a method or getter until the test is over. */
function plant(prototype: object, name: string, bug: PropertyDescriptor): void {
  const sound = Object.getOwnPropertyDescriptor(prototype, name)!;
  Object.defineProperty(prototype, name, { ...bug, configurable: true });
  restorers.push(() => Object.defineProperty(prototype, name, sound));
}

/** Runs seed after seed until one ends like this. */
function expectCaught(...kinds: (new (...args: never[]) => Error)[]): void {
  for (let seed = 1; seed <= 50; seed++) {
    try {
      new DurableRun(seed).run(60_000);
    } catch (error) {
      expect(kinds, (error as Error).message).toContain((error as Error).constructor);
      return;
    }
  }
  expect.fail('none of 50 seeds caught it');
}

describe('random runs of durable groups catch within 50 seeds', { timeout: 300_000 }, () => {
  test('a vote that is not persisted', () => {
    const { put } = GroupLog.prototype;
    const forgetful: typeof put = function (this: GroupLog, { hardState, entries }, snapshot) {
      const term = hardState && { term: hardState.term, vote: undefined };
      put.call(this, { hardState: term, entries }, snapshot);
    };
    plant(GroupLog.prototype, 'put', { value: forgetful });
    expectCaught(TwoVotes, PropertyViolated);
  });

  test('what is sent before the flush', () => {
    const { put } = GroupLog.prototype;
    const hasty: typeof put = function (this: GroupLog, ...args) {
      put.apply(this, args);
      this.flush(() => {});
    };
    plant(GroupLog.prototype, 'put', { value: hasty });
    plant(GroupLog.prototype, 'isDirty', { get: () => false });
    // A learner that was promoted for what it then forgets is a voter that never answers again.
    expectCaught(TwoVotes, TwoRings, PropertyViolated, NoPeace);
  });

  test('entries that are left behind those which take their place', () => {
    const { deleteRange } = SimulatedDisk.prototype;
    const lazy: Disk['deleteRange'] = function (this: SimulatedDisk, from, to) {
      // Of the log's own deletions only those that begin behind the first entry.
      if (from.length < 8 || from.at(-1) === 0) deleteRange.call(this, from, to);
    };
    plant(SimulatedDisk.prototype, 'deleteRange', { value: lazy });
    expectCaught(LostForNothing);
  });

  test('a log that is taken for whole though its disk has lost something', () => {
    const { loseTail } = SimulatedStore.prototype;
    const silent: typeof loseTail = function (this: SimulatedStore, batches) {
      const count = loseTail.call(this, batches);
      this.lost = undefined;
      return count;
    };
    plant(SimulatedStore.prototype, 'loseTail', { value: silent });
    expectCaught(TwoVotes, TwoRings, PropertyViolated);
  });
});

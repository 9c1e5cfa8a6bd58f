import { describe, test } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { HybridClock } from '../../src/clock/hybrid-clock.ts';
import { ClockGuard } from '../../src/replication/clock-guard.ts';
import { RecordStore } from '../../src/store/record-store.ts';
import { expectCaught, plant } from './planting.ts';

describe('the simulator catches within 50 seeds', { timeout: 120_000 }, () => {
  test('a dot that is used again after a restart with lost memory: an actor that is only a name, and a counter', () => {
    const { intern } = Actors.prototype;
    const nameOnly: typeof intern = function (this: Actors, actor) {
      return intern.call(this, `${actor.slice(0, actor.indexOf('.'))}.${'0'.repeat(16)}`);
    };
    plant(Actors.prototype, 'intern', { value: nameOnly });
    plantCounters();
    expectCaught('dot-reused');
  });

  test('an EXPIRE that revives an old value, because it is a write of the value that its coordinator holds', () => {
    const rewriting: RecordStore['setExpiry'] = function (this: RecordStore, slot, hash, key, atMs, stamp, actor) {
      const value = this.valueOf(this.find(slot, hash, key));
      return this.putValue(slot, hash, key, value, stamp, actor, atMs);
    };
    plant(RecordStore.prototype, 'setExpiry', { value: rewriting });
    expectCaught('two-coordinators', { keyspaces: [0] });
  });

  test('a node that goes on stamping by a clock that is an hour off', () => {
    const { judged } = ClockGuard.prototype;
    const trusting: typeof judged = function (this: ClockGuard, standing, lastStamp) {
      const believed = standing.state === 'off' ? ({ ...standing, state: 'ok', offsetMs: 0 } as const) : standing;
      judged.call(this, believed, lastStamp);
    };
    plant(ClockGuard.prototype, 'judged', { value: trusting });
    expectCaught(['divergence', 'stale-read', 'not-settled']);
  });

  test('a node that stamps before another clock has agreed with its own', () => {
    const { judged } = ClockGuard.prototype;
    const bold: typeof judged = function (this: ClockGuard, standing, lastStamp) {
      judged.call(this, standing.state === 'doubtful' ? { ...standing, state: 'unknown' } : standing, lastStamp);
    };
    plant(ClockGuard.prototype, 'judged', { value: bold });
    expectCaught(['divergence', 'stale-read', 'not-settled']);
  });
});

/** Stamps that count writes from the start of the process, as if the wall clock were not there. */
function plantCounters(): void {
  const counts = new WeakMap<HybridClock, number>();
  const countOf = (clock: HybridClock): number => counts.get(clock) ?? 0;
  plant(HybridClock.prototype, 'last', {
    get(this: HybridClock) {
      return countOf(this);
    },
  });
  plant(HybridClock.prototype, 'next', {
    value(this: HybridClock) {
      counts.set(this, countOf(this) + 1);
      return countOf(this);
    },
  });
  plant(HybridClock.prototype, 'observe', {
    value(this: HybridClock, stamp: number) {
      counts.set(this, Math.max(countOf(this), stamp));
    },
  });
}

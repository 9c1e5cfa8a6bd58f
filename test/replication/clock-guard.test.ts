import { describe, expect, it } from 'vitest';
import { MAX_STAMP, STAMP_EPOCH_MS, stampAt } from '../../src/clock/hybrid-clock.ts';
import { ClockGuard, type ClockStanding } from '../../src/replication/clock-guard.ts';

const NOW_MS = STAMP_EPOCH_MS + 1_000_000_000;
const HOUR_MS = 3_600_000;
const LIMIT_MS = 2_000;

/** A guard of a clock that a test sets, and how often it had the clock judged. */
function guarded(standing?: ClockStanding, lastMs = NOW_MS) {
  const clock = { ms: NOW_MS, judged: 0 };
  const machine = { wallMs: () => clock.ms, monotonicMs: () => 77 };
  const guard = new ClockGuard(machine, LIMIT_MS, () => clock.judged++);
  if (standing !== undefined) guard.judged(standing, stampAt(lastMs));
  return { guard, clock };
}

const ok = (offsetMs = 0, latestMs = 0): ClockStanding => ({ state: 'ok', offsetMs, latestMs });

describe('A guarded clock', () => {
  it('shows the machine’s, and the median while that is off', () => {
    expect(guarded().guard.wallMs()).toBe(NOW_MS);
    expect(guarded(ok(1_500)).guard.wallMs()).toBe(NOW_MS);
    for (const offsetMs of [HOUR_MS, -HOUR_MS])
      expect(guarded({ state: 'off', offsetMs, latestMs: 0 }).guard.wallMs()).toBe(NOW_MS - offsetMs);
    expect(guarded().guard.monotonicMs()).toBe(77);
  });

  it('in doubt shows the earlier of the two', () => {
    expect(guarded({ state: 'doubtful', offsetMs: HOUR_MS, latestMs: 0 }).guard.wallMs()).toBe(NOW_MS - HOUR_MS);
    expect(guarded({ state: 'doubtful', offsetMs: -HOUR_MS, latestMs: 0 }).guard.wallMs()).toBe(NOW_MS);
    expect(guarded({ state: 'unknown', offsetMs: HOUR_MS, latestMs: 0 }).guard.wallMs()).toBe(NOW_MS);
  });

  it('is judged before its time is used when it has moved by more than 100 ms, or back', () => {
    const { guard, clock } = guarded(ok());
    const judgedAt = (ms: number) => {
      const before = clock.judged;
      clock.ms = ms;
      guard.wallMs();
      return clock.judged - before;
    };
    expect([0, 0, 100, 101, 201, 302, 301, 401].map(ms => judgedAt(NOW_MS + ms))).toEqual([1, 0, 0, 1, 0, 1, 1, 0]);
  });
});

describe('A node', () => {
  it('drops what has expired, but not by a clock in doubt', () => {
    const may = (state: ClockStanding['state']) => guarded({ state, offsetMs: 0, latestMs: 0 }).guard.mayDropExpired;
    expect([may('unknown'), may('ok'), may('off'), may('doubtful')]).toEqual([true, true, true, false]);
  });

  it('may stamp while its clock is right, or nobody can say', () => {
    expect(guarded().guard.stepsBack).toBeUndefined();
    expect(guarded(ok(LIMIT_MS)).guard.stepsBack).toBeUndefined();
    expect(guarded({ state: 'unknown', offsetMs: 0, latestMs: 0 }, NOW_MS + HOUR_MS).guard.stepsBack).toBeUndefined();
  });

  it.each<[ClockStanding, number, string]>([
    [{ state: 'off', offsetMs: HOUR_MS, latestMs: 0 }, 0, 'is off by 3600000 ms'],
    [{ state: 'doubtful', offsetMs: 0, latestMs: 0 }, 0, 'has not been compared with that of another node yet'],
    [
      { state: 'doubtful', offsetMs: 5_000, latestMs: 0 },
      0,
      'differs by 5000 ms from another, and too few are seen to tell which is right',
    ],
    [ok(), LIMIT_MS + 1, 'was off, and its stamps are 2001 ms ahead'],
  ])('may not with %o and stamps %i ms ahead: its clock %s', (standing, aheadMs, reason) => {
    expect(guarded(standing, NOW_MS + aheadMs).guard.stepsBack).toBe(reason);
  });
});

describe('A clock that was set since the node asked whether it may stamp', () => {
  const doubtful: ClockStanding = { state: 'doubtful', offsetMs: 0, latestMs: 0 };

  it('gives no time to stamp by until it is judged right', () => {
    const clock = { ms: NOW_MS, standing: ok() };
    const machine = { wallMs: () => clock.ms, monotonicMs: () => 77 };
    const guard: ClockGuard = new ClockGuard(machine, LIMIT_MS, () => guard.judged(clock.standing, stampAt(NOW_MS)));
    expect(guard.stampMs()).toBe(NOW_MS);
    Object.assign(clock, { ms: NOW_MS + HOUR_MS, standing: doubtful });
    expect(guard.stepsBack).toBeUndefined();
    expect(guard.stampMs()).toBe(0);
    Object.assign(clock, { ms: NOW_MS + 1, standing: ok() });
    expect(guard.stampMs()).toBe(NOW_MS + 1);
  });
});

describe('A stamp', () => {
  it('is too far ahead beyond the limit from the median clock, whatever this node’s own shows', () => {
    for (const offsetMs of [0, HOUR_MS, -HOUR_MS]) {
      const { guard } = guarded({ state: offsetMs === 0 ? 'ok' : 'off', offsetMs, latestMs: 0 });
      const presentMs = NOW_MS - offsetMs;
      expect(guard.isTooFarAhead(stampAt(presentMs + LIMIT_MS))).toBe(false);
      expect(guard.isTooFarAhead(stampAt(presentMs + LIMIT_MS + 1))).toBe(true);
      expect(guard.aheadMs(stampAt(presentMs + 500))).toBe(500);
      expect(guard.aheadMs(stampAt(presentMs - 500))).toBe(-500);
    }
  });

  it('is not while most members’ stamps have reached it, nor while nobody can say', () => {
    const { guard } = guarded(ok(0, NOW_MS + HOUR_MS));
    expect(guard.isTooFarAhead(stampAt(NOW_MS + HOUR_MS + LIMIT_MS))).toBe(false);
    expect(guard.isTooFarAhead(stampAt(NOW_MS + HOUR_MS + LIMIT_MS + 1))).toBe(true);
    for (const state of ['unknown', 'doubtful'] as const)
      expect(guarded({ state, offsetMs: 0, latestMs: 0 }).guard.isTooFarAhead(MAX_STAMP)).toBe(false);
    expect(guarded().guard.isTooFarAhead(MAX_STAMP)).toBe(false);
  });

  it('that was too far ahead is due when time has passed', () => {
    const { guard, clock } = guarded(ok());
    const stamp = stampAt(NOW_MS + 10_000);
    expect(guard.isTooFarAhead(stamp)).toBe(true);
    clock.ms = NOW_MS + 8_000;
    expect(guard.isTooFarAhead(stamp)).toBe(false);
  });
});

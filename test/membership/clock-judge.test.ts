import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockJudge } from '../../src/membership/clock-judge.ts';

const LIMIT_MS = 2_000;
const HOUR_MS = 3_600_000;

/** n1's judge after it has seen these clocks, each so far ahead of a perfect one, at monotonic 0 and wall 1,000,000. */
function judgeOf(othersAheadMs: readonly number[], members = othersAheadMs.length + 1): ClockJudge {
  const judge = new ClockJudge(LIMIT_MS);
  judge.setMembers(new Set(Array.from({ length: members }, (_, i) => `n${i + 1}`)));
  for (const [i, aheadMs] of othersAheadMs.entries())
    judge.saw(`n${i + 2}`, 1_000_000 + aheadMs, 1_000_000 + aheadMs, -2, 2);
  return judge;
}

describe('A node', () => {
  it('judges its clock by the median, whatever a few liars show', () => {
    for (const lie of [HOUR_MS, -HOUR_MS]) {
      expect(judgeOf([0, lie]).judge(1_000_000, 0)).toEqual({ state: 'ok', offsetMs: 0 });
      expect(judgeOf([0, 1, lie, lie]).judge(1_000_000, 0).state).toBe('ok');
      expect(judgeOf([0, 0]).judge(1_000_000 + lie, 0)).toEqual({ state: 'off', offsetMs: lie });
    }
  });

  it('is never condemned while its clock is right and at least half of those of the others are, however wrong the rest is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 2, maxLength: 20 }),
        fc.array(fc.integer({ min: -HOUR_MS, max: HOUR_MS }), { maxLength: 20 }),
        fc.integer({ min: -500, max: 500 }),
        (right, wrong, own) => {
          const liars = wrong.slice(0, right.length);
          const { state, offsetMs } = judgeOf([...right, ...liars]).judge(1_000_000 + own, 0);
          expect(state).toBe('ok');
          expect(Math.abs(offsetMs)).toBeLessThanOrEqual(1_001);
        },
      ),
    );
  });

  it('does not judge with two clocks, nor with fewer than a majority of a small cluster or seven of a large one', () => {
    expect(judgeOf([HOUR_MS]).judge(1_000_000, 0).state).toBe('unknown');
    expect(judgeOf([0, 0], 7).judge(1_000_000, 0).state).toBe('unknown');
    expect(judgeOf([0, 0, 0], 7).judge(1_000_000, 0).state).toBe('ok');
    expect(judgeOf([0, 0, 0, 0, 0], 100).judge(1_000_000, 0).state).toBe('unknown');
    expect(judgeOf([0, 0, 0, 0, 0, 0], 100).judge(1_000_000, 0).state).toBe('ok');
    expect(judgeOf([HOUR_MS]).offsetOf('n2')).toBeUndefined();
  });

  it('knows at once when its own clock is set, without another probe', () => {
    const judge = judgeOf([0, 0, 0]);
    expect(judge.judge(1_060_000, 60_000).state).toBe('ok');
    expect(judge.judge(1_060_001 + HOUR_MS, 60_001)).toEqual({ state: 'off', offsetMs: HOUR_MS });
    expect(judge.judge(1_060_002, 60_002)).toEqual({ state: 'ok', offsetMs: 0 });
  });

  it('that was off is trusted again at half the limit', () => {
    const judge = judgeOf([0, 0, 0]);
    const stateAt = (offsetMs: number) => judge.judge(1_000_000 + offsetMs, 0).state;
    expect([1_990, 2_010, 1_990, 1_010, 990, 1_990].map(stateAt)).toEqual(['ok', 'off', 'off', 'off', 'ok', 'ok']);
  });

  it('sees a member whose clock moves, and forgets one that is no member any more', () => {
    const judge = judgeOf([0, 0, 0]);
    judge.judge(1_000_000, 0);
    judge.saw('n2', 1_005_000 + HOUR_MS, 1_005_000 + HOUR_MS, 4_998, 5_002);
    expect(judge.judge(1_005_000, 5_000).state).toBe('ok');
    expect(judge.offsetOf('n2')).toBe(HOUR_MS);
    judge.setMembers(new Set(['n1', 'n3', 'n4']));
    expect(judge.judge(1_005_000, 5_000).state).toBe('ok');
    expect(judge.offsetOf('n2')).toBeUndefined();
  });

  it('tells the latest time that most members know of, whatever one of them shows', () => {
    const judge = new ClockJudge(2_000);
    judge.setMembers(new Set(['n1', 'n2', 'n3', 'n4', 'n5']));
    for (const [name, latestMs] of [
      ['n2', 5_000],
      ['n3', 5_001],
      ['n4', HOUR_MS],
      ['n5', 4_000],
    ] as const)
      judge.saw(name, 1_000, latestMs, 0, 0);
    expect(judge.latestMs(1_000)).toBe(5_000);
    expect(judge.latestMs(6_000)).toBe(5_001);
    judge.saw('n3', 1_000, 7_000, 10, 10);
    expect(judge.latestMs(6_000)).toBe(6_000);
    judge.setMembers(new Set(['n1', 'n2', 'n5']));
    expect(judge.latestMs(1_000)).toBe(4_000);
  });
});

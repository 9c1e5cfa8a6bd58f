import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockJudge } from '../../src/membership/clock-judge.ts';

const LIMIT_MS = 2_000;
const HOUR_MS = 3_600_000;
const FRESH_MS = 5_000;
const OPTIONS = { maxDriftMs: LIMIT_MS, freshMs: () => FRESH_MS };

/** n1's judge after it has seen these clocks, each so far ahead of a perfect one, at monotonic 0 and wall 1,000,000. */
function judgeOf(othersAheadMs: readonly number[], members = othersAheadMs.length + 1): ClockJudge {
  const judge = new ClockJudge(OPTIONS);
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
    expect(judge.judge(1_001_000, 1_000).state).toBe('ok');
    expect(judge.judge(1_060_001 + HOUR_MS, 60_001)).toEqual({ state: 'off', offsetMs: HOUR_MS });
    expect(judge.judge(1_060_002, 60_002)).toEqual({ state: 'ok', offsetMs: 0 });
  });

  it('goes on by the median that it found when others cannot be seen any more', () => {
    const judge = judgeOf([0, 0, 0, 0]);
    expect(judge.judge(1_000_000, 0).state).toBe('ok');
    const laterMs = 10 * FRESH_MS;
    expect(judge.judge(1_000_000 + laterMs, laterMs)).toEqual({ state: 'ok', offsetMs: 0 });
    expect(judge.judge(1_000_000 + laterMs + HOUR_MS, laterMs)).toEqual({ state: 'off', offsetMs: HOUR_MS });
  });

  it('counts no clock that it has not seen for long: it may have been set since', () => {
    const judge = judgeOf([0, 0, HOUR_MS, HOUR_MS], 9);
    const nowMs = FRESH_MS + 1_000;
    for (const name of ['n6', 'n7']) judge.saw(name, 1_000_000 + nowMs, 1_000_000, nowMs, nowMs);
    // Of nine clocks three that are seen now agree, and five would have to.
    expect(judge.judge(1_000_000 + nowMs, nowMs).state).toBe('unknown');
    for (const name of ['n8', 'n9']) judge.saw(name, 1_000_000 + nowMs, 1_000_000, nowMs, nowMs);
    expect(judge.judge(1_000_000 + nowMs, nowMs)).toEqual({ state: 'ok', offsetMs: 0 });
  });

  it('counts a clock that has gone on as it was from when it was seen last', () => {
    const judge = judgeOf([0, 0]);
    for (let nowMs = 1_000; nowMs <= FRESH_MS + 1_000; nowMs += 1_000) {
      judge.saw('n2', 1_000_000 + nowMs, 1_000_000, nowMs, nowMs);
      judge.saw('n3', 1_000_000 + nowMs, 1_000_000, nowMs, nowMs);
    }
    expect(judge.judge(1_000_000 + FRESH_MS + 2_000, FRESH_MS + 2_000).state).toBe('ok');
  });

  it('goes by a time that half of the clocks do not show only if it went by that before', () => {
    const halfAndHalf = (firstMs: number) => {
      const judge = judgeOf([firstMs, firstMs, firstMs], 4);
      judge.judge(1_000_000, 0);
      for (const [name, aheadMs] of [
        ['n2', HOUR_MS],
        ['n3', HOUR_MS],
        ['n4', 0],
      ] as const)
        judge.saw(name, 1_001_000 + aheadMs, 1_000_000, 1_000, 1_000);
      return judge.judge(1_001_000, 1_000);
    };
    expect(halfAndHalf(0)).toEqual({ state: 'ok', offsetMs: 0 });
    expect(halfAndHalf(HOUR_MS)).toEqual({ state: 'off', offsetMs: -HOUR_MS });
  });

  it('goes by another time once a majority of the members show it, and by none that a minority shows', () => {
    const judge = judgeOf([0, 0, 0, 0]);
    judge.judge(1_000_000, 0);
    const nowMs = FRESH_MS + 1_000;
    const shows = (name: string) => judge.saw(name, 1_000_000 + nowMs + HOUR_MS, 1_000_000, nowMs, nowMs);
    for (const name of ['n2', 'n3']) shows(name);
    expect(judge.judge(1_000_000 + nowMs, nowMs)).toEqual({ state: 'ok', offsetMs: 0 });
    shows('n4');
    expect(judge.judge(1_000_000 + nowMs, nowMs)).toEqual({ state: 'off', offsetMs: -HOUR_MS });
  });

  it('doubts its clock until one other has agreed with it, where others could tell', () => {
    const alone = judgeOf([], 3);
    expect(alone.judge(1_000_000, 0)).toEqual({ state: 'doubtful', offsetMs: 0 });
    alone.saw('n2', 1_000_000 - HOUR_MS, 1_000_000, -2, 2);
    expect(alone.judge(1_000_000, 0)).toEqual({ state: 'doubtful', offsetMs: HOUR_MS });
    alone.saw('n3', 1_001_000, 1_000_000, -2, 2);
    expect(alone.judge(1_000_000, 0).state).toBe('ok');
    expect(judgeOf([], 2).judge(1_000_000, 0).state).toBe('unknown');
    expect(judgeOf([HOUR_MS], 2).judge(1_000_000, 0).state).toBe('unknown');
    expect(judgeOf([LIMIT_MS], 3).judge(1_000_000, 0).state).toBe('unknown');
    expect(judgeOf([LIMIT_MS + 1], 3).judge(1_000_000, 0).state).toBe('doubtful');
  });

  it('doubts its clock again when it is set and the only other seen does not agree any more', () => {
    const judge = judgeOf([0], 3);
    expect(judge.judge(1_000_000, 0).state).toBe('unknown');
    expect(judge.judge(1_000_100 + HOUR_MS, 100)).toEqual({ state: 'doubtful', offsetMs: HOUR_MS });
    expect(judge.judge(1_000_150, 150).state).toBe('doubtful');
    judge.saw('n2', 1_000_200, 1_000_000, 200, 200);
    expect(judge.judge(1_000_300, 300).state).toBe('unknown');
  });

  it('takes no agreement that is older than the last setting of its clock', () => {
    const judge = judgeOf([HOUR_MS], 5);
    expect(judge.judge(1_000_000, 0).state).toBe('doubtful');
    // n2 has been set right meanwhile, and this node's clock is wrong as n2's was.
    expect(judge.judge(1_000_100 + HOUR_MS, 100).state).toBe('doubtful');
    judge.saw('n2', 1_000_200 + HOUR_MS, 1_000_000, 200, 200);
    expect(judge.judge(1_000_300 + HOUR_MS, 300).state).toBe('unknown');
  });

  it('needs to see more clocks until it has a median, unless two clocks are all there are', () => {
    const judge = judgeOf([0], 3);
    expect(judge.needsMore).toBe(true);
    judge.saw('n3', 1_000_000, 1_000_000, -2, 2);
    judge.judge(1_000_000, 0);
    expect(judge.needsMore).toBe(false);
    expect(judgeOf([], 2).needsMore).toBe(false);
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

  it("tells the time that most members' stamps have reached, whatever half of them show", () => {
    const judge = new ClockJudge(OPTIONS);
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
    judge.setMembers(new Set(['n1', 'n2']));
    expect(judge.latestMs(6_000)).toBe(5_000);
  });
});

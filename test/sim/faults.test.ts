import { expect, test } from 'vitest';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { allFaults, DEFAULT_RATES, FAULT_KINDS, formatFaults, NO_FAULTS, parseFaults } from '../../src/sim/faults.ts';
import { drawClocks } from '../../src/sim/machines.ts';
import { VirtualTime } from '../../src/sim/virtual-clock.ts';

test('faults are all, none, or a list of kinds, each with a rate or the usual one', () => {
  expect(parseFaults('all')).toEqual(DEFAULT_RATES);
  expect(parseFaults('none')).toEqual(NO_FAULTS);
  expect(parseFaults('loss,crash=3')).toEqual({ ...NO_FAULTS, loss: DEFAULT_RATES.loss, crash: 3 });
  expect(parseFaults('all,churn=40,loss=0.1')).toEqual({ ...DEFAULT_RATES, churn: 40, loss: 0.1 });
});

test('what all means follows from what is on disk by the time that it is acknowledged, and disk is crashes and what befalls disks', () => {
  expect(parseFaults('all', 'all')).toEqual(allFaults('all'));
  expect(allFaults('all')).toMatchObject({ 'power-cut': 4, churn: 0, loss: DEFAULT_RATES.loss });
  expect(allFaults('some')).toMatchObject({ 'power-cut': 0, churn: DEFAULT_RATES.churn, damage: 3 });
  expect(parseFaults('disk', 'all')).toMatchObject({ 'power-cut': 4, crash: DEFAULT_RATES.crash, loss: 0 });
  expect(parseFaults('disk,loss,damage=9', 'some')).toMatchObject({ 'power-cut': 0, damage: 9, loss: 0.05 });
});

test.each(['', 'los', 'loss=', 'loss=0', 'loss=2', 'crash=-1', 'crash=x', 'loss,all', 'all,', 'all,los'])(
  '%j is refused',
  text => {
    expect(parseFaults(text)).toBeTypeOf('string');
  },
);

test('rates are written as they are read', () => {
  for (const text of ['all', 'none', 'loss,crash=3', 'all,crash=3,churn=40', ...FAULT_KINDS]) {
    expect(formatFaults(parseFaults(text) as typeof DEFAULT_RATES)).toBe(text);
  }
  for (const onDisk of ['all', 'some'] as const) {
    for (const text of ['all', 'all,damage=9', 'crash,torn-batch=2'])
      expect(formatFaults(parseFaults(text, onDisk) as typeof DEFAULT_RATES, onDisk)).toBe(text);
  }
});

test('clocks are wrong from the beginning by up to the skew, and run off by up to the drift', () => {
  const time = new VirtualTime();
  const draw = (skew: number, drift: number) => drawClocks(20, time, new SeededRandom(1), { skew, drift });
  const [right, skewed, drifting] = [draw(0, 0), draw(500, 0), draw(0, 2)];
  const most = (clocks: readonly { aheadMs: number }[]) => Math.max(...clocks.map(({ aheadMs }) => Math.abs(aheadMs)));
  const begin = [right, skewed, drifting].map(most);
  time.run(1_000_000, () => false);
  const end = [right, skewed, drifting].map(most);
  expect([begin[0], end[0], begin[2]]).toEqual([0, 0, 0]);
  expect(begin[1]).toBeGreaterThan(250);
  expect(begin[1]).toBeLessThanOrEqual(500);
  expect(end[1]).toBe(begin[1]);
  expect(end[2]).toBeGreaterThan(1_000);
  expect(end[2]).toBeLessThanOrEqual(2_000);
});

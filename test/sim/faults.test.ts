import { expect, test } from 'vitest';
import { DEFAULT_RATES, FAULT_KINDS, formatFaults, NO_FAULTS, parseFaults } from '../../src/sim/faults.ts';

test('faults are all, none, or a list of kinds, each with a rate or the usual one', () => {
  expect(parseFaults('all')).toEqual(DEFAULT_RATES);
  expect(parseFaults('none')).toEqual(NO_FAULTS);
  expect(parseFaults('loss,crash=3')).toEqual({ ...NO_FAULTS, loss: DEFAULT_RATES.loss, crash: 3 });
});

test.each(['', 'los', 'loss=', 'loss=0', 'loss=2', 'crash=-1', 'crash=x', 'all,loss'])('%j is refused', text => {
  expect(parseFaults(text)).toBeTypeOf('string');
});

test('rates are written as they are read', () => {
  for (const text of ['all', 'none', 'loss,crash=3', ...FAULT_KINDS]) {
    expect(formatFaults(parseFaults(text) as typeof DEFAULT_RATES)).toBe(text);
  }
});

import { describe, expect, test } from 'vitest';
import { chooseCases } from '../../bench/harness/cases.ts';

describe('--only', () => {
  test('unset leaves every setting, command and pipeline', () => {
    expect(chooseCases('')).toHaveLength(5 * 2 * 3);
  });

  test('takes the kinds together and the words of one kind as alternatives', () => {
    const chosen = chooseCases('one,set,p1,p16').map(({ setting, command, pipeline }) => [
      setting.id,
      command,
      pipeline,
    ]);
    expect(chosen).toEqual([
      ['one', 'SET', 1],
      ['one', 'SET', 16],
    ]);
  });

  test('refuses a word that names nothing, and says which do', () => {
    expect(() => chooseCases('one,p2')).toThrow(
      '"p2" is not allowed; expected some of one, one-sync, one-batched, three-eventual, three-quorum, set, get, p1, p16, p100',
    );
  });
});

test('every target that was asked for belongs to a case', () => {
  const targets = chooseCases('').flatMap(({ setting, command, pipeline, target }) =>
    target === undefined ? [] : [`${setting.id} ${command} ${pipeline}: ${target}`],
  );
  expect(targets).toEqual([
    'one SET 1: 0.95',
    'one SET 16: 0.5',
    'one SET 100: 0.45',
    'one GET 1: 0.95',
    'one GET 16: 0.5',
    'one GET 100: 0.45',
    'one-sync SET 1: 0.8',
    'one-batched SET 16: 0.5',
    'three-eventual SET 16: 0.5',
    'three-quorum SET 1: 0.5',
    'three-quorum SET 16: 0.35',
  ]);
});

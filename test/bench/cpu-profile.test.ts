import { expect, test } from 'vitest';
import { type CpuProfile, selfTimes } from '../../bench/harness/cpu-profile.ts';

const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 9 });
/** root → idle, root → read → hash, root → read → read (recursion) */
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('read', 'file:///some/where/src/io/read.ts'), children: [4, 5] },
    { id: 4, callFrame: frame('hash', 'file:///some/where/src/lib/hash.ts') },
    { id: 5, callFrame: frame('read', 'file:///some/where/src/io/read.ts') },
  ],
  startTime: 0,
  endTime: 600,
  samples: [2, 4, 3, 5, 4, 2],
  timeDeltas: [100, 100, 100, 100, 100, 100],
};

test('self time is shared out over the busy time; a recursive function counts once with its callees', () => {
  const { rows, busyShare } = selfTimes(PROFILE, 600);
  expect(rows).toEqual([
    { place: 'hash src/lib/hash.ts:10', self: 0.5, total: 0.5 },
    { place: 'read src/io/read.ts:10', self: 0.5, total: 1 },
  ]);
  expect(busyShare).toBeCloseTo(0.8);
});

test('what came before the last part is left out', () => {
  const { rows } = selfTimes(PROFILE, 250);
  expect(rows.map(({ place, self }) => [place, self])).toEqual([
    ['read src/io/read.ts:10', 0.5],
    ['hash src/lib/hash.ts:10', 0.5],
  ]);
});

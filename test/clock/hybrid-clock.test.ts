import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HybridClock, MAX_STAMP, NO_STAMP, STAMP_EPOCH_MS, stampAt, wallMsOf } from '../../src/clock/hybrid-clock.ts';

const aWallMs = fc.integer({ min: STAMP_EPOCH_MS, max: STAMP_EPOCH_MS + 10_000_000 });

test('a stamp names the millisecond it was made in', () => {
  fc.assert(
    fc.property(aWallMs, wallMs => {
      expect(wallMsOf(stampAt(wallMs))).toBe(wallMs);
      expect(wallMsOf(stampAt(wallMs) + 4095)).toBe(wallMs);
      expect(wallMsOf(stampAt(wallMs) + 4096)).toBe(wallMs + 1);
    }),
  );
});

test('stamps are safe integers until the year 2094', () => {
  expect(Number.isSafeInteger(stampAt(Date.UTC(2094, 0, 1)))).toBe(true);
});

test('a clock before the epoch stamps as if it were at the epoch', () => {
  expect(stampAt(0)).toBe(NO_STAMP);
  expect(new HybridClock().next(0)).toBe(NO_STAMP + 1);
});

test('every stamp is greater than all that the clock issued or observed before, whatever the wall clock does', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('next' as const), wallMs: aWallMs }),
    fc.record({ kind: fc.constant('observe' as const), wallMs: aWallMs }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), steps => {
      const clock = new HybridClock();
      let greatest = NO_STAMP;
      for (const { kind, wallMs } of steps) {
        if (kind === 'observe') {
          clock.observe(stampAt(wallMs));
          greatest = Math.max(greatest, stampAt(wallMs));
        } else {
          const stamp = clock.next(wallMs);
          expect(stamp).toBeGreaterThan(greatest);
          expect(stamp).toBeGreaterThanOrEqual(stampAt(wallMs));
          greatest = stamp;
        }
        expect(clock.last).toBe(greatest);
      }
    }),
  );
});

test('a burst of more than 4,096 stamps borrows from the next millisecond', () => {
  const clock = new HybridClock();
  const first = clock.next(STAMP_EPOCH_MS + 5);
  for (let i = 1; i < 5000; i++) expect(clock.next(STAMP_EPOCH_MS + 5)).toBe(first + i);
  expect(wallMsOf(clock.last)).toBe(STAMP_EPOCH_MS + 6);
});

test('a clock that starts from a known stamp goes on above it', () => {
  expect(new HybridClock(stampAt(STAMP_EPOCH_MS + 50)).next(STAMP_EPOCH_MS)).toBe(stampAt(STAMP_EPOCH_MS + 50) + 1);
});

test('above the greatest stamp that is let in a clock has room for months of writes, and no honest clock comes near it', () => {
  expect(Number.isSafeInteger(MAX_STAMP)).toBe(true);
  expect(Number.MAX_SAFE_INTEGER - MAX_STAMP).toBeGreaterThan(4_096 * 86_400_000);
  expect(MAX_STAMP).toBeGreaterThan(stampAt(Date.UTC(2094, 0, 1)));
});

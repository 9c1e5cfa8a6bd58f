import { describe, expect, it } from 'vitest';
import { EMPTY_VECTOR } from '../../src/clock/version-vector.ts';
import { isVersion, stampOf, versionOf } from '../../src/replication/versions.ts';
import type { StoredRecord } from '../../src/store/record.ts';

const dot = (actor: number, stamp: number) => ({ actor, stamp });
const record = (expiryDot?: { actor: number; stamp: number }): StoredRecord => ({
  dot: dot(1, 10),
  value: undefined,
  vector: EMPTY_VECTOR,
  expiry: expiryDot && { dot: expiryDot, atMs: 5 },
});

describe('A version', () => {
  it('is told by the dots of value and expiry: another actor, stamp or expiry is another version', () => {
    const known = versionOf(record());
    expect(isVersion(record(), known)).toBe(true);
    expect(isVersion({ ...record(), dot: dot(2, 10) }, known)).toBe(false);
    expect(isVersion({ ...record(), dot: dot(1, 11) }, known)).toBe(false);
    expect(isVersion(record(dot(1, 10)), known)).toBe(false);
    expect(isVersion(record(dot(1, 10)), versionOf(record(dot(1, 10))))).toBe(true);
    expect(isVersion(record(dot(1, 10)), versionOf(record(dot(2, 10))))).toBe(false);
    expect(isVersion(record(dot(1, 12)), versionOf(record(dot(1, 10))))).toBe(false);
  });

  it('is nothing where there is no record, and no record is of that version', () => {
    expect(isVersion(record(), undefined)).toBe(false);
  });

  it('is acknowledged under its greatest stamp', () => {
    expect(stampOf(record())).toBe(10);
    expect(stampOf(record(dot(1, 12)))).toBe(12);
    expect(stampOf(record(dot(1, 10)))).toBe(10);
  });
});

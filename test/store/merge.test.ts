import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EMPTY_VECTOR, MAX_VECTOR_ENTRIES } from '../../src/clock/version-vector.ts';
import { compareDots, mergeRecords, NEVER, type StoredRecord } from '../../src/store/record.ts';
import { aRecord, plain, someActors, valueOfDot } from './records.ts';

const actors = someActors();
const merge = (a: StoredRecord, b: StoredRecord) => mergeRecords(actors, a, b);

test('merge is commutative', () => {
  fc.assert(
    fc.property(aRecord, aRecord, (a, b) => {
      expect(plain(merge(a, b))).toEqual(plain(merge(b, a)));
    }),
    { numRuns: 500 },
  );
});

test('merge is associative, vectors at their bound and equal stamps included', () => {
  fc.assert(
    fc.property(aRecord, aRecord, aRecord, (a, b, c) => {
      expect(plain(merge(merge(a, b), c))).toEqual(plain(merge(a, merge(b, c))));
    }),
    { numRuns: 2000 },
  );
});

test('merge is idempotent', () => {
  fc.assert(
    fc.property(aRecord, aRecord, (a, b) => {
      expect(plain(merge(a, a))).toEqual(plain(a));
      expect(plain(merge(merge(a, b), b))).toEqual(plain(merge(a, b)));
    }),
    { numRuns: 500 },
  );
});

test('many records merge to one in whatever order they meet: the greatest dot, with the newest other writes behind it', () => {
  const bunch = fc.array(aRecord, { minLength: 1, maxLength: 25 });
  fc.assert(
    fc.property(
      bunch.chain(records =>
        fc.tuple(fc.constant(records), fc.shuffledSubarray(records, { minLength: records.length })),
      ),
      ([records, shuffled]) => {
        const merged = records.reduce(merge);
        expect(plain(merged)).toEqual(plain(shuffled.reduce(merge)));
        const newest = new Map<number, number>();
        for (const { dot, vector } of records) {
          for (const [actor, stamp] of [...vector, [dot.actor, dot.stamp] as const]) {
            newest.set(actor, Math.max(stamp, newest.get(actor) ?? 0));
          }
        }
        const dots = [...newest].map(([actor, stamp]) => ({ actor, stamp }));
        dots.sort((a, b) => compareDots(actors, b, a));
        expect(merged.dot).toEqual(dots[0]);
        const behind = [...merged.vector].map(([actor, stamp]) => ({ actor, stamp }));
        behind.sort((a, b) => compareDots(actors, b, a));
        expect(behind).toEqual(dots.slice(1, 1 + MAX_VECTOR_ENTRIES));
      },
    ),
  );
});

test('a version never has its own actor, a write above its dot, or more than eight entries in its vector', () => {
  fc.assert(
    fc.property(fc.array(aRecord, { minLength: 1, maxLength: 30 }), records => {
      const merged = records.reduce(merge);
      expect(merged.vector.size).toBeLessThanOrEqual(MAX_VECTOR_ENTRIES);
      expect(merged.vector.has(merged.dot.actor)).toBe(false);
      for (const [actor, stamp] of merged.vector) {
        expect(compareDots(actors, { actor, stamp }, merged.dot)).toBeLessThan(0);
      }
    }),
  );
});

test('of concurrent versions with one stamp the greater actor wins, on every node', () => {
  const [low, high] = actors.compare(0, 1) < 0 ? [0, 1] : [1, 0];
  const version = (actor: number): StoredRecord => {
    const dot = { actor, stamp: 7 };
    return { dot, value: valueOfDot(dot), vector: EMPTY_VECTOR, expiry: undefined };
  };
  expect(merge(version(low), version(high)).dot.actor).toBe(high);
  expect(merge(version(low), version(high)).vector).toEqual(new Map([[low, 7]]));
});

test('an EXPIRE made at a stale replica falls with the stale value, however late it was', () => {
  const stale: StoredRecord = {
    dot: { actor: 0, stamp: 5 },
    value: Buffer.from('old'),
    vector: EMPTY_VECTOR,
    expiry: { dot: { actor: 1, stamp: 14 }, atMs: 1234 },
  };
  const newer: StoredRecord = {
    dot: { actor: 2, stamp: 6 },
    value: Buffer.from('new'),
    vector: EMPTY_VECTOR,
    expiry: undefined,
  };
  expect(plain(merge(stale, newer))).toMatchObject({ value: 'new', expiry: undefined });
});

test('a value dropped after an earlier expiry comes back from a replica that knows of a later one', () => {
  const dot = { actor: 0, stamp: 5 };
  const dropped: StoredRecord = {
    dot,
    value: undefined,
    vector: EMPTY_VECTOR,
    expiry: { dot, atMs: 1000 },
  };
  const persisted: StoredRecord = {
    dot,
    value: Buffer.from('kept'),
    vector: EMPTY_VECTOR,
    expiry: { dot: { actor: 1, stamp: 6 }, atMs: NEVER },
  };
  expect(plain(merge(dropped, persisted))).toEqual(plain(persisted));
  expect(plain(merge(persisted, dropped))).toEqual(plain(persisted));
});

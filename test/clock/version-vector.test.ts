import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EMPTY_VECTOR, joinVectors, type VersionVector, withDot } from '../../src/clock/version-vector.ts';

const aVector: fc.Arbitrary<VersionVector> = fc
  .array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 20 })), { maxLength: 6 })
  .map(entries => new Map(entries));

const sorted = (vector: VersionVector) => [...vector].sort(([a], [b]) => a - b);

/** The dumb twin: a write (actor, stamp) is behind a vector just when the vector's entry reaches it. */
const covers = (vector: VersionVector, actor: number, stamp: number) => (vector.get(actor) ?? 0) >= stamp;

test('a join has behind it what either vector has, and nothing else', () => {
  fc.assert(
    fc.property(aVector, aVector, (a, b) => {
      const joined = joinVectors(a, b);
      for (let actor = 0; actor <= 5; actor++) {
        for (let stamp = 1; stamp <= 20; stamp++) {
          expect(covers(joined, actor, stamp)).toBe(covers(a, actor, stamp) || covers(b, actor, stamp));
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('join is commutative, associative and idempotent', () => {
  fc.assert(
    fc.property(aVector, aVector, aVector, (a, b, c) => {
      expect(sorted(joinVectors(a, b))).toEqual(sorted(joinVectors(b, a)));
      expect(sorted(joinVectors(joinVectors(a, b), c))).toEqual(sorted(joinVectors(a, joinVectors(b, c))));
      expect(sorted(joinVectors(a, a))).toEqual(sorted(a));
      expect(sorted(joinVectors(a, EMPTY_VECTOR))).toEqual(sorted(a));
    }),
  );
});

test('a dot added to a vector is behind it from then on, and a lesser stamp of its actor changes nothing', () => {
  fc.assert(
    fc.property(aVector, fc.nat(5), fc.integer({ min: 1, max: 20 }), (vector, actor, stamp) => {
      expect(sorted(withDot(vector, actor, stamp))).toEqual(sorted(joinVectors(vector, new Map([[actor, stamp]]))));
    }),
  );
});

test('vectors are values: joining leaves the operands as they were', () => {
  fc.assert(
    fc.property(aVector, aVector, (a, b) => {
      const [before, other] = [sorted(a), sorted(b)];
      joinVectors(a, b);
      withDot(a, 0, 99);
      expect(sorted(a)).toEqual(before);
      expect(sorted(b)).toEqual(other);
      expect(EMPTY_VECTOR.size).toBe(0);
    }),
  );
});

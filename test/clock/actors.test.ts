import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Actors, nodeOfActor } from '../../src/clock/actors.ts';

const someNames = fc.uniqueArray(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 20 });

test('an actor has one index, and the index names the actor', () => {
  fc.assert(
    fc.property(someNames, names => {
      const actors = new Actors();
      const indexes = names.map(name => actors.intern(name));
      expect(new Set(indexes).size).toBe(names.length);
      expect(names.map(name => actors.intern(name))).toEqual(indexes);
      expect(indexes.map(index => actors.nameOf(index))).toEqual(names);
    }),
  );
});

test('order and digest word depend on the actor alone, not on when a process met it', () => {
  fc.assert(
    fc.property(someNames, names => {
      const here = new Actors();
      const there = new Actors();
      for (const name of names) here.intern(name);
      for (const name of [...names].reverse()) there.intern(name);
      for (const a of names) {
        expect(here.wordOf(here.intern(a))).toBe(there.wordOf(there.intern(a)));
        for (const b of names) {
          expect(here.compare(here.intern(a), here.intern(b))).toBe(there.compare(there.intern(a), there.intern(b)));
        }
      }
    }),
  );
});

test('the order of actors is total', () => {
  const actors = new Actors();
  const [b, a] = [actors.intern('n2.00'), actors.intern('n1.ff')];
  expect(actors.compare(a, b)).toBeLessThan(0);
  expect(actors.compare(b, a)).toBeGreaterThan(0);
  expect(actors.compare(a, a)).toBe(0);
});

test('names that differ in one bit have different digest words', () => {
  const actors = new Actors();
  const words = new Set<number>();
  for (let i = 0; i < 1000; i++) words.add(actors.wordOf(actors.intern(`n1.${i.toString(16).padStart(16, '0')}`)));
  expect(words.size).toBe(1000);
});

test('an index that was never given has no name', () => {
  expect(() => new Actors().nameOf(0)).toThrow('Cannot name actor 0');
});

test('an actor names its node, also one with dots in its name, and a dot is told as actor and stamp', () => {
  expect(nodeOfActor('n1.00c0ffee00c0ffee')).toBe('n1');
  expect(nodeOfActor('db-0.db.svc.00c0ffee00c0ffee')).toBe('db-0.db.svc');
  const actors = new Actors();
  expect(actors.dotText({ actor: actors.intern('n1.ff'), stamp: 12 })).toBe('n1.ff@12');
});

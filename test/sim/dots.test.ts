import { describe, expect, it } from 'vitest';
import { Dots } from '../../src/sim/checkers/dots.ts';
import { heldByReplicas, type SimKey, toSimKey } from '../../src/sim/stored-key.ts';
import type { Violation } from '../../src/sim/violation.ts';
import { TestProcess } from './test-process.ts';

const KEY = toSimKey(1, 'k');
const OTHER = toSimKey(1, 'other');

/** The check, told what processes hold whenever it is to look at them. */
class Looks {
  readonly violations: Violation[] = [];
  readonly dots = new Dots(violation => this.violations.push(violation));

  at(key: SimKey, ...processes: readonly TestProcess[]): this {
    const { held } = heldByReplicas(
      processes.map(({ process }) => process),
      key,
    );
    this.dots.look(key, held);
    return this;
  }

  get kinds(): readonly string[] {
    return this.violations.map(({ kind }) => kind);
  }
}

describe('The check of dots', () => {
  it('reports a dot that stands on two values of a key, at two nodes or at one after the other', () => {
    const [first, second] = [new TestProcess().put(KEY, 'a', 7), new TestProcess({ name: 'n2' }).put(KEY, 'b', 7)];
    const { violations } = new Looks().at(KEY, first, second);
    expect(violations).toMatchObject([{ kind: 'dot-reused', key: { db: 1, name: 'k' } }]);
    expect(violations[0]!.what).toContain('n1.0a@7 stands on "1 k b" at n2');

    const [before, after] = [new TestProcess().put(KEY, 'a', 7), new TestProcess().put(KEY, 'b', 7)];
    expect(new Looks().at(KEY, before).at(KEY, after).kinds).toEqual(['dot-reused']);
  });

  it('reports a dot that stands on two keys', () => {
    const process = new TestProcess().put(KEY, 'a', 7).put(OTHER, 'b', 7);
    expect(new Looks().at(KEY, process).at(OTHER, process).kinds).toEqual(['dot-reused']);
  });

  it('reports a dot that stands on a value and on a deletion', () => {
    const [value, tombstone] = [new TestProcess().put(KEY, 'a', 7), new TestProcess().put(KEY, undefined, 7)];
    expect(new Looks().at(KEY, value).at(KEY, tombstone).kinds).toEqual(['dot-reused']);
  });

  it('looks again at a node that holds another stamp or another actor than before', () => {
    const process = new TestProcess().put(KEY, 'a', 7);
    const looks = new Looks().at(KEY, process).at(KEY, process.put(KEY, 'b', 8));
    expect(looks.at(KEY, new TestProcess().put(KEY, 'c', 8)).kinds).toEqual(['dot-reused']);

    const other = new TestProcess().put(KEY, 'a', 7);
    expect(new Looks().at(KEY, other).at(KEY, other.put(KEY, 'a', 7, 'n2.0b')).kinds).toEqual(['two-coordinators']);
  });

  it('reports a value that two actors stamped', () => {
    const [first, second] = [new TestProcess().put(KEY, 'a', 7), new TestProcess().put(KEY, 'a', 9, 'n2.0b')];
    const { violations } = new Looks().at(KEY, first, second);
    expect(violations).toMatchObject([{ kind: 'two-coordinators', what: 'a was stamped by n1.0a and by n2.0b' }]);
  });

  it('bears a write that its coordinator has stamped again, and copies of it', () => {
    const [first, second] = [new TestProcess().put(KEY, 'a', 7), new TestProcess().put(KEY, 'a', 7)];
    expect(new Looks().at(KEY, first, second).at(KEY, first.put(KEY, 'a', 9), second).violations).toEqual([]);
  });

  it('bears a value that was dropped when it had expired, seen before or after', () => {
    const whole = new TestProcess().put(KEY, 'a', 7, 'n1.0a', 100);
    const dropped = new TestProcess().put(KEY, 'a', 7, 'n1.0a', 100).dropExpired(KEY, 200);
    expect(new Looks().at(KEY, whole).at(KEY, dropped).violations).toEqual([]);
    expect(new Looks().at(KEY, dropped).at(KEY, whole).violations).toEqual([]);
  });

  it('reports what has expired under the dot of another key', () => {
    const dropped = new TestProcess().put(OTHER, 'b', 7, 'n1.0a', 100).dropExpired(OTHER, 200);
    expect(new Looks().at(KEY, new TestProcess().put(KEY, 'a', 7)).at(OTHER, dropped).kinds).toEqual(['dot-reused']);
  });

  it('counts the writes that it has seen, each once, and deletions not', () => {
    const looks = new Looks();
    looks.at(KEY, new TestProcess().put(KEY, 'a', 7), new TestProcess().put(KEY, 'a', 7));
    looks.at(KEY, new TestProcess().put(KEY, 'b', 8)).at(KEY, new TestProcess().put(KEY, undefined, 9));
    expect(looks.dots.writesSeen).toBe(2);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveCount } from '../../src/lib/replica-count.ts';
import { ReadQuorum, WriteQuorum } from '../../src/replication/quorum.ts';

describe('A number of replicas', () => {
  it.each([
    ['one', 1, 1],
    ['one', 5, 1],
    ['quorum', 1, 1],
    ['quorum', 2, 2],
    ['quorum', 3, 2],
    ['quorum', 4, 3],
    ['quorum', 5, 3],
    ['all', 4, 4],
    [2, 3, 2],
    [3, 2, 2],
  ] as const)('%s of %i replicas is %i', (count, replicas, expected) => {
    expect(resolveCount(count, replicas)).toBe(expected);
  });

  it('makes any two quorums meet', () => {
    for (let replicas = 1; replicas < 50; replicas++) {
      expect(resolveCount('quorum', replicas) * 2).toBeGreaterThan(replicas);
    }
  });
});

describe('A write quorum', () => {
  it('is reached by W replicas that stored the write', () => {
    const quorum = new WriteQuorum(2);
    quorum.add(false);
    expect(quorum.reached).toBe(false);
    quorum.add(false);
    expect(quorum.reached).toBe(true);
  });

  it('takes the word of a refilling replica only where one acknowledgement is all that was asked for', () => {
    const [one, two] = [new WriteQuorum(1), new WriteQuorum(2)];
    for (const quorum of [one, two]) quorum.add(true);
    expect([one.acknowledged, two.acknowledged]).toEqual([1, 0]);
  });

  it('begins anew with a new stamp', () => {
    const quorum = new WriteQuorum(2);
    quorum.add(false);
    quorum.restart();
    quorum.add(false);
    expect([quorum.acknowledged, quorum.reached]).toEqual([1, false]);
  });
});

describe('A read quorum', () => {
  it('is reached by R answers of replicas that are not refilling, whatever the order', () => {
    const arrivals = fc.array(fc.boolean(), { maxLength: 8 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), arrivals, (need, refilling) => {
        const quorum = new ReadQuorum(need);
        for (const each of refilling) quorum.add(each);
        const whole = refilling.filter(each => !each).length;
        expect([quorum.answered, quorum.reached]).toEqual([whole, whole >= need]);
      }),
    );
  });
});

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
    quorum.add(0, false);
    expect([quorum.reached, quorum.missing]).toEqual([false, 1]);
    quorum.add(2, false);
    expect([quorum.reached, quorum.missing]).toEqual([true, 0]);
  });

  it('counts nobody twice', () => {
    const quorum = new WriteQuorum(2);
    quorum.add(1, false);
    quorum.add(1, false);
    expect(quorum.missing).toBe(1);
  });

  // Writers a b c d, of which a, b and c own the slot and a, b and d will.
  const MOVING = { need: 2, onlyOwners: 0b0100, onlyOthers: 0b1000 };

  it.each([
    ['a and b', [0, 1], 0],
    ['a and c', [0, 2], 1],
    ['a and d', [0, 3], 1],
    ['c and d', [2, 3], 1],
    ['a, c and d', [0, 2, 3], 0],
    ['a and a stand-in', [0, 4], 0],
    ['c, d and a stand-in', [2, 3, 4], 0],
  ] as const)('of a slot that moves is reached on both sides: %s', (_, indexes, missing) => {
    const quorum = new WriteQuorum(2, MOVING);
    for (const index of indexes) quorum.add(index, false);
    expect([quorum.missing, quorum.reached]).toEqual([missing, missing === 0]);
  });

  it('may need more on the other side than among the owners', () => {
    const quorum = new WriteQuorum(1, { need: 2, onlyOwners: 0, onlyOthers: 0b110 });
    quorum.add(0, false);
    expect(quorum.missing).toBe(1);
    quorum.add(2, false);
    expect(quorum.reached).toBe(true);
  });

  it('takes the word of a refilling replica only where one acknowledgement is all that was asked for', () => {
    const [one, two] = [new WriteQuorum(1), new WriteQuorum(2)];
    for (const quorum of [one, two]) quorum.add(0, true);
    expect([one.reached, two.missing]).toEqual([true, 2]);
  });

  it('does not take it where one among the owners is enough, but not on the other side', () => {
    const quorum = new WriteQuorum(1, { need: 2, onlyOwners: 0, onlyOthers: 0b110 });
    for (const index of [0, 1]) quorum.add(index, true);
    expect([quorum.missing, quorum.takesAny]).toEqual([2, false]);
  });

  it('tells how far it is on the side that lacks more', () => {
    // Writers a b c d, of which a owns the slot and the others will.
    const quorum = new WriteQuorum(1, { need: 2, onlyOwners: 0b0001, onlyOthers: 0b1110 });
    expect(quorum.tally).toEqual({ have: 0, need: 2 });
    quorum.add(0, false);
    expect(quorum.tally).toEqual({ have: 0, need: 2 });
    quorum.add(1, false);
    expect(quorum.tally).toEqual({ have: 1, need: 2 });
    expect(new WriteQuorum(2, { need: 1, onlyOwners: 0b110, onlyOthers: 0b1000 }).tally).toEqual({ have: 0, need: 2 });
    expect(new WriteQuorum(3).tally).toEqual({ have: 0, need: 3 });
  });

  it('begins anew with a new stamp', () => {
    const quorum = new WriteQuorum(2);
    quorum.add(0, false);
    quorum.restart();
    quorum.add(1, false);
    expect([quorum.missing, quorum.reached]).toEqual([1, false]);
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

import { describe, expect, it } from 'vitest';
import { ConflictJournal } from '../../src/store/conflict-journal.ts';

const K = Buffer.from('k');
const dot = (stamp: number, actor = 0) => ({ stamp, actor });
const value = (text: string) => Buffer.from(text);

describe('The conflict journal', () => {
  it('keeps what was put aside of a key, the latest first, deletions too', () => {
    const journal = new ConflictJournal(10_000);
    journal.add(K, dot(1), value('one'));
    journal.add(Buffer.from('other'), dot(2), value('two'));
    journal.add(K, dot(3), undefined);
    expect(journal.of(K)).toMatchObject([
      { dot: dot(3), value: undefined },
      { dot: dot(1), value: value('one') },
    ]);
    expect(journal.of(Buffer.from('none'))).toEqual([]);
    expect([journal.size, journal.noted]).toEqual([3, 3]);
  });

  it('notes a version once, by stamp and actor', () => {
    const journal = new ConflictJournal(10_000);
    for (const each of [dot(1, 1), dot(1, 1), dot(1, 2), dot(2, 1)]) journal.add(K, each, value('v'));
    expect([journal.size, journal.noted]).toEqual([3, 3]);
  });

  it('has a bound in bytes: the oldest give way, and only as many as must', () => {
    const journal = new ConflictJournal(3 * 204);
    for (let i = 1; i <= 3; i++) journal.add(Buffer.from(`k${i}`), dot(i), value('vv'));
    expect([journal.size, journal.byteLength]).toEqual([3, 3 * 204]);
    journal.add(Buffer.from('k4'), dot(4), value('vv'));
    expect([journal.size, journal.byteLength, journal.noted]).toEqual([3, 3 * 204, 4]);
    expect(journal.of(Buffer.from('k1'))).toEqual([]);
    expect(journal.of(Buffer.from('k2'))).toHaveLength(1);
    journal.add(Buffer.from('k2'), dot(5), value('vv'));
    expect(journal.of(Buffer.from('k2'))).toMatchObject([{ dot: dot(5) }]);
  });

  it('of one key keeps what has room', () => {
    const journal = new ConflictJournal(2 * 203);
    for (let i = 1; i <= 4; i++) journal.add(K, dot(i), value('vv'));
    expect(journal.of(K).map(each => each.dot.stamp)).toEqual([4, 3]);
  });

  it('keeps the latest 64 of a key, however hot it is, and those of other keys besides', () => {
    const journal = new ConflictJournal(1 << 20);
    const other = Buffer.from('other');
    journal.add(other, dot(1), value('vv'));
    for (let i = 1; i <= 1_000; i++) journal.add(K, dot(i), value('vv'));
    expect(journal.of(K).map(each => each.dot.stamp)).toEqual(Array.from({ length: 64 }, (_, i) => 1_000 - i));
    expect(journal.of(other)).toHaveLength(1);
    expect([journal.size, journal.noted, journal.byteLength]).toEqual([65, 1_001, 64 * 203 + 207]);
  });

  it('does not keep what alone is beyond the bound, but counts it, and loses nothing for it', () => {
    const journal = new ConflictJournal(203);
    journal.add(K, dot(1), value('vv'));
    journal.add(K, dot(2), value('vvv'));
    expect(journal.of(K)).toMatchObject([{ dot: dot(1) }]);
    expect([journal.size, journal.noted]).toEqual([1, 2]);
    const none = new ConflictJournal(0);
    none.add(K, dot(1), undefined);
    expect([none.size, none.byteLength, none.noted]).toEqual([0, 0, 1]);
  });
});

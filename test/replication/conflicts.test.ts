import { describe, expect, it } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { slotOf } from '../../src/lib/slots.ts';
import { ConflictJournal } from '../../src/store/conflict-journal.ts';
import type { StoredRecord } from '../../src/store/record.ts';
import { RecordStore } from '../../src/store/record-store.ts';
import { QUORUM, TestNetwork } from './test-network.ts';

const KEY = Buffer.from('k');
const SLOT = slotOf(KEY);

describe('The conflict journal', () => {
  const actors = new Actors();
  const [a, b, c] = ['n1.0', 'n2.0', 'n3.0'].map(name => actors.intern(name)) as [number, number, number];
  const version = (actor: number, stamp: number, value?: string, vector: [number, number][] = []): StoredRecord => ({
    dot: { actor, stamp },
    value: value === undefined ? undefined : Buffer.from(value),
    vector: new Map(vector),
    expiry: undefined,
  });
  const losers = (...records: StoredRecord[]) => {
    const conflicts = new ConflictJournal(10_000);
    const store = new RecordStore({ actors, hashKey: [1, 2], conflicts });
    for (const record of records) store.merge(SLOT, store.hashOf(KEY), KEY, record);
    return conflicts.of(KEY).map(({ dot, value }) => `${dot.stamp} ${value ?? 'deleted'}`);
  };

  it('keeps the loser of two that had not seen each other, in whatever order they come, each once', () => {
    const one = version(a, 5, 'one');
    const two = version(b, 6, 'two');
    expect(losers(one, two)).toEqual(['5 one']);
    expect(losers(two, one)).toEqual(['5 one']);
    expect(losers(two, one, two, one, one)).toEqual(['5 one']);
  });

  it('keeps nothing of a version that its successor had seen, nor of one actor after itself', () => {
    const one = version(a, 5, 'one');
    const after = version(b, 6, 'after', [[a, 5]]);
    expect(losers(one, after, one)).toEqual([]);
    expect(losers(after, one)).toEqual([]);
    expect(losers(one, version(a, 9, 'mine'), one)).toEqual([]);
  });

  it('tells a deletion that lost, and the latest first', () => {
    expect(losers(version(a, 5), version(b, 6, 'two'), version(c, 7, 'three', [[a, 5]]))).toEqual([
      '6 two',
      '5 deleted',
    ]);
  });

  it('calls nothing a conflict that a full vector may have forgotten', () => {
    const many = Array.from({ length: 8 }, (_, i): [number, number] => [actors.intern(`m${i}.0`), 100 + i]);
    expect(losers(version(a, 5, 'old'), version(b, 200, 'new', many))).toEqual([]);
    expect(losers(version(a, 105, 'recent'), version(b, 200, 'new', many))).toEqual(['105 recent']);
  });

  it('gives up the oldest when it is full, and counts all', () => {
    const journal = new ConflictJournal(1000);
    for (let i = 1; i <= 10; i++) journal.add(Buffer.from(`key ${i}`), { actor: a, stamp: i }, Buffer.alloc(100));
    expect([journal.size, journal.noted]).toEqual([3, 10]);
    expect(journal.byteLength).toBeLessThanOrEqual(1000);
    expect(journal.of(Buffer.from('key 7'))).toEqual([]);
    expect(journal.of(Buffer.from('key 10'))).toHaveLength(1);
    journal.add(Buffer.from('large'), { actor: a, stamp: 11 }, Buffer.alloc(2000));
    expect([journal.size, journal.noted]).toEqual([3, 11]);
  });
});

describe('In a cluster', () => {
  it('writes on both sides of a cut conflict: one is put aside by who sees both first', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.cut('n1', 'n2');
    network.cut('n1', 'n3');
    network.set('n1', 'k', 'alone', 0);
    network.node('n2').wallOffsetMs = 50;
    network.set('n2', 'k', 'together', 0);
    network.advance(40);
    network.heal('n1', 'n2');
    network.heal('n1', 'n3');
    network.advance(200);
    for (const name of ['n1', 'n2', 'n3']) expect(network.valueAt(name, 'k', 0)).toBe('together');
    const aside = ['n1', 'n2', 'n3'].flatMap(name => network.keyspace(name, 0).conflicts.of(KEY));
    expect(new Set(aside.map(({ value }) => String(value)))).toEqual(new Set(['alone']));
  });

  it('writes one after another through different coordinators are no conflicts', () => {
    const network = new TestNetwork({ nodes: 3, keyspaces: [QUORUM] });
    for (let i = 0; i < 200; i++) {
      network.set(`n${1 + (i % 3)}`, `key ${i % 7}`, `v${i}`);
      network.advance(20);
    }
    for (const name of ['n1', 'n2', 'n3']) expect(network.keyspace(name).conflicts.noted).toBe(0);
  });
});

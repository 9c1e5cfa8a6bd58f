import { beforeEach, describe, expect, test } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { EMPTY_VECTOR } from '../../src/clock/version-vector.ts';
import { EMPTY_DIGEST } from '../../src/digest/contribution.ts';
import { halfSipHash } from '../../src/lib/half-sip-hash.ts';
import { SLOT_COUNT, slotOf } from '../../src/lib/slots.ts';
import { NEVER, type StoredRecord } from '../../src/store/record.ts';
import { RecordStore } from '../../src/store/record-store.ts';
import { PAGE_BYTES } from '../../src/store/size-classes.ts';

const actors = new Actors();
const [ME, PEER] = [actors.intern('n1.00'), actors.intern('n2.00')];
let store: RecordStore;
let stamp: number;

beforeEach(() => {
  store = new RecordStore({ actors, hashKey: [3, 4] });
  stamp = 1;
});

function at(name: string | Buffer): [slot: number, hash: number, key: Buffer] {
  const key = Buffer.from(name);
  return [slotOf(key), store.hashOf(key), key];
}

const find = (name: string | Buffer) => store.find(...at(name));

function put(name: string | Buffer, value: Uint8Array | string | undefined, expiryAtMs = NEVER): void {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  store.putValue(...at(name), bytes, ++stamp, ME, expiryAtMs);
}

const textOf = (name: string | Buffer) => {
  const value = store.valueOf(find(name));
  return value === undefined ? undefined : Buffer.from(value).toString('latin1');
};

describe('keys', () => {
  test('that differ in one byte that is not UTF-8 are two keys', () => {
    put(Buffer.from([0x61, 0xff]), 'a');
    put(Buffer.from([0x61, 0xfe]), 'b');
    expect(textOf(Buffer.from([0x61, 0xff]))).toBe('a');
    expect(textOf(Buffer.from([0x61, 0xfe]))).toBe('b');
  });

  test.each(['', '__proto__', 'constructor', 'toString', '0', '-1', '4294967296', '\0'])(
    '%j is a key like any other',
    key => {
      expect(find(key)).toBe(0);
      put(key, 'value');
      expect(textOf(key)).toBe('value');
      expect(store.keyOf(find(key)).toString()).toBe(key);
      expect(store.remove(...at(key))).toBe(true);
      expect(find(key)).toBe(0);
    },
  );

  test('that are prefixes of one another, or as long as lengths inline get, are kept apart', () => {
    const lengths = [0, 1, 255, 256, 8191, 8192, 8193, 65_535, 65_536, 65_537];
    for (const length of lengths) put(Buffer.alloc(length, 'x'), `length ${length}`);
    for (const length of lengths) expect(textOf(Buffer.alloc(length, 'x'))).toBe(`length ${length}`);
    expect(store.keyCount).toBe(lengths.length);
  });

  test('of one hash are told apart whether they lie in the slab or not', () => {
    const keys = ['x'.repeat(9000), 'y'.repeat(9000), '', 'x', 'y'].map(name => Buffer.from(name));
    keys.forEach((key, i) => {
      expect(store.find(5, 77, key)).toBe(0);
      store.putValue(5, 77, key, Buffer.from(String(i)), ++stamp, ME, NEVER);
    });
    keys.forEach((key, i) => {
      expect(store.valueOf(store.find(5, 77, key))).toEqual(Buffer.from(String(i)));
    });
  });

  test('aimed at one place of the table spread evenly where the hash key is another', () => {
    const attackers: Buffer[] = [];
    for (let i = 0; attackers.length < 300; i++) {
      const key = Buffer.from(String(i));
      if (halfSipHash(key, [5, 6]) >>> 24 === 0) attackers.push(key);
    }
    const crowd = new Map<number, number>();
    for (const key of attackers) crowd.set(store.hashOf(key) >>> 24, (crowd.get(store.hashOf(key) >>> 24) ?? 0) + 1);
    expect(Math.max(...crowd.values())).toBeLessThan(10);
    expect(crowd.size).toBeGreaterThan(150);
  });
});

describe('a write', () => {
  test('keeps behind it the dots of other actors that it supersedes, and not its own', () => {
    store.putValue(...at('k'), Buffer.from('1'), 10, PEER, NEVER);
    store.putValue(...at('k'), Buffer.from('2'), 11, ME, NEVER);
    expect(store.vectorOf(find('k'))).toEqual(new Map([[PEER, 10]]));
    store.putValue(...at('k'), Buffer.from('3'), 12, ME, NEVER);
    expect(store.vectorOf(find('k'))).toEqual(new Map([[PEER, 10]]));
    store.putValue(...at('k'), Buffer.from('4'), 13, PEER, NEVER);
    expect(store.vectorOf(find('k'))).toEqual(new Map([[ME, 12]]));
  });

  test('that is not stamped above what is held is a bug that stops the process (invariant 2)', () => {
    put('k', 'v');
    expect(() => store.putValue(...at('k'), Buffer.from('w'), stamp, ME, NEVER)).toThrow('Invariant 2');
    expect(() => store.putValue(...at('k'), Buffer.from('w'), stamp - 1, PEER, NEVER)).toThrow('Invariant 2');
    expect(() => store.setExpiry(...at('k'), 5, stamp, ME)).toThrow('Invariant 2');
    store.setExpiry(...at('k'), 5, stamp + 2, ME);
    expect(() => store.setExpiry(...at('k'), 6, stamp + 1, PEER)).toThrow('Invariant 2');
    expect(store.expiryAtMs(find('k'))).toBe(5);
    expect(textOf('k')).toBe('v');
  });

  test('of a whole record is the same as a write of its parts', () => {
    const dot = { actor: ME, stamp: 9 };
    const record = { dot, value: Buffer.from('v'), vector: new Map([[PEER, 3]]), expiry: { dot, atMs: 77 } };
    store.put(...at('k'), record);
    expect(store.read(find('k'))).toEqual(record);
    expect(() => store.put(...at('k'), record)).toThrow('Invariant 2');
  });

  test('changes the size of a record at will', () => {
    for (const size of [0, 1, 63, 64, 5000, 16_384, 16_385, 1_000_000, 16_385, 10, 0]) {
      put('k', Buffer.alloc(size, 'v'));
      expect(textOf('k')).toBe('v'.repeat(size));
      expect(store.valueLength(find('k'))).toBe(size);
    }
  });
});

describe('a large value', () => {
  test('is kept as the Buffer given, and read as that Buffer', () => {
    const value = Buffer.allocUnsafeSlow(100_000);
    put('k', value);
    expect(store.valueOf(find('k'))).toBe(value);
    store.setExpiry(...at('k'), 1234, ++stamp, ME);
    expect(store.valueOf(find('k'))).toBe(value);
  });

  test('is copied if it would pin more than a quarter of its length beside it', () => {
    const pool = Buffer.allocUnsafeSlow(1_000_000).fill('p');
    put('slice', pool.subarray(5, 20_005));
    put('most', pool.subarray(0, 800_000));
    expect(store.valueOf(find('slice'))!.buffer).not.toBe(pool.buffer);
    expect(store.valueOf(find('most'))!.buffer).toBe(pool.buffer);
    pool.fill('q');
    expect(textOf('slice')).toBe('p'.repeat(20_000));
  });

  test('outlives its record for whoever holds it', () => {
    put('k', Buffer.allocUnsafeSlow(20_000).fill('v'));
    const held = store.valueOf(find('k'))!;
    put('k', Buffer.allocUnsafeSlow(20_000).fill('w'));
    store.remove(...at('k'));
    expect(held.every(byte => byte === 0x76)).toBe(true);
  });
});

describe('expiry', () => {
  test('ends a value at its millisecond', () => {
    put('k', 'v', 5000);
    expect(store.isLive(find('k'), 4999)).toBe(true);
    expect(store.isLive(find('k'), 5000)).toBe(false);
    expect(store.isTombstone(find('k'))).toBe(false);
    expect(store.keyCount).toBe(1);
  });

  test('drops the value only once it is over, and keeps dot, vector, expiry and digest', () => {
    store.putValue(...at('k'), Buffer.from('before'), 1, PEER, NEVER);
    store.putValue(...at('k'), Buffer.from('v'), 2, ME, 5000);
    store.setExpiry(...at('k'), 6000, 3, PEER);
    const [before, digest] = [store.read(find('k')), store.digests.of(slotOf(Buffer.from('k')))];
    expect(store.dropExpiredValue(...at('k'), 5999)).toBe(false);
    expect(store.dropExpiredValue(...at('k'), 6000)).toBe(true);
    expect(store.dropExpiredValue(...at('k'), 6000)).toBe(false);
    expect(store.read(find('k'))).toEqual({ ...before, value: undefined });
    expect(store.digests.of(slotOf(Buffer.from('k')))).toEqual(digest);
    expect([store.keyCount, store.tombstoneCount, store.expiringCount]).toEqual([0, 1, 0]);
  });

  test('PERSIST takes it away, and a later EXPIRE sets it again', () => {
    put('k', 'v', 5000);
    store.setExpiry(...at('k'), NEVER, ++stamp, ME);
    expect(store.isLive(find('k'), 10_000)).toBe(true);
    expect(store.expiringCount).toBe(0);
    store.setExpiry(...at('k'), 7000, ++stamp, PEER);
    expect(store.isLive(find('k'), 7000)).toBe(false);
    expect(store.expiringCount).toBe(1);
    expect(store.newestStampOf(find('k'))).toBe(stamp);
  });

  test('cannot be set on nothing or on a tombstone', () => {
    expect(() => store.setExpiry(...at('k'), 5, 1, ME)).toThrow('there is no record');
    put('k', undefined);
    expect(() => store.setExpiry(...at('k'), 5, ++stamp, ME)).toThrow('is a tombstone');
  });

  test('is swept in steps of the budget, each round reaching every slot', () => {
    for (let i = 0; i < 1000; i++) put(`key:${i}`, 'v', i % 2 === 0 ? 1000 : 9000);
    for (let i = 0; i < 300; i++) put(`for ever:${i}`, 'v');
    let dropped = 0;
    let steps = 0;
    while (dropped < 500 && steps < 1000) {
      const now = store.sweepExpired(1000, 20);
      expect(now).toBeLessThan(40);
      dropped += now;
      steps++;
    }
    expect(dropped).toBe(500);
    expect(steps).toBeLessThan(60);
    expect(store.sweepExpired(1000, 100_000)).toBe(0);
    expect([store.keyCount, store.tombstoneCount, store.expiringCount]).toEqual([800, 500, 500]);
  });
});

describe('merge answers', () => {
  const version = (of: number, stamp: number, expiry?: StoredRecord['expiry']): StoredRecord => {
    const dot = { actor: of, stamp };
    return { dot, value: Buffer.from(`${of} ${stamp}`), vector: EMPTY_VECTOR, expiry };
  };
  const merge = (record: StoredRecord) => store.merge(...at('k'), record);

  test('`stored` to news, `same` to what is held, `behind` to what is older', () => {
    expect(merge(version(ME, 5))).toBe('stored');
    expect(merge(version(ME, 5))).toBe('same');
    expect(merge(version(PEER, 6))).toBe('stored');
    expect(merge(version(ME, 5))).toBe('behind');
    expect(merge(version(PEER, 4))).toBe('behind');
    expect(textOf('k')).toBe(`${PEER} 6`);
  });

  test('`stored` to a later expiry of the version held, `behind` to an earlier EXPIRE, `same` to the version itself', () => {
    merge(version(ME, 5));
    expect(merge(version(ME, 5, { dot: { actor: PEER, stamp: 9 }, atMs: 900 }))).toBe('stored');
    expect(merge(version(ME, 5, { dot: { actor: ME, stamp: 8 }, atMs: 800 }))).toBe('behind');
    expect(merge(version(ME, 5, { dot: { actor: ME, stamp: 5 }, atMs: 500 }))).toBe('same');
    expect(merge(version(ME, 5))).toBe('same');
    expect(store.expiryAtMs(find('k'))).toBe(900);
  });

  test('`stored` when only the vector grew', () => {
    merge(version(ME, 5));
    expect(merge({ ...version(ME, 5), vector: new Map([[PEER, 3]]) })).toBe('stored');
    expect(merge({ ...version(ME, 5), vector: new Map([[PEER, 2]]) })).toBe('same');
    expect(store.vectorOf(find('k'))).toEqual(new Map([[PEER, 3]]));
  });

  test('`stored` when a dropped value comes back with a later expiry', () => {
    const dot = { actor: ME, stamp: 5 };
    merge(version(ME, 5, { dot, atMs: 500 }));
    store.sweepExpired(500, 10);
    expect(store.isTombstone(find('k'))).toBe(true);
    expect(merge(version(ME, 5, { dot: { actor: PEER, stamp: 6 }, atMs: NEVER }))).toBe('stored');
    expect(textOf('k')).toBe(`${ME} 5`);
    expect(store.isLive(find('k'), 10_000)).toBe(true);
  });
});

describe('a scan', () => {
  const slot = slotOf(Buffer.from('tag'));

  test('visits tombstones too, in the order of hashes, a page at a time', () => {
    for (let i = 0; i < 50; i++) put(`{tag}${i}`, i % 5 === 0 ? undefined : 'v');
    const hashes: number[] = [];
    let pages = 0;
    for (let from = 0; from >= 0; pages++) from = store.scan(slot, from, 7, (_, hash) => hashes.push(hash));
    expect(hashes.length).toBe(50);
    expect(hashes).toEqual([...hashes].sort((a, b) => a - b));
    expect(pages).toBe(8);
    expect([store.slotRecords(slot), store.slotCount(slot)]).toEqual([50, 40]);
  });

  test('of an empty slot ends at once', () => {
    expect(store.scan(3, 0, 10, () => expect.unreachable())).toBe(-1);
    expect([store.slotRecords(3), store.slotCount(3)]).toEqual([0, 0]);
  });

  test('whose visitor changes the slot is a bug that stops the process', () => {
    for (let i = 0; i < 5; i++) put(`{tag}${i}`, 'v');
    expect(() => store.scan(slot, 0, 10, () => put('{tag}new', 'v'))).toThrow('its visitor has changed the slot');
  });
});

describe('memory', () => {
  test('a key of 16 bytes with a value of 64 takes less than 130 bytes, table included', () => {
    for (let i = 0; i < 100_000; i++) put(`key:${String(i).padStart(12, '0')}`, 'v'.repeat(64));
    expect(store.usedBytes / store.keyCount).toBeLessThan(130);
    expect(store.reservedBytes).toBeLessThan(store.usedBytes + 2 * PAGE_BYTES);
  });

  test('comes back when keys go', () => {
    for (let i = 0; i < 20_000; i++) put(`key:${i}`, Buffer.alloc(i % 40 === 0 ? 20_000 : 300));
    for (let i = 0; i < 20_000; i++) expect(store.remove(...at(`key:${i}`))).toBe(true);
    expect([store.keyCount, store.usedBytes]).toEqual([0, 0]);
    expect(store.reservedBytes).toBeLessThanOrEqual(PAGE_BYTES);
  });

  test('comes back in small steps when a scattered tenth of the keys remains, and what remains is intact', () => {
    for (let i = 0; i < 50_000; i++) put(`key:${i}`, `${i} `.padEnd(300, 'v'));
    for (let i = 0; i < 50_000; i++) if (i % 10 !== 7) store.remove(...at(`key:${i}`));
    const sparse = store.reservedBytes;
    for (let looked = 0; looked < 20_000; looked += 100) expect(store.compact(100)).toBeLessThan(110);
    expect(store.reservedBytes).toBeLessThan(sparse / 4);
    expect(store.reservedBytes).toBeLessThan(store.usedBytes + 2 * PAGE_BYTES);
    for (let i = 7; i < 50_000; i += 10) expect(textOf(`key:${i}`)).toBe(`${i} `.padEnd(300, 'v'));
    expect(store.compact(100)).toBe(0);
  });

  test('counts a large value by what it keeps alive', () => {
    put('k', Buffer.allocUnsafeSlow(1_000_000));
    expect(store.usedBytes).toBeGreaterThan(1_000_000);
    put('k', 'small');
    expect(store.usedBytes).toBeLessThan(1000);
  });

  test('is given back by clear, which forgets everything', () => {
    for (let i = 0; i < 1000; i++) put(`key:${i}`, Buffer.alloc(i * 50), 5000);
    store.clear();
    expect([store.keyCount, store.tombstoneCount, store.expiringCount]).toEqual([0, 0, 0]);
    expect([store.usedBytes, store.reservedBytes]).toEqual([0, 0]);
    for (let slot = 0; slot < SLOT_COUNT; slot++) expect(store.digests.of(slot)).toEqual(EMPTY_DIGEST);
    expect(find('key:7')).toBe(0);
    put('key:7', 'again');
    expect(textOf('key:7')).toBe('again');
  });
});

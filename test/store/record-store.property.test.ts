import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { NEVER, type StoredRecord } from '../../src/store/record.ts';
import { RecordStore } from '../../src/store/record-store.ts';
import { aRecord, plain, someActors } from './records.ts';
import { TwinStore } from './twin-store.ts';

const HOME_ACTOR = 0;

/** Ordinary keys, and those that trip up what is not byte for byte: two slots hold them all. */
const KEYS: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.from('__proto__'),
  Buffer.from('constructor'),
  Buffer.from([0xff, 0x00, 0xfe]),
  Buffer.from([0xff, 0x00, 0xfd]),
  Buffer.from('0'),
  Buffer.from('4294967295'),
  Buffer.alloc(8 * 1024, 'k'),
  Buffer.alloc(8 * 1024 + 1, 'k'),
  Buffer.concat([Buffer.alloc(8 * 1024, 'k'), Buffer.from('l')]),
  ...Array.from({ length: 40 }, (_, i) => Buffer.from(`key:${i}`)),
];
const slotOfKey = (key: number) => (key % 3 === 0 ? 0 : SLOT_COUNT - 1);
const keysIn = (slot: number) => KEYS.map((_, key) => key).filter(key => slotOfKey(key) === slot);

const aKey = fc.nat(KEYS.length - 1);
const aSize = fc.oneof(
  { weight: 8, arbitrary: fc.nat(120) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1000, 16 * 1024, 16 * 1024 + 1, 40_000) },
);
const aTime = fc.integer({ min: 1, max: 3000 });
const aCommand = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      key: aKey,
      size: fc.option(aSize, { nil: undefined }),
      expiry: fc.option(aTime, { nil: NEVER }),
      actor: fc.constantFrom(HOME_ACTOR, HOME_ACTOR, 3),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('merge' as const), key: aKey, record: aRecord }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('echo' as const), pick: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('expire' as const), key: aKey, atMs: fc.option(aTime, { nil: NEVER }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), key: aKey }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), key: aKey, wallMs: aTime }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const), wallMs: aTime }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('drop-slot' as const),
      slot: fc.constantFrom(0, SLOT_COUNT - 1),
      budget: fc.nat(8),
    }),
  },
);
type Command = typeof aCommand extends fc.Arbitrary<infer T> ? T : never;

/** A store and its twin under the same commands. */
class Pair {
  readonly actors = someActors();
  readonly store = new RecordStore({ actors: this.actors, hashKey: [1, 2] });
  readonly twin = new TwinStore(this.actors);
  /** Every record that ever was, to be merged again later. */
  readonly past: { key: number; record: StoredRecord }[] = [];
  readonly hashOf: (key: number) => number;
  #stamp = 100;

  /** `weak` leaves four different hashes, so that keys collide all the time. */
  constructor(weak: boolean) {
    const hashes = KEYS.map(key => this.store.hashOf(key));
    this.hashOf = key => (weak ? hashes[key]! & 0xc000_0000 : hashes[key]!) >>> 0;
  }

  at(key: number): [slot: number, hash: number, key: Buffer] {
    return [slotOfKey(key), this.hashOf(key), KEYS[key]!];
  }

  run(command: Command): void {
    const { store, twin } = this;
    if (command.kind === 'sweep') {
      let dropped = 0;
      for (const key of twin.records.keys()) if (twin.dropExpiredValue(key, command.wallMs)) dropped++;
      expect(store.sweepExpired(command.wallMs, 1000)).toBe(dropped);
      return;
    }
    if (command.kind === 'compact') {
      store.compact(1000);
      return;
    }
    if (command.kind === 'drop-slot') return this.#dropSlot(command.slot, command.budget);
    if (command.kind === 'echo') {
      const old = this.past[command.pick % Math.max(1, this.past.length)];
      if (old !== undefined) this.run({ kind: 'merge', key: old.key, record: old.record });
      return;
    }
    this.#change(command);
    const held = twin.records.get(command.key);
    const ref = store.find(...this.at(command.key));
    expect(ref !== 0 ? plain(store.read(ref)) : undefined).toEqual(plain(held));
    if (held !== undefined) this.past.push({ key: command.key, record: held });
  }

  /** And frees some of what was dropped, now or before. */
  #dropSlot(slot: number, budget: number): void {
    const { store, twin } = this;
    const held = keysIn(slot).filter(key => twin.records.delete(key));
    expect(store.dropSlot(slot)).toBe(held.length);
    for (const key of held) expect(store.find(...this.at(key))).toBe(0);
    expect(store.freeDropped(budget)).toBeLessThanOrEqual(budget);
  }

  #change(command: Exclude<Command, { kind: 'sweep' | 'compact' | 'echo' | 'drop-slot' }>): void {
    const { store, twin } = this;
    const { key } = command;
    const held = twin.records.get(key);
    switch (command.kind) {
      case 'put': {
        const dot = { actor: command.actor, stamp: ++this.#stamp };
        const value = command.size === undefined ? undefined : Buffer.alloc(command.size, `${dot.stamp} `);
        const expiry = value === undefined ? NEVER : command.expiry;
        store.putValue(...this.at(key), value, dot.stamp, dot.actor, expiry);
        twin.putValue(key, value, dot, expiry);
        break;
      }
      case 'expire':
        if (held?.value === undefined) break;
        store.setExpiry(...this.at(key), command.atMs, ++this.#stamp, HOME_ACTOR);
        twin.setExpiry(key, command.atMs, { actor: HOME_ACTOR, stamp: this.#stamp });
        break;
      case 'merge':
        expect(store.merge(...this.at(key), command.record)).toBe(twin.merge(key, command.record));
        break;
      case 'remove':
        expect(store.remove(...this.at(key))).toBe(twin.records.delete(key));
        break;
      case 'drop':
        expect(store.dropExpiredValue(...this.at(key), command.wallMs)).toBe(
          twin.dropExpiredValue(key, command.wallMs),
        );
    }
  }

  checkWhole(): void {
    const { store, twin } = this;
    for (const [key, record] of twin.records) this.#checkRecord(key, record);
    const records = [...twin.records.values()];
    const isExpiring = ({ value, expiry }: StoredRecord) => value !== undefined && (expiry?.atMs ?? NEVER) !== NEVER;
    expect(store.keyCount).toBe(records.filter(({ value }) => value !== undefined).length);
    expect(store.tombstoneCount).toBe(records.filter(({ value }) => value === undefined).length);
    expect(store.expiringCount).toBe(records.filter(isExpiring).length);
    for (const slot of [0, SLOT_COUNT - 1]) {
      const keys = keysIn(slot).filter(key => twin.records.has(key));
      expect(store.digests.of(slot)).toEqual(twin.digest(keys, this.hashOf));
      expect(store.slotRecords(slot)).toBe(keys.length);
      expect(store.slotCount(slot)).toBe(keys.filter(key => twin.records.get(key)!.value !== undefined).length);
      const scanned: [number, string][] = [];
      for (let from = 0; from >= 0; ) {
        from = store.scan(slot, from, 3, (ref, hash) => scanned.push([hash, store.keyOf(ref).toString('latin1')]));
      }
      expect(scanned.map(([hash]) => hash)).toEqual(keys.map(this.hashOf).sort((a, b) => a - b));
      expect(scanned.map(([, key]) => key).sort()).toEqual(keys.map(key => KEYS[key]!.toString('latin1')).sort());
    }
  }

  #checkRecord(key: number, record: StoredRecord): void {
    const { store, twin } = this;
    const ref = store.find(...this.at(key));
    expect(plain(store.read(ref))).toEqual(plain(record));
    expect(store.keyOf(ref).equals(KEYS[key]!)).toBe(true);
    expect({ actor: store.actorOf(ref), stamp: store.stampOf(ref) }).toEqual(record.dot);
    expect(store.newestStampOf(ref)).toBe(Math.max(record.dot.stamp, record.expiry?.dot.stamp ?? 0));
    expect(store.expiryAtMs(ref)).toBe(record.expiry?.atMs ?? NEVER);
    expect(store.isTombstone(ref)).toBe(record.value === undefined);
    expect(store.valueLength(ref)).toBe(record.value?.length ?? 0);
    expect(store.isLive(ref, 1500)).toBe(record.value !== undefined && !twin.isExpired(key, 1500));
    if (record.value === undefined) return;
    const written: Uint8Array[] = [];
    store.writeValue(ref, {
      bulkRange: (source, start, end) => written.push(source.subarray(start, end)),
      bulk: bytes => written.push(bytes),
    });
    expect(written.length).toBe(1);
    expect(Buffer.compare(record.value, written[0]!)).toBe(0);
  }
}

test('the store holds what a Map under mergeRecords holds, after any writes, merges, expiries, removals and moves', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(aCommand, { maxLength: 120, size: 'max' }), (weak, commands) => {
      const pair = new Pair(weak);
      for (const command of commands) pair.run(command);
      pair.checkWhole();
      for (const key of [...pair.twin.records.keys()]) {
        expect(pair.store.remove(...pair.at(key))).toBe(true);
        pair.twin.records.delete(key);
      }
      pair.checkWhole();
      while (pair.store.freeDropped(50) > 0);
      expect(pair.store.usedBytes).toBe(0);
    }),
    { numRuns: 150 },
  );
});

test('two stores that saw the same records in different orders hold the same, and their digests say so', () => {
  const someRecords = fc.array(fc.record({ key: fc.nat(5), record: aRecord }), { maxLength: 60 });
  const orders = someRecords.chain(records =>
    fc.tuple(fc.constant(records), fc.shuffledSubarray([...records, ...records], { minLength: records.length * 2 })),
  );
  fc.assert(
    fc.property(orders, ([records, shuffled]) => {
      const [a, b] = [new Pair(false), new Pair(false)];
      for (const { key, record } of records) a.store.merge(...a.at(key), record);
      for (const { key, record } of shuffled) b.store.merge(...b.at(key), record);
      for (let key = 0; key <= 5; key++) {
        const [inA, inB] = [a.store.find(...a.at(key)), b.store.find(...b.at(key))];
        expect(inA !== 0 ? plain(a.store.read(inA)) : undefined).toEqual(
          inB !== 0 ? plain(b.store.read(inB)) : undefined,
        );
      }
      for (const slot of [0, SLOT_COUNT - 1]) {
        expect(a.store.digests.of(slot)).toEqual(b.store.digests.of(slot));
      }
    }),
  );
});

test('a store that lacks one dot of another has another digest', () => {
  fc.assert(
    fc.property(fc.array(aRecord, { minLength: 1 }), fc.nat(), (records, pick) => {
      const [a, b] = [new Pair(false), new Pair(false)];
      records.forEach((record, i) => {
        const key = i % KEYS.length;
        a.store.merge(...a.at(key), record);
        if (i !== pick % records.length) b.store.merge(...b.at(key), record);
      });
      const dotsOf = (pair: Pair) =>
        KEYS.map((_, key) => pair.store.find(...pair.at(key))).map(
          ref => ref !== 0 && JSON.stringify([pair.store.dotOf(ref), pair.store.expiryOf(ref)?.dot]),
        );
      const areEqual = dotsOf(a).join() === dotsOf(b).join();
      const slots = [0, SLOT_COUNT - 1];
      expect(slots.every(slot => String(a.store.digests.of(slot)) === String(b.store.digests.of(slot)))).toBe(areEqual);
    }),
  );
});

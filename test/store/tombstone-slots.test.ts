import { expect, test } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { NEVER } from '../../src/store/record.ts';
import { RecordStore } from '../../src/store/record-store.ts';

const actors = new Actors();
const actor = actors.intern('a');

function storeWith(...records: (readonly [slot: number, key: string, value: string | undefined])[]): RecordStore {
  const store = new RecordStore({ actors, hashKey: [1, 2] });
  for (const [index, [slot, key, value]] of records.entries()) put(store, slot, key, value, index + 1);
  return store;
}

function put(store: RecordStore, slot: number, name: string, value: string | undefined, stamp: number): void {
  const key = Buffer.from(name);
  store.putValue(
    slot,
    store.hashOf(key),
    key,
    value === undefined ? undefined : Buffer.from(value),
    stamp,
    actor,
    NEVER,
  );
}

function slotsOf(store: RecordStore): number[] {
  const slots: number[] = [];
  for (let slot = store.tombstoneSlotFrom(0); slot >= 0; slot = store.tombstoneSlotFrom(slot + 1)) slots.push(slot);
  return slots;
}

test('the slots that hold tombstones are found in their order, the last of all too', () => {
  const store = storeWith([16383, 'a', undefined], [7, 'b', undefined], [7, 'c', 'v'], [8, 'd', 'v']);
  expect(slotsOf(store)).toEqual([7, 16383]);
});

test('a slot is not found any more when its last tombstone is overwritten or removed', () => {
  const store = storeWith([7, 'a', undefined], [7, 'b', undefined], [9, 'c', undefined]);
  put(store, 7, 'a', 'again', 10);
  expect(slotsOf(store)).toEqual([7, 9]);
  const key = Buffer.from('b');
  store.remove(7, store.hashOf(key), key);
  expect(slotsOf(store)).toEqual([9]);
  store.clear();
  expect(slotsOf(store)).toEqual([]);
  put(store, 9, 'c', undefined, 11);
  put(store, 9, 'c', 'again', 12);
  expect(slotsOf(store)).toEqual([]);
});

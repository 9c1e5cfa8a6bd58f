import { describe, expect, it } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { SLOT_COUNT, slotOf } from '../../src/lib/slots.ts';
import { allAtOnce } from '../../src/lib/steps.ts';
import { Housekeeper } from '../../src/replication/housekeeper.ts';
import { Keyspace } from '../../src/replication/keyspace.ts';
import { Placement } from '../../src/replication/placement.ts';
import { ConflictJournal } from '../../src/store/conflict-journal.ts';
import { NEVER } from '../../src/store/record.ts';
import { RecordStore } from '../../src/store/record-store.ts';
import { namesTo, TestRings } from './rings.ts';
import { EVENTUAL } from './test-network.ts';

const NOW_MS = 1_800_000_000_000;
const KEYS = 5000;

/** A keyspace on a ring of `members`, with keys of which half have expired. */
function keyspaceOf(members: number): Keyspace {
  const actors = new Actors();
  const store = new RecordStore({ actors, hashKey: [1, 2] });
  const policy = { ...EVENTUAL, name: 'x' };
  const actor = actors.intern('n1.1');
  for (let i = 0; i < KEYS; i++) {
    const key = Buffer.from(`key:${i}`);
    const expiryAtMs = i % 2 === 0 ? NOW_MS - 1 : NOW_MS + 1000;
    store.putValue(slotOf(key), store.hashOf(key), key, key, i + 1, actor, expiryAtMs);
  }
  return new Keyspace(
    policy,
    store,
    allAtOnce(Placement.make(new TestRings('n1').settled(namesTo(members)), 3)),
    new ConflictJournal(0),
  );
}

function tickUntilQuiet(keyspace: Keyspace): void {
  const housekeeper = new Housekeeper(keyspace, { mayDropExpired: true, wallMs: () => NOW_MS, monotonicMs: () => 0 });
  for (let i = 0; i < 200; i++) housekeeper.tick();
}

describe('Housekeeper', () => {
  it('drops nothing that has expired by a clock in doubt', () => {
    const keyspace = keyspaceOf(3);
    const clock = { mayDropExpired: false, wallMs: () => NOW_MS, monotonicMs: () => 0 };
    const housekeeper = new Housekeeper(keyspace, clock);
    for (let i = 0; i < 200; i++) housekeeper.tick();
    expect(keyspace.store.tombstoneCount).toBe(0);
    clock.mayDropExpired = true;
    for (let i = 0; i < 200; i++) housekeeper.tick();
    expect(keyspace.store.tombstoneCount).toBe(KEYS / 2);
  });

  it('stops in a turn when its time is over, however much is left, and goes on in the next', () => {
    const keyspace = keyspaceOf(3);
    let nowMs = 0;
    const housekeeper = new Housekeeper(keyspace, {
      mayDropExpired: true,
      wallMs: () => NOW_MS,
      monotonicMs: () => (nowMs += 3),
    });
    housekeeper.tick();
    const swept = keyspace.store.tombstoneCount;
    expect(swept).toBeGreaterThan(0);
    expect(swept).toBeLessThan(KEYS / 4);
    housekeeper.tick();
    expect(keyspace.store.tombstoneCount).toBeGreaterThan(swept);
  });

  it('forgets some hundreds of tombstones in a step, and all of them in the end', () => {
    const keyspace = keyspaceOf(1);
    const { store } = keyspace;
    for (let i = 0; i < KEYS; i++) {
      const key = Buffer.from(`key:${i}`);
      store.putValue(slotOf(key), store.hashOf(key), key, undefined, KEYS + i + 1, 0, NEVER);
    }
    let nowMs = 0;
    new Housekeeper(keyspace, { mayDropExpired: true, wallMs: () => NOW_MS, monotonicMs: () => (nowMs += 5) }).tick();
    expect(store.tombstoneCount).toBeLessThan(KEYS);
    expect(store.tombstoneCount).toBeGreaterThan((3 * KEYS) / 4);
    tickUntilQuiet(keyspace);
    expect(store.tombstoneCount).toBe(0);
  });

  it('drops expired values, and where a key has one replica forgets their records too', () => {
    const keyspace = keyspaceOf(1);
    tickUntilQuiet(keyspace);
    expect(keyspace.store.keyCount).toBe(KEYS / 2);
    expect(keyspace.store.tombstoneCount).toBe(0);
  });

  it('frees what a dropped slot held, some hundreds of records in a step', () => {
    const keyspace = keyspaceOf(3);
    const { store } = keyspace;
    const used = store.usedBytes;
    for (let slot = 0; slot < SLOT_COUNT; slot++) store.dropSlot(slot);
    expect(store.keyCount).toBe(0);
    let nowMs = 0;
    new Housekeeper(keyspace, { mayDropExpired: true, wallMs: () => NOW_MS, monotonicMs: () => (nowMs += 5) }).tick();
    expect(store.usedBytes).toBeGreaterThan(0);
    expect(store.usedBytes).toBeLessThan(used);
    tickUntilQuiet(keyspace);
    expect(store.usedBytes).toBe(0);
  });

  it('keeps the tombstones of expired values where there are other replicas', () => {
    const keyspace = keyspaceOf(3);
    tickUntilQuiet(keyspace);
    expect(keyspace.store.keyCount).toBe(KEYS / 2);
    expect(keyspace.store.tombstoneCount).toBe(KEYS / 2);
  });
});

import { describe, test } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { Cluster } from '../../src/node/cluster.ts';
import { CollectionBatch } from '../../src/replication/collection-batch.ts';
import { Coordinator } from '../../src/replication/coordinator.ts';
import { Fence, type FenceDone } from '../../src/replication/fence.ts';
import { type ReadContinuation, ReadCoordinator } from '../../src/replication/read-coordinator.ts';
import { StandIn } from '../../src/replication/stand-in.ts';
import { collectTombstone, tombstonesFrom } from '../../src/replication/tombstones.ts';
import { NO_FAULTS } from '../../src/sim/index.ts';
import { RecordStore } from '../../src/store/record-store.ts';
import { expectCaught, plant } from './planting.ts';

describe('the simulator catches within 50 seeds', { timeout: 120_000 }, () => {
  test('a tombstone that is collected by age alone', () => {
    plantCollectionByAge();
    expectCaught(['stale-read', 'come-back']);
  });

  test('a tombstone that is collected while a hint is owed', () => {
    plant(Coordinator.prototype, 'leastUndeliveredStamp', { value: () => Number.POSITIVE_INFINITY });
    plant(StandIn.prototype, 'vouch', { value: () => {} });
    expectCaught('come-back', { keyspaces: [4] });
  });

  test('a tombstone that is collected without a fence', () => {
    const waiting: FenceDone[] = [];
    plant(Fence.prototype, 'raise', { value: (done: FenceDone) => void waiting.push(done) });
    plant(Fence.prototype, 'tick', {
      value: () => {
        for (const done of waiting.splice(0)) done(Number.POSITIVE_INFINITY);
      },
    });
    // What a fence waits for is what is under way for long.
    const faults = { ...NO_FAULTS, delay: 0.2, reordering: 0.1, duplication: 0.2 };
    expectCaught('come-back', { workload: 'deletes', keyspaces: [0], faults });
  });

  test('a collection that waits for one answer more than there are replicas', () => {
    plant(CollectionBatch.prototype, 'answered', { value: () => false });
    expectCaught('not-collected');
  });

  test('an expired key that repair revives, because what has expired is forgotten', () => {
    const { dropExpiredValue } = RecordStore.prototype;
    const forgetting: typeof dropExpiredValue = function (this: RecordStore, slot, hash, key, wallMs) {
      return dropExpiredValue.call(this, slot, hash, key, wallMs) && this.remove(slot, hash, key);
    };
    plant(RecordStore.prototype, 'dropExpiredValue', { value: forgetting });
    plant(RecordStore.prototype, 'sweepExpired', { value: sweepByForgetting });
    // By the key itself, or by a read that finds what was there before the value that expired; the same may be found in the end.
    expectCaught(['come-back', 'stale-read'], {}, ['lost-write']);
  });

  test('a DEL that stamps nothing where the key was absent', () => {
    const { read } = ReadCoordinator.prototype;
    const here: typeof read = function (this: ReadCoordinator, keyspace, slot, key, need, purpose, done) {
      const isAbsent = purpose === 'removal' && this.liveHere(keyspace, slot, key) === undefined;
      if (!isAbsent) return read.call(this, keyspace, slot, key, need, purpose, done);
      return (done as ReadContinuation)({ status: 'found', reason: '', everyReplicaAnswered: true });
    };
    plant(ReadCoordinator.prototype, 'read', { value: here });
    expectCaught('stale-read', { workload: 'deletes' });
  });
});

/** Each node forgets every tombstone that has been there for 0.3 to 0.6 s. */
function plantCollectionByAge(): void {
  const { tick } = Cluster.prototype;
  const seen = new WeakMap<Cluster, { nextMs: number; young: Set<string> }>();
  plant(Cluster.prototype, 'tick', {
    value: function (this: Cluster): void {
      tick.call(this);
      const nowMs = this.context.clock.monotonicMs();
      const state = seen.get(this) ?? { nextMs: 0, young: new Set() };
      seen.set(this, state);
      if (nowMs < state.nextMs) return;
      const young = new Set<string>();
      for (const keyspace of this.keyspaces.values()) {
        for (let slot = 0; slot < SLOT_COUNT; slot++) {
          if (keyspace.store.slotRecords(slot) === keyspace.store.slotCount(slot)) continue;
          for (const entry of tombstonesFrom(keyspace.store, slot, 0, Number.POSITIVE_INFINITY).entries) {
            const id = `${keyspace.db} ${slot} ${entry.hash} ${entry.dot.stamp}`;
            if (state.young.has(id)) collectTombstone(keyspace, entry);
            else young.add(id);
          }
        }
      }
      state.young = young;
      state.nextMs = nowMs + 300;
    },
  });
}

function sweepByForgetting(this: RecordStore, wallMs: number): number {
  let forgotten = 0;
  for (let slot = 0; slot < SLOT_COUNT && this.expiringCount > 0; slot++) {
    const dead: { hash: number; key: Buffer }[] = [];
    this.scan(slot, 0, Number.POSITIVE_INFINITY, (ref, hash) => {
      const isExpired = !this.isTombstone(ref) && !this.isLive(ref, wallMs);
      if (isExpired) dead.push({ hash, key: this.keyOf(ref) });
    });
    for (const { hash, key } of dead) if (this.remove(slot, hash, key)) forgotten++;
  }
  return forgotten;
}

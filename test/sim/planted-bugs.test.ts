import { describe, test } from 'vitest';
import { SlotDigests } from '../../src/digest/slot-digests.ts';
import { AntiEntropy } from '../../src/replication/anti-entropy.ts';
import { Forwarder } from '../../src/replication/forwarder.ts';
import { Keyspace } from '../../src/replication/keyspace.ts';
import { WriteQuorum } from '../../src/replication/quorum.ts';
import { ReadCoordinator } from '../../src/replication/read-coordinator.ts';
import { SlotMerges } from '../../src/replication/slot-merges.ts';
import { StandIn } from '../../src/replication/stand-in.ts';
import { StandInRequests } from '../../src/replication/stand-in-requests.ts';
import { RecordStore } from '../../src/store/record-store.ts';
import { SlotAccounts } from '../../src/store/slot-accounts.ts';
import { expectCaught, plant } from './planting.ts';

describe('the simulator catches within 50 seeds', { timeout: 120_000 }, () => {
  test('a merge that prefers the older record', () => {
    const { merge } = RecordStore.prototype;
    const older: typeof merge = function (this: RecordStore, slot, hash, key, record) {
      const ref = this.find(slot, hash, key);
      const isNewer = ref !== 0 && record.dot.stamp > this.stampOf(ref);
      return isNewer ? 'stored' : merge.call(this, slot, hash, key, record);
    };
    plant(RecordStore.prototype, 'merge', { value: older });
    expectCaught('stale-read');
  });

  test('a coordinator that acknowledges early', () => {
    plant(WriteQuorum.prototype, 'reached', { get: () => true });
    expectCaught('stale-read');
  });

  test('a refilling replica that answers as if it were whole', () => {
    plantForgetfulRefill();
    expectCaught('stale-read');
  });

  test('a hint that counts towards a strict W', () => {
    for (const { prototype } of [StandInRequests, StandIn]) plant(prototype, 'mayStandIn', { value: () => true });
    expectCaught('stale-read');
  });

  test('a digest that forgets to subtract', () => {
    const { leave } = SlotAccounts.prototype;
    const { toggle } = SlotDigests.prototype;
    let leaving = false;
    const forgetful: typeof leave = function (this: SlotAccounts, ...record) {
      leaving = true;
      leave.apply(this, record);
      leaving = false;
    };
    const adding: typeof toggle = function (this: SlotDigests, ...dot) {
      if (!leaving) toggle.apply(this, dot);
    };
    plant(SlotAccounts.prototype, 'leave', { value: forgetful });
    plant(SlotDigests.prototype, 'toggle', { value: adding });
    expectCaught('not-converged');
  });

  test('a comparison of replicas that takes in what is older than what is held', () => {
    const { merge } = RecordStore.prototype;
    const { onPageReply } = AntiEntropy.prototype;
    let isTaking = false;
    const taking: typeof onPageReply = function (this: AntiEntropy, from, reply) {
      isTaking = true;
      onPageReply.call(this, from, reply);
      isTaking = false;
    };
    const backward: typeof merge = function (this: RecordStore, slot, hash, key, record) {
      const ref = this.find(slot, hash, key);
      if (isTaking && ref !== 0 && record.dot.stamp < this.stampOf(ref)) this.remove(slot, hash, key);
      return merge.call(this, slot, hash, key, record);
    };
    plant(AntiEntropy.prototype, 'onPageReply', { value: taking });
    plant(RecordStore.prototype, 'merge', { value: backward });
    expectCaught('lost-write', { keyspaces: [0] }, ['divergence']);
  });

  test('a write that waits for all replicas', () => {
    const { writeQuorum } = Keyspace.prototype;
    const ofAll: typeof writeQuorum = function (this: Keyspace, slot) {
      return writeQuorum.call(this, slot, 'all');
    };
    plant(Keyspace.prototype, 'writeQuorum', { value: ofAll });
    expectCaught('unavailable');
  });

  test('a read that finds another key of the slot', () => {
    const { liveHere } = ReadCoordinator.prototype;
    const another: typeof liveHere = function (this: ReadCoordinator, keyspace, slot, key) {
      let found = liveHere.call(this, keyspace, slot, key);
      keyspace.store.scan(slot, 0, Number.POSITIVE_INFINITY, ref => {
        found ??= liveHere.call(this, keyspace, slot, keyspace.store.keyOf(ref));
      });
      return found;
    };
    plant(ReadCoordinator.prototype, 'liveHere', { value: another });
    expectCaught('invented-value');
  });

  test('a second coordinator for a forwarded write that had arrived', () => {
    plant(Forwarder.prototype, 'mayHaveSecondCoordinator', { value: () => true });
    expectCaught('two-coordinators');
  });
});

/** Nobody is told that a slot is refilling but anti-entropy, which refills it as it should. */
function plantForgetfulRefill(): void {
  const { isPending } = SlotMerges.prototype;
  let depth = 0;
  for (const name of ['onRoot', 'onDiffering', 'onPageReply', 'tick'] as const) {
    const method = AntiEntropy.prototype[name] as (...args: unknown[]) => void;
    const remembering = function (this: AntiEntropy, ...args: unknown[]): void {
      depth++;
      try {
        method.apply(this, args);
      } finally {
        depth--;
      }
    };
    plant(AntiEntropy.prototype, name, { value: remembering });
  }
  const forgetful = function (this: SlotMerges, slot: number): boolean {
    return depth > 0 && isPending.call(this, slot);
  };
  plant(SlotMerges.prototype, 'isPending', { value: forgetful });
}

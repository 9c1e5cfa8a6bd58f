import { describe, test } from 'vitest';
import { Cluster } from '../../src/node/cluster.ts';
import { AntiEntropy } from '../../src/replication/anti-entropy.ts';
import { Keyspace } from '../../src/replication/keyspace.ts';
import type { Peer } from '../../src/replication/peer.ts';
import { Placement } from '../../src/replication/placement.ts';
import { Replica } from '../../src/replication/replica.ts';
import { NO_FAULTS, type SimulationOptions } from '../../src/sim/index.ts';
import { RecordStore } from '../../src/store/record-store.ts';
import { applyCommand } from '../../src/topology/commands.ts';
import { PlacementGroup } from '../../src/topology/placement-group.ts';
import { expectCaught, plant } from './planting.ts';
import { expectSound } from './seeds.ts';

/** A ring that changes all the time, and replicas that miss much of what is written. */
const CHURNING: Partial<SimulationOptions> = {
  durationMs: 40_000,
  nodes: 3,
  keyspaces: [1],
  machines: 6,
  faults: { ...NO_FAULTS, loss: 0.3, partition: 8, churn: 120 },
};

// What belongs to the Raft core alone, a vote that is not persisted and an older term's entry that is committed by counting, is planted in
// test/raft/planted-bugs.test.ts. An old epoch that is accepted does harm only when several other things go wrong, too, which here they hardly ever do
// together: test/replication/ring-changes.test.ts has the schedule.
describe('the simulator catches within 50 seeds', { timeout: 300_000 }, () => {
  test('a transfer that skips a slot', () => {
    const { mustArrive } = Placement.prototype;
    const skipping: typeof mustArrive = function (this: Placement, slot) {
      return slot % 2 === 0 && mustArrive.call(this, slot);
    };
    plant(Placement.prototype, 'mustArrive', { value: skipping });
    plantTransferOf(slot => slot % 2 === 0);
    plantSlowRepair();
    expectCaught(['stale-read', 'come-back', 'divergence'], CHURNING);
  });

  test('a transfer that leaves tombstones behind', () => {
    plantTombstonesLeftBehind();
    expectCaught(['stale-read', 'come-back', 'divergence'], { ...CHURNING, workload: 'deletes' });
  });

  test('ownership that is passed after merging from one stale replica', () => {
    const once: Keyspace['hasArrived'] = (_, __, { all }) => all > 0;
    plant(Keyspace.prototype, 'hasArrived', { value: once });
    plantMergeFromLastOwner();
    plantSlowRepair();
    // So many keys that most of them are not written again before somebody reads them from the new owners.
    expectCaught(['stale-read', 'come-back'], { ...CHURNING, keys: 400 });
  });

  test('a former owner that keeps what it has handed over', () => {
    plant(RecordStore.prototype, 'dropSlot', { value: () => 0 });
    expectCaught('misplaced', { ...CHURNING, workload: 'writes', faults: { ...NO_FAULTS, churn: 60 } });
  });

  test('two epochs that are decided at once, by voters each of whom decides alone', () => {
    const { propose } = PlacementGroup.prototype;
    const hasty: typeof propose = function (this: PlacementGroup, command, done) {
      if (this.topology !== undefined) this.decide(applyCommand(this.topology, command).topology);
      propose.call(this, command, done);
    };
    const bold = function (this: PlacementGroup): boolean {
      return this.isMember && this.topology !== undefined;
    };
    plant(PlacementGroup.prototype, 'leads', { get: bold });
    plant(PlacementGroup.prototype, 'propose', { value: hasty });
    expectCaught('two-rings', CHURNING, ['not-settled']);
  });
});

/** What has no value is not taken in where there is nothing, neither from a page nor from what its sender has found to be lacking. */
function plantTombstonesLeftBehind(): void {
  const { merge } = RecordStore.prototype;
  const { onPageReply } = AntiEntropy.prototype;
  const { onReplicate } = Replica.prototype;
  let isTaking = false;
  const taking: typeof onPageReply = function (this: AntiEntropy, from, reply) {
    isTaking = true;
    onPageReply.call(this, from, reply);
    isTaking = false;
  };
  const replicating: typeof onReplicate = function (this: Replica, from, message, slot) {
    isTaking = message.id === 0;
    const isTaken = onReplicate.call(this, from, message, slot);
    isTaking = false;
    return isTaken;
  };
  const leaving: typeof merge = function (this: RecordStore, slot, hash, key, record) {
    const isNew = this.find(slot, hash, key) === 0;
    return isTaking && isNew && record.value === undefined ? 'same' : merge.call(this, slot, hash, key, record);
  };
  plant(AntiEntropy.prototype, 'onPageReply', { value: taking });
  plant(Replica.prototype, 'onReplicate', { value: replicating });
  plant(RecordStore.prototype, 'merge', { value: leaving });
}

test('what is planted besides the bugs breaks no promise by itself', { timeout: 300_000 }, () => {
  plantSlowRepair();
  for (let seed = 1; seed <= 3; seed++) expectSound(seed, { ...CHURNING, keys: 400 });
});

/** Whoever is to own a slot compares it with the last of its owners only. */
function plantMergeFromLastOwner(): void {
  const { sharedSlots } = Placement.prototype;
  const mayCompare = (placement: Placement, slot: number, peer: Peer): boolean => {
    const last = placement.replicasOf(slot).findLast(owner => !placement.lost.has(owner));
    const isComing = placement.onlyOthers(slot) & (1 << placement.writersOf(slot).indexOf(peer));
    return isComing !== 0 ? last?.isSelf === true : placement.isHeldHere(slot) || last === peer;
  };
  const some: typeof sharedSlots = function (this: Placement) {
    const all = sharedSlots.call(this);
    if (this.arrivers().size === 0) return all;
    return new Map([...all].map(([peer, slots]) => [peer, slots.filter(slot => mayCompare(this, slot, peer))]));
  };
  plant(Placement.prototype, 'sharedSlots', { value: some });
}

/** While the ring changes nodes compare these slots only. */
function plantTransferOf(isCompared: (slot: number) => boolean): void {
  const { sharedSlots } = Placement.prototype;
  const some: typeof sharedSlots = function (this: Placement) {
    const all = sharedSlots.call(this);
    if (!this.isChanging) return all;
    const compared = [...all].map(([peer, slots]) => [peer, slots.filter(isCompared)] as const);
    return new Map(compared.filter(([, slots]) => slots.length > 0));
  };
  plant(Placement.prototype, 'sharedSlots', { value: some });
}

/** Ticks of 20 ms: ten seconds. */
const SLOW_TICKS = 500;

/**
 * A node whose ring has changed compares nothing for a while, unless it has something to learn. As it is, it compares at once what it has come to
 * share with others, and so mends in milliseconds what a faulty transfer has left out: too soon for clients to notice.
 */
function plantSlowRepair(): void {
  const { adopt } = Cluster.prototype;
  const { tick } = AntiEntropy.prototype;
  const lately = new WeakMap<AntiEntropy, { readonly cluster: Cluster; ticks: number }>();
  const adopting: typeof adopt = function (this: Cluster, topology) {
    adopt.call(this, topology);
    lately.set(this.antiEntropy, { cluster: this, ticks: 0 });
  };
  const slow: typeof tick = function (this: AntiEntropy) {
    const change = lately.get(this);
    const mustLearn = [...(change?.cluster.keyspaces.values() ?? [])].some(
      ({ refill, arrivals }) => refill.slotsLeft + arrivals.slotsLeft > 0,
    );
    if (change === undefined || change.ticks++ > SLOW_TICKS || mustLearn) tick.call(this);
  };
  plant(Cluster.prototype, 'adopt', { value: adopting });
  plant(AntiEntropy.prototype, 'tick', { value: slow });
}

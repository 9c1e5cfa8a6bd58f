import { describe, expect, it, vi } from 'vitest';
import { advanced, withMember } from '../../src/membership/topology.ts';
import { Keyspace } from '../../src/replication/keyspace.ts';
import { WriteCoordinator } from '../../src/replication/write-coordinator.ts';
import { joining, movingKey } from './joining.ts';
import { about, between, only, QUORUM, read, TestNetwork } from './test-network.ts';

const BLOCKING = { ...QUORUM, db: 5, name: 'blocking', readRepair: 'blocking' } as const;
const DB = BLOCKING.db;
const NOTHING = read(undefined);

function threeNodes(): TestNetwork {
  return new TestNetwork({ nodes: 3, keyspaces: [QUORUM, BLOCKING] });
}

/** The replicas beside `n1`, in the order in which it asks them. */
const [ASKED, SPARED] = threeNodes()
  .replicasOf('k', DB)
  .filter(name => name !== 'n1') as [string, string];

/** A write that n1 alone has and that nobody was told of is read at n1; then n1 is lost, and the next is read. */
function readTwice(network: TestNetwork, db: number, value: string | undefined) {
  network.plant('n1', 'k', value, db);
  const first = network.get('n1', 'k', db);
  network.settle();
  const told = only(first);
  network.kill('n1');
  const second = network.get(ASKED, 'k', db);
  network.settle();
  return [told, only(second)];
}

describe('A read with blocking repair', () => {
  it('is answered when R replicas hold what it found, so that no later read finds less', () => {
    const network = threeNodes();
    network.drop(about(SPARED));
    network.plant('n1', 'k', 'v', DB);
    network.hold(between(ASKED, 'n1', 'replicated'));
    const told = network.get('n1', 'k', DB);
    network.settle();
    expect([told, network.valueAt(ASKED, 'k', DB)]).toEqual([[], 'v']);
    network.release();
    expect(only(told)).toEqual(read('v'));
    expect(network.node('n1').counters.blockingRepairs).toBe(1);
    expect(readTwice(threeNodes(), DB, 'v')).toEqual([read('v'), read('v')]);
  });

  it('without it may find less, where the answer got through and the repair was lost with the coordinator', () => {
    const network = threeNodes();
    network.drop(({ type }) => type === 'replicate');
    network.plant('n1', 'k', 'v', 1);
    const first = network.get('n1', 'k', 1);
    network.settle();
    network.kill('n1');
    const second = network.get(ASKED, 'k', 1);
    network.settle();
    expect([only(first), only(second)]).toEqual([read('v'), NOTHING]);
  });

  it('holds for a tombstone too', () => {
    const network = threeNodes();
    for (const name of [ASKED, SPARED]) network.plant(name, 'k', 'old', DB);
    network.nowMs += 1000;
    expect(readTwice(network, DB, undefined)).toEqual([NOTHING, NOTHING]);
  });

  it('sends nothing and waits for nobody where R replicas hold the newest version', () => {
    const network = threeNodes();
    network.set('n1', 'k', 'v', DB);
    network.settle();
    network.sent.length = 0;
    const told = network.get('n1', 'k', DB);
    network.settle();
    expect(only(told)).toEqual(read('v'));
    expect(network.sent).toHaveLength(2);
    const nothing = network.get('n1', 'l', DB);
    network.settle();
    expect(only(nothing)).toEqual(NOTHING);
    expect(network.node('n1').counters.blockingRepairs).toBe(0);
  });

  it('answers what it has brought to R replicas, not what came to this one meanwhile', () => {
    const network = threeNodes();
    network.plant('n1', 'k', 'v', DB);
    network.hold(({ type }) => type === 'replicated');
    const told = network.get('n1', 'k', DB);
    network.settle();
    network.nowMs += 1000;
    network.plant('n1', 'k', 'newer', DB);
    network.release();
    expect(only(told)).toEqual(read('v'));
  });

  it('takes a replica that is ahead by now for one that holds it', () => {
    const network = threeNodes();
    network.drop(about(SPARED));
    network.plant('n1', 'k', 'v', DB);
    network.hold(({ type }) => type === 'replicate');
    const told = network.get('n1', 'k', DB);
    network.settle();
    network.nowMs += 1000;
    network.plant(ASKED, 'k', 'newer', DB);
    network.release();
    expect(only(told)).toEqual(read('v'));
    expect(network.node('n1').counters.restamps).toBe(0);
  });

  it('does not count what a refilling replica holds', () => {
    const network = threeNodes();
    network.drop(({ type }) => type.startsWith('sync'));
    network.restartEmpty(ASKED);
    network.plant('n1', 'k', 'v', DB);
    network.drop(
      ({ from, to, type }) => type.startsWith('sync') || (from === 'n1' && to === SPARED && type === 'replicate'),
    );
    const told = network.get('n1', 'k', DB);
    network.advance(400);
    expect(told).toEqual([]);
    network.advance(200);
    expect(only(told).status).toBe('unavailable');
  });

  it('that brings it to too few in time answers UNAVAILABLE, in the time that a read has', () => {
    const network = threeNodes();
    network.plant('n1', 'k', 'v', DB);
    network.drop(({ type }) => type === 'replicate');
    const told = network.get('n1', 'k', DB);
    network.advance(480);
    expect(told).toEqual([]);
    network.advance(60);
    expect(only(told)).toEqual({ status: 'unavailable', reason: '1 of 2 replicas acknowledged in 500 ms' });
    expect(network.node('n1').counters.unavailable).toBe(1);
  });
});

describe('A read with blocking repair while its slot moves', () => {
  /**
   * The slot's owners are two that stay and one that leaves, and n4 is to own it. A write has reached one that stays and the one that leaves,
   * nobody was told of it, and its coordinator is lost after it was read. Then the ring turns.
   *
   * @param knows whether the one that leaves, which reads, has heard of the change; if not n4 has not waited for it, whom it held dead.
   */
  function readBeforeAndAfter(knows: boolean) {
    const repairing = { ...QUORUM, readRepair: 'blocking' } as const;
    const network = new TestNetwork({ nodes: 3, keyspaces: [repairing], antiEntropy: { intervalMs: 600_000 } });
    const merge = withMember(network.topology, network.member('n4'));
    const probe = joining();
    probe.network.adopt(probe.merge);
    const { key, leaves, stays } = movingKey(probe.network);
    const [lost, other] = stays;
    network.adopt(merge, knows ? undefined : [lost, other, 'n4']);
    network.node('n4').cluster.peerOf(leaves)!.alive = knows;
    network.advance(5_000);
    expect(network.node('n4').cluster.progress().left).toBe(0);
    network.drop(({ from, to, type }) => type === 'replicate' && from === lost && to !== leaves);
    const written = network.set(lost, key, 'v');
    network.settle();
    expect([written, network.valueAt(leaves, key), network.valueAt('n4', key)]).toEqual([[], 'v', undefined]);
    network.node(leaves).cluster.peerOf(other)!.suspect = true;
    const before = network.get(leaves, key);
    network.settle();
    const early = [...before];
    network.adopt(merge, knows ? [] : [leaves]);
    // Who was not answered asks again.
    if (early.length === 0) network.advance(120);
    network.kill(lost);
    network.drop(() => false);
    network.adopt(advanced(merge), [leaves, other, 'n4']);
    const after = network.get(other, key);
    network.settle();
    return { early, before: only(before), after: only(after) };
  }

  it('is answered when R on the other side hold what it found, too: reads go there when the ring has turned', () => {
    expect(readBeforeAndAfter(true)).toEqual({ early: [read('v')], before: read('v'), after: read('v') });
  });

  it('by a node that has not heard of the change is answered by none that has', () => {
    expect(readBeforeAndAfter(false)).toEqual({ early: [], before: read('v'), after: read('v') });
  });

  it('might find what the next does not if it were', () => {
    const takesReads = vi.spyOn(Keyspace.prototype, 'takesReads');
    takesReads.mockImplementation(function (this: Keyspace, slot, epoch) {
      return this.placement.takesReads(slot, epoch);
    });
    const reads = readBeforeAndAfter(false);
    takesReads.mockRestore();
    expect(reads).toEqual({ early: [read('v')], before: read('v'), after: NOTHING });
  });
});

describe('A planted bug: a blocking repair that does not wait', () => {
  it('finds a value and then nothing', () => {
    const spread = vi.spyOn(WriteCoordinator.prototype, 'spread');
    spread.mockImplementation((...args) => args[6].complete({ status: 'written', applied: true, before: undefined }));
    expect(readTwice(threeNodes(), DB, 'v')).toEqual([read('v'), NOTHING]);
    spread.mockRestore();
  });
});

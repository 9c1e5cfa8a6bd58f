import { describe, expect, it, vi } from 'vitest';
import { slotOf } from '../../src/lib/slots.ts';
import { advanced } from '../../src/membership/topology.ts';
import { Placement } from '../../src/replication/placement.ts';
import { DB, joining, movingKey, stillKey } from './joining.ts';
import { between, only, QUORUM, read, TestNetwork, type Told, WRITTEN } from './test-network.ts';

/** A member that goes from epoch to epoch, and which of them it takes writes and reads of. */
function atEachEpoch(keyOf: (network: TestNetwork) => string, isOwner: 'stays' | 'leaves' = 'stays') {
  const { network, merge, pass, done } = joining();
  const probe = joining();
  probe.network.adopt(probe.merge);
  const { leaves, stays } = movingKey(probe.network);
  const name = isOwner === 'stays' ? stays[0] : leaves;
  const slot = slotOf(Buffer.from(keyOf(probe.network)));
  return [merge, pass, done].map(topology => {
    network.adopt(topology);
    const { placement } = network.keyspace(name, DB);
    const epochs = Array.from({ length: topology.epoch }, (_, i) => i + 1);
    return {
      writes: epochs.filter(epoch => placement.takesWrites(slot, epoch)),
      reads: epochs.filter(epoch => placement.takesReads(slot, epoch)),
    };
  });
}

describe('An owner that stays one takes of a slot that moves', () => {
  const [merging, passing, settled] = atEachEpoch(network => movingKey(network).key);

  it('while it merges: no writes of before, which have gone to the old owners only, but reads, which ask the same', () => {
    expect(merging).toEqual({ writes: [2], reads: [1, 2] });
  });

  it('while it passes: the writes of the merge, which have gone to both sides, but no reads of before it turned', () => {
    expect(passing).toEqual({ writes: [2, 3], reads: [3] });
  });

  it('afterwards: the writes since the merge, and the reads since it turned', () => {
    expect(settled).toEqual({ writes: [2, 3, 4], reads: [3, 4] });
  });

  it('and of one that does not move what was sent at any epoch', () => {
    expect(atEachEpoch(stillKey).at(-1)).toEqual({ writes: [1, 2, 3, 4], reads: [1, 2, 3, 4] });
  });

  it('and nothing when it has missed an epoch but what is of the present one', () => {
    const { network, pass } = joining();
    const probe = joining();
    probe.network.adopt(probe.merge);
    const { key, stays } = movingKey(probe.network);
    network.adopt(pass, [stays[0]]);
    const { placement } = network.keyspace(stays[0], DB);
    const slot = slotOf(Buffer.from(key));
    expect([2, 3].map(epoch => placement.takesWrites(slot, epoch))).toEqual([false, true]);
    expect([2, 3].map(epoch => placement.takesReads(slot, epoch))).toEqual([false, true]);
  });
});

describe('An owner that is to be none any more', () => {
  it('is sent writes until the change is over, and reads until it turns', () => {
    expect(atEachEpoch(network => movingKey(network).key, 'leaves')).toEqual([
      { writes: [2], reads: [1, 2] },
      { writes: [2, 3], reads: [] },
      { writes: [], reads: [] },
    ]);
  });
});

describe('A read of an owner that has not turned', () => {
  /**
   * The slot's owners are A, B and C, and n4 owns it instead of C. A and B have turned, which is enough, and for B and n4 the change is
   * over: a write by B is acknowledged by n4. C has yet to turn, and reads from A.
   */
  function staleRead() {
    const { network, merge, pass, done } = joining();
    network.adopt(merge);
    network.advance(5_000);
    const { key, stays, leaves } = movingKey(network);
    network.adopt(pass, [...stays, 'n4']);
    expect(network.node(stays[0]).cluster.mayEnd(new Set(stays))).toBe(true);
    network.adopt(done, [stays[1], 'n4']);
    network.drop(between(stays[1], stays[0]));
    const written = network.set(stays[1], key, 'v');
    network.settle();
    network.drop(between(stays[1], leaves));
    const found = network.get(leaves, key);
    network.settle();
    const early = [...found];
    network.adopt(pass, [leaves]);
    network.settle();
    return { written: only(written), early, found: only(found) };
  }

  it('is answered by none that has', () => {
    expect(staleRead()).toEqual({ written: WRITTEN, early: [], found: read('v') });
  });

  it('would miss what is acknowledged if it were', () => {
    const takesReads = vi.spyOn(Placement.prototype, 'takesReads').mockReturnValue(true);
    const { written, early } = staleRead();
    takesReads.mockRestore();
    expect({ written, early }).toEqual({ written: WRITTEN, early: [read(undefined)] });
  });
});

describe('An operation that everyone has declined who owns its slot', () => {
  /** Only n4 owns the key's slot by the ring that one node goes by already, and n4 does not. */
  function declined(run: (network: TestNetwork, ahead: string, key: string) => readonly Told[]) {
    const alone = { ...QUORUM, replicas: 1, read: 'one', write: 'one' } as const;
    const network = new TestNetwork({ nodes: 3, keyspaces: [alone] });
    const { merge } = joining();
    network.adopt(merge);
    const { key, leaves } = movingKey(network);
    network.set(leaves, key, 'old');
    network.advance(5_000);
    const ahead = ['n1', 'n2', 'n3'].find(name => name !== leaves)!;
    network.adopt(advanced(merge), [ahead]);
    const told = run(network, ahead, key);
    network.advance(250);
    expect(told).toEqual([]);
    network.adopt(advanced(merge), ['n4']);
    network.advance(120);
    return { told: only(told), held: network.valueAt('n4', key) };
  }

  it('is offered again until one of them has caught up with who has handed it on', () => {
    const write = declined((network, ahead, key) => network.set(ahead, key, 'v'));
    expect(write).toEqual({ told: WRITTEN, held: 'v' });
  });

  it('is, if it is a read, not taken to be waited for because it has been asked', () => {
    expect(declined((network, ahead, key) => network.get(ahead, key)).told).toEqual(read('old'));
  });
});

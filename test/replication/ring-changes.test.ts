import { describe, expect, it, vi } from 'vitest';
import { SLOT_COUNT, slotOf } from '../../src/lib/slots.ts';
import { advanced, withMember, withoutMember } from '../../src/membership/topology.ts';
import { Placement } from '../../src/replication/placement.ts';
import { DB, finish, joining, movingKey, stillKey } from './joining.ts';
import { about, between, EVENTUAL, ofType, only, read, setTo, TestNetwork, WRITTEN } from './test-network.ts';

describe('A write to a slot that moves', () => {
  it('needs W among those who own it and among those who will', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    const { key, stays } = movingKey(network);
    for (const name of [stays[1], 'n4']) network.kill(name);
    expect(only(network.set(stays[0], key, 'one'))).toEqual({
      status: 'unavailable',
      reason: '1 of 2 replicas are alive',
    });
  });

  it('is not acknowledged by the old owners alone', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    const { key, stays, leaves } = movingKey(network);
    network.drop(message => about('n4')(message) || about(stays[1])(message));
    const told = network.set(stays[0], key, 'v');
    network.advance(300);
    expect(told).toEqual([]);
    expect(network.valueAt(leaves, key)).toBe('v');
    network.drop(about(stays[1]));
    network.advance(200);
    expect(only(told)).toEqual(WRITTEN);
  });

  it('at W=1 is acknowledged by one that stays, and by one that does not only with one on the other side', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    const { key, stays, leaves } = movingKey(network);
    const keyspace = network.keyspace(stays[0], 0);
    expect(
      network.node(stays[0]).cluster.setHere(keyspace, slotOf(Buffer.from(key)), Buffer.from(key), Buffer.from('v')),
    ).toBe(true);
    network.hold(() => true);
    const told = network.set(leaves, key, 'w', 0);
    expect([
      told,
      network
        .node(leaves)
        .cluster.setHere(network.keyspace(leaves, 0), slotOf(Buffer.from(key)), Buffer.from(key), Buffer.from('v')),
    ]).toEqual([[], false]);
    network.release();
    expect(only(told)).toEqual(WRITTEN);
  });

  it('that was begun before the change needs those who will own it, too', () => {
    const { network, merge } = joining();
    const probe = new TestNetwork({ nodes: 3 });
    probe.adopt(merge);
    const { key, stays } = movingKey(probe);
    network.drop(ofType('replicated'));
    const told = network.set(stays[0], key, 'v');
    network.adopt(merge);
    network.drop(message => message.type === 'replicated' && message.from !== 'n4');
    network.advance(120);
    expect(told).toEqual([]);
    network.drop(() => false);
    network.advance(120);
    expect(only(told)).toEqual(WRITTEN);
    expect(network.valueAt('n4', key)).toBe('v');
  });
});

describe('A write in a ring of one that is to be a ring of three others', () => {
  it('says how many of the three have acknowledged, and how many live', () => {
    const network = new TestNetwork({ nodes: 1, antiEntropy: { intervalMs: 600_000 } });
    let { topology } = network;
    for (const name of ['n2', 'n3', 'n4']) topology = withMember(topology, network.member(name));
    topology = withoutMember(topology, 'n1', false);
    network.adopt(topology);
    network.drop(ofType('replicated'));
    const told = network.set('n1', 'k', 'v');
    network.advance(600);
    expect(only(told)).toEqual({ status: 'unavailable', reason: '0 of 2 replicas acknowledged in 500 ms' });
    for (const name of ['n2', 'n3']) network.kill(name);
    expect(only(network.set('n1', 'k', 'v'))).toEqual({ status: 'unavailable', reason: '1 of 2 replicas are alive' });
  });
});

describe('A write during which a join is called off', () => {
  it('does not count what the newcomer has acknowledged when that comes anew', () => {
    const { network, merge } = joining();
    const probe = new TestNetwork({ nodes: 3 });
    probe.adopt(merge);
    const { key, stays, leaves } = movingKey(probe);
    network.adopt(merge);
    network.drop(({ type, from }) => type === 'replicated' && from !== 'n4');
    const told = network.set(stays[0], key, 'v');
    network.advance(20);
    expect(network.valueAt('n4', key)).toBe('v');
    const off = withoutMember(merge, 'n4', false);
    network.adopt(off);
    network.drop(({ type, from }) => type === 'replicated' && from !== leaves);
    network.adopt(withMember(off, network.member('n4')));
    network.advance(150);
    expect(told).toEqual([]); // two owners have it, and of the other side the coordinator alone is known to
    network.drop(() => false);
    network.advance(150);
    expect(only(told)).toEqual(WRITTEN);
  });
});

describe('A write whose coordinator has come to own its slot no more', () => {
  it('is handed to one that does while it only looks at what is there', () => {
    const { network, merge, pass } = joining();
    network.adopt(merge);
    network.advance(3_000);
    const { key, stays, leaves } = movingKey(network);
    network.drop(ofType('readReply'));
    const told = network.write(leaves, key, setTo('v', { condition: 'absent' }));
    network.settle();
    network.drop(() => false);
    network.adopt(pass);
    network.settle();
    expect(only(told)).toEqual(WRITTEN);
    for (const name of [...stays, 'n4']) expect(network.valueAt(name, key)).toBe('v');
  });

  it('ends with an error when a replica is ahead of it: it has nothing to stamp above', () => {
    const { network, merge, pass, done } = joining();
    network.adopt(merge);
    network.advance(3_000);
    const { key, stays, leaves } = movingKey(network);
    network.drop(({ from }) => from === leaves);
    const told = network.set(leaves, key, 'first');
    network.advance(10);
    expect(only(network.set(stays[0], key, 'later', DB, 1))).toEqual(WRITTEN);
    network.adopt(pass);
    network.adopt(done);
    network.drop(() => false);
    network.advance(200);
    expect(only(told)).toEqual({ status: 'unavailable', reason: 'the slot has moved' });
    expect(network.valueAt(stays[0], key)).toBe('later');
  });
});

describe('A member that is forgotten while it leaves', () => {
  it('is not waited for any more by those who are refilling, or are to own what it had', () => {
    const network = new TestNetwork({ nodes: 4 });
    const leaving = withoutMember(network.topology, 'n2', false);
    network.adopt(leaving);
    network.kill('n2');
    network.kill('n3');
    network.restartEmpty('n3');
    network.advance(30_000);
    const { cluster } = network.node('n3');
    expect(cluster.refillingSlots).toBeGreaterThan(0);
    network.adopt(withoutMember(leaving, 'n2', true));
    network.advance(30_000);
    expect([
      cluster.refillingSlots,
      ...['n1', 'n3', 'n4'].map(name => network.node(name).cluster.progress().left),
    ]).toEqual([0, 0, 0, 0]);
  });
});

describe('A ring of fewer members than N that grows', () => {
  function growing(from: number) {
    const network = new TestNetwork({ nodes: from, antiEntropy: { intervalMs: 600_000 } });
    const names = ['n2', 'n3'].slice(from - 1);
    const merge = names.reduce((topology, name) => withMember(topology, network.member(name)), network.topology);
    return { network, merge };
  }

  it('has W of the many acknowledge, also where one was enough before', () => {
    const { network, merge } = growing(1);
    network.adopt(merge);
    const key = Buffer.from('k');
    const { cluster } = network.node('n1');
    expect(cluster.setHere(network.keyspace('n1', DB), slotOf(key), key, Buffer.from('v'))).toBe(false);
    network.drop(ofType('replicated'));
    const told = network.set('n1', 'k', 'v');
    network.advance(100);
    expect(told).toEqual([]);
    network.drop(() => false);
    network.advance(200);
    expect(only(told)).toEqual(WRITTEN);
  });

  it('has R of the many answer a read that was begun with the few', () => {
    const { network, merge } = growing(2);
    network.set('n1', 'k', 'v');
    network.settle();
    network.drop(ofType('readReply'));
    const told = network.get('n1', 'k', DB, 'all');
    network.adopt(merge);
    network.adopt(advanced(merge));
    network.drop(message => message.type === 'readReply' && message.from === 'n3');
    network.advance(150);
    expect(told).toEqual([]);
    network.drop(() => false);
    network.advance(150);
    expect(only(told)).toEqual(read('v'));
  });
});

describe('A read from a slot that moves', () => {
  it('goes to the old owners until the ring turns, then to the new ones', () => {
    const { network, merge, pass } = joining();
    network.adopt(merge);
    const { key, stays } = movingKey(network);
    network.set(stays[0], key, 'v');
    network.settle();
    network.sent.length = 0;
    const before = network.get(stays[0], key);
    network.settle();
    expect(only(before)).toEqual(read('v'));
    expect(network.sent.filter(({ type, to }) => type === 'read' && to === 'n4')).toEqual([]);
    network.advance(3_000);
    network.adopt(pass);
    network.kill(stays[1]);
    network.sent.length = 0;
    const after = network.get(stays[0], key);
    network.settle();
    expect(only(after)).toEqual(read('v'));
    expect(network.sent.filter(({ type }) => type === 'read').map(({ to }) => to)).toEqual(['n4']);
  });

  it('that is under way when it turns asks the new ones, and is handed to them where this node owns it no more', () => {
    const { network, merge, pass } = joining();
    network.adopt(merge);
    network.advance(3_000);
    const { key, stays, leaves } = movingKey(network);
    network.set(stays[0], key, 'v');
    network.settle();
    network.drop(ofType('readReply'));
    const there = network.get(stays[0], key);
    const gone = network.get(leaves, key);
    network.settle();
    network.drop(() => false);
    network.sent.length = 0;
    network.adopt(pass);
    network.settle();
    expect([only(there), only(gone)]).toEqual([read('v'), read('v')]);
    expect(network.sent.filter(ofType('forward'))).toHaveLength(1);
    expect(network.node(leaves).counters.unavailable).toBe(0);
  });

  it('that another node has handed on is handed on once more, when the one that coordinates it owns the slot no more', () => {
    const { network, merge, pass } = joining();
    network.adopt(merge);
    network.advance(3_000);
    const { key, stays } = movingKey(network);
    network.set(stays[0], key, 'v');
    network.settle();
    for (const name of stays) network.node('n4').cluster.peerOf(name)!.suspect = true;
    network.drop(ofType('readReply'));
    const told = network.get('n4', key);
    network.settle();
    network.drop(() => false);
    network.adopt(pass, ['n1', 'n2', 'n3']);
    network.settle();
    expect(only(told)).toEqual(read('v'));
  });
});

describe('A request of an earlier epoch', () => {
  it('is refused where the slot has changed, and where it has not it is as good as any', () => {
    const { network, merge } = joining();
    network.adopt(merge, ['n1', 'n2', 'n4']);
    const { key } = movingKey(network);
    const still = stillKey(network);
    const [refused, taken] = [network.set('n3', key, 'v'), network.set('n3', still, 'v')];
    network.settle();
    expect(refused).toEqual([]);
    expect(only(taken)).toEqual(WRITTEN);
    expect([network.valueAt('n1', key), network.valueAt('n1', still)]).toEqual([undefined, 'v']);
    expect(network.epochsSeen).toContainEqual({ node: 'n1', from: 'n3', epoch: 1 });
    network.adopt(merge, ['n3']);
    network.advance(120);
    expect(only(refused)).toEqual(WRITTEN);
  });

  /**
   * The slot's owners are A, B and C, and n4 is to own it instead of C. n4 has merged it from A and B. C, which n4 holds to be dead, has not heard of the change: it
   * writes, with A's acknowledgement and its own, by the old ring. Then the ring turns, and A is lost.
   */
  function staleWrite() {
    const { network, merge, pass, done } = joining();
    const names = ['n1', 'n2', 'n3', 'n4'];
    const probe = new TestNetwork({ nodes: 3 });
    probe.adopt(merge);
    const { key, leaves, stays } = movingKey(probe);
    const others = names.filter(name => name !== leaves);
    network.adopt(merge, others);
    network.node('n4').cluster.peerOf(leaves)!.alive = false;
    network.advance(5_000);
    expect(network.node('n4').cluster.progress().left).toBe(0);
    network.drop(between(leaves, stays[1]));
    const written = network.set(leaves, key, 'v');
    network.settle();
    const wasAcknowledged = written.length === 1;
    network.drop(about(leaves));
    for (const topology of [pass, done]) network.adopt(topology, others);
    network.kill(stays[0]);
    const found = network.get(stays[1], key);
    network.settle();
    return { wasAcknowledged, found: only(found) };
  }

  it('is not acknowledged by one that a new owner has merged the slot from', () => {
    expect(staleWrite().wasAcknowledged).toBe(false);
  });

  it('would be lost if it were: an old epoch that is accepted', () => {
    const takesWrites = vi.spyOn(Placement.prototype, 'takesWrites').mockReturnValue(true);
    const { wasAcknowledged, found } = staleWrite();
    takesWrites.mockRestore();
    expect({ wasAcknowledged, found }).toEqual({ wasAcknowledged: true, found: read(undefined) });
  });

  it('is refused for every slot by a node that has missed an epoch', () => {
    const { network, merge, pass } = joining();
    network.adopt(merge, ['n1', 'n4']);
    const still = stillKey(network);
    network.adopt(pass, ['n2']);
    const refused = network.set('n3', still, 'v');
    network.settle();
    expect(network.valueAt('n2', still)).toBeUndefined();
    expect(network.valueAt('n1', still)).toBe('v');
    expect(only(refused)).toEqual(WRITTEN);
  });

  it('to coordinate is declined by a node that owns the slot no more, and goes to one that does', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    const done = finish(network, merge);
    const next = withoutMember(done, 'n1', false);
    const steps = [next, advanced(next), advanced(advanced(next))];
    // n2 does not know that n1 has left, and asks it for a slot that n2 does not own.
    const slotKey = (() => {
      for (let i = 0; ; i++) {
        const { placement } = network.keyspace('n2', DB);
        const slot = slotOf(Buffer.from(`key:${i}`));
        const [first] = placement.replicasOf(slot);
        if (first!.name === 'n1' && !placement.isHeldHere(slot)) return `key:${i}`;
      }
    })();
    for (const step of steps) network.adopt(step, ['n1', 'n3', 'n4']);
    const told = network.set('n2', slotKey, 'v');
    network.advance(400);
    expect(only(told)).toEqual(WRITTEN);
    expect(network.node('n1').counters.misdirected).toBeGreaterThan(0);
  });
});

describe('A change', () => {
  it('passes no sooner than everyone has merged, and ends when no quorum of old owners is left that has not turned', () => {
    const { network, merge, pass } = joining();
    network.adopt(merge);
    expect(network.node('n1').cluster.arrivers()).toEqual(new Set(['n4']));
    network.adopt(pass);
    const { cluster } = network.node('n1');
    expect(['n1', 'n2', 'n3'].map(name => cluster.mayEnd(new Set([name])))).toEqual([false, false, false]);
    expect(cluster.mayEnd(new Set(['n1', 'n2']))).toBe(true);
    expect(cluster.mayEnd(new Set(['n1', 'n4']))).toBe(false);
  });

  it('to fewer owners has those that stay merge, too', () => {
    const network = new TestNetwork({ nodes: 3 });
    const merge = withoutMember(network.topology, 'n3', false);
    network.adopt(merge);
    expect(network.node('n1').cluster.arrivers()).toEqual(new Set(['n1', 'n2']));
    finish(network, merge);
    expect(network.keyspace('n1', DB).placement.replicaCount).toBe(2);
  });

  it('has put the new lists in force when operations end whose peer is gone with it', () => {
    const network = new TestNetwork({ nodes: 4 });
    const { cluster } = network.node('n1');
    const heard: [name: string, linked: boolean, epochsBehind: number][] = [];
    vi.spyOn(cluster.forwarder, 'onLinkDown').mockImplementation(({ name, linked }) => {
      heard.push([name, linked, cluster.context.epoch - network.keyspace('n1', DB).placement.epoch]);
    });
    const merge = withoutMember(network.topology, 'n4', true);
    for (const topology of [merge, advanced(merge), advanced(advanced(merge))]) network.adopt(topology, ['n1']);
    expect(heard).toEqual([['n4', false, 0]]);
  });

  it('that is called off leaves the old owners, and the newcomer nothing', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    const { key, stays } = movingKey(network);
    const off = withoutMember(merge, 'n4', false);
    network.adopt(off, ['n1', 'n2', 'n3']);
    const told = network.set(stays[0], key, 'v');
    network.settle();
    expect(only(told)).toEqual(WRITTEN);
    expect(network.node('n1').cluster.peers.map(({ name }) => name)).toEqual(['n1', 'n2', 'n3']);
  });
});

describe('Hints', () => {
  it('for a node that is sent the slot no more are void, and those for one that is wait', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    const { key, leaves, stays } = movingKey(network);
    network.refuse(message => message.to === leaves || message.to === stays[1]);
    network.set(stays[0], key, 'v', DB, 1);
    network.settle();
    const { hints } = network.node(stays[0]).cluster;
    const owed = () =>
      hints.peersOwed(
        network.keyspace(stays[0], DB),
        slotOf(Buffer.from(key)),
        network.keyspace(stays[0], DB).store.hashOf(Buffer.from(key)),
      );
    expect([...owed()].sort()).toEqual([leaves, stays[1]].sort());
    network.adopt(advanced(merge));
    network.adopt(advanced(advanced(merge)));
    expect(owed()).toEqual([stays[1]]);
  });

  it('are judged little by little, none of them in the turn in which the ring changes', () => {
    const network = new TestNetwork({ nodes: 3, keyspaces: [EVENTUAL], hints: { maxBytes: 16 << 20 } });
    const { cluster } = network.node('n1');
    const keyspace = network.keyspace('n1', 0);
    const n3 = cluster.peerOf('n3')!;
    network.kill('n3');
    for (let hash = 0; hash < 100_000; hash++) cluster.hints.note(n3, keyspace, hash % SLOT_COUNT, hash);
    const before = cluster.hints.byteLength;
    const merge = withMember(network.topology, network.member('n4'));
    const isAsked = vi.spyOn(Placement.prototype, 'writersOf');
    for (const topology of [merge, advanced(merge), advanced(advanced(merge))]) network.adopt(topology, ['n1']);
    const asked = () => isAsked.mock.calls.length;
    expect([asked(), cluster.hints.size]).toEqual([0, 100_000]);
    cluster.hints.tick();
    expect(asked()).toBeGreaterThan(4_000);
    expect(asked()).toBeLessThanOrEqual(4 * 8_192);
    for (let i = 0; i < 5; i++) cluster.hints.tick();
    isAsked.mockRestore();
    const { placement } = keyspace;
    const isOwed = (slot: number) => placement.isWrittenHere(slot) && placement.writersOf(slot).includes(n3);
    const owed = Array.from({ length: 100_000 }, (_, hash) => isOwed(hash % SLOT_COUNT)).filter(Boolean).length;
    expect([cluster.hints.size, owed < 60_000]).toEqual([owed, true]);
    expect(cluster.hints.byteLength).toBeLessThan(before);
  });

  it('for a node that is no member any more are forgotten', () => {
    const network = new TestNetwork({ nodes: 4, keyspaces: [EVENTUAL] });
    const { cluster } = network.node('n1');
    network.kill('n4');
    for (let i = 0; i < 20; i++) network.set('n1', `key:${i}`, 'v', 0);
    expect(cluster.hints.size).toBeGreaterThan(0);
    const merge = withoutMember(network.topology, 'n4', true);
    for (const topology of [merge, advanced(merge), advanced(advanced(merge))]) network.adopt(topology, ['n1']);
    expect([cluster.hints.size, cluster.hints.byteLength]).toEqual([0, 0]);
  });

  it('are not made for itself by a former owner that stamps a write again', () => {
    const { network, merge, pass } = joining();
    network.adopt(merge);
    network.advance(3_000);
    const { key, stays, leaves } = movingKey(network);
    network.drop(({ from }) => from === leaves);
    const told = network.set(leaves, key, 'first');
    network.advance(10);
    expect(only(network.set(stays[0], key, 'later', DB, 1))).toEqual(WRITTEN);
    network.adopt(pass);
    network.drop(() => false);
    network.advance(200);
    expect(only(told)).toEqual(WRITTEN);
    expect(network.node(leaves).counters.restamps).toBeGreaterThan(0);
    expect([network.node(leaves).cluster.hints.size, network.node(leaves).cluster.hints.keepsAny]).toEqual([0, false]);
  });

  it('and tombstones wait while the ring changes', () => {
    const { network, merge } = joining();
    network.write('n1', 'k', setTo('v'));
    network.settle();
    network.del('n1', 'k');
    network.adopt(merge);
    network.advance(30_000);
    expect(network.keyspace('n1', DB).store.tombstoneCount).toBe(1);
    finish(network, merge);
    network.advance(30_000);
    expect(network.keyspace('n1', DB).store.tombstoneCount).toBe(0);
  });
});

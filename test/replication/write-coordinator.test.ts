import { describe, expect, it } from 'vitest';
import { NEVER } from '../../src/store/record.ts';
import { about, between, EVENTUAL, ofType, only, QUORUM, read, setTo, TestNetwork, WRITTEN } from './test-network.ts';

const ALL = ['n1', 'n2', 'n3'];

describe('A write (DESIGN §5)', () => {
  it('is stamped by its coordinator and sent to the other replicas', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n2', 'k', 'v');
    network.settle();
    const held = ALL.map(name => network.heldAt(name, 'k')!);
    expect(ALL.map(name => network.valueAt(name, 'k'))).toEqual(['v', 'v', 'v']);
    expect(new Set(held.map(record => record.dot.stamp)).size).toBe(1);
    const { actors } = network.node('n1').cluster.context;
    expect(actors.nameOf(held[0]!.dot.actor)).toMatch(/^n2\./);
    expect(network.sent.filter(ofType('replicate'))).toHaveLength(2);
  });

  it('is answered at W acknowledgements, the own one included, and not before', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.hold(ofType('replicated'));
    const two = network.set('n1', 'k', 'v');
    const three = network.set('n1', 'l', 'v', 1, 3);
    network.settle();
    expect([two, three]).toEqual([[], []]);
    network.drop(message => message.from === 'n3');
    network.release();
    expect(only(two)).toEqual(WRITTEN);
    expect(three).toEqual([]);
    network.drop(() => false);
    network.advance(200);
    expect(only(three)).toEqual(WRITTEN);
  });

  it('at W=1 is answered at once and goes to the other replicas behind the reply, with no acknowledgement', () => {
    const network = new TestNetwork({ nodes: 3 });
    expect(only(network.set('n1', 'k', 'v', 0))).toEqual(WRITTEN);
    network.settle();
    expect(ALL.map(name => network.valueAt(name, 'k', 0))).toEqual(['v', 'v', 'v']);
    expect(network.sent.filter(ofType('replicated'))).toHaveLength(0);
  });

  it('counts each replica once, however many copies of its acknowledgement arrive', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.drop(about('n3'));
    const told = network.set('n1', 'k', 'v', 1, 3);
    network.settle({ copies: 3 });
    network.advance(300, { copies: 3 });
    expect(told).toEqual([]);
  });

  it('is sent again to a replica that has not answered, and only to that one', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.drop(between('n1', 'n3', 'replicate'));
    const told = network.set('n1', 'k', 'v', 1, 3);
    network.settle();
    network.drop(() => false);
    network.sent.length = 0;
    network.advance(100);
    expect(only(told)).toEqual(WRITTEN);
    expect(network.sent.filter(ofType('replicate')).map(message => message.to)).toEqual(['n3']);
    expect(network.node('n1').counters.resends).toBe(1);
  });

  it('that too few acknowledge in time answers UNAVAILABLE with the numbers, and may yet appear', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.drop(ofType('replicated'));
    const told = network.set('n1', 'k', 'v');
    network.advance(480);
    expect(told).toEqual([]);
    network.advance(20);
    expect(only(told)).toEqual({ status: 'unavailable', reason: '1 of 2 replicas acknowledged in 500 ms' });
    expect(network.valueAt('n2', 'k')).toBe('v');
    expect(network.node('n1').counters.unavailable).toBe(1);
    expect(network.node('n1').cluster.coordinator.writes.pendingCount).toBe(0);
  });

  it('is refused at once, and leaves nothing behind, when fewer than W replicas live', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.kill('n2');
    network.kill('n3');
    const told = network.set('n1', 'k', 'v');
    expect(only(told)).toEqual({ status: 'unavailable', reason: '1 of 2 replicas are alive' });
    expect(network.heldAt('n1', 'k')).toBeUndefined();
  });

  it('is refused when too many wait already', () => {
    const network = new TestNetwork({ nodes: 3, limits: { maxPendingOperations: 2 } });
    network.drop(() => true);
    const told = ['a', 'b', 'c'].map(key => network.set('n1', key, 'v'));
    expect(told[2]).toEqual([{ status: 'unavailable', reason: '2 writes are waiting for replicas' }]);
    expect(told.slice(0, 2)).toEqual([[], []]);
  });

  it('of a value is refused above the memory limit of its keyspace; a deletion is not', () => {
    const network = new TestNetwork({ nodes: 3, keyspaces: [EVENTUAL, { ...QUORUM, maxMemoryBytes: 1 }] });
    const told = [network.set('n1', 'k', 'v'), network.set('n1', 'l', 'v')];
    network.settle();
    expect(told.map(only)).toContainEqual({
      status: 'refused',
      error: "OOM command not allowed when used memory > 'maxmemory'.",
    });
    network.del('n1', 'k');
    network.settle();
    expect(network.get('n1', 'k', 1, 1)).toEqual([read(undefined)]);
  });

  it('is not acknowledged by a node that is no replica of the key', () => {
    const network = new TestNetwork({ nodes: 4 });
    const [first] = network.replicasOf('k');
    const [stranger] = network.othersThan('k');
    network.drop(ofType('replicated'));
    const told = network.set(first!, 'k', 'v');
    network.settle();
    const answer = network.sent.find(ofType('replicated'))!;
    network.drop(() => false);
    network.deliverAgain({ ...answer, from: stranger! });
    expect(told).toEqual([]);
    network.deliverAgain(answer);
    expect(told).toEqual([WRITTEN]);
  });
});

describe('The least undelivered stamp', () => {
  it('is the least among the versions of undecided writes, and infinite when there are none', () => {
    const network = new TestNetwork({ nodes: 3 });
    const { coordinator } = network.node('n1').cluster;
    expect(coordinator.leastUndeliveredStamp()).toBe(Number.POSITIVE_INFINITY);
    network.hold(ofType('replicated'));
    network.set('n1', 'a', '1');
    const first = network.heldAt('n1', 'a')!.dot.stamp;
    network.set('n1', 'b', '2');
    expect(coordinator.leastUndeliveredStamp()).toBe(first);
    network.settle();
    network.release();
    expect(coordinator.leastUndeliveredStamp()).toBe(Number.POSITIVE_INFINITY);
  });

  it('of an undecided EXPIRE is that of the value, which travels along', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n1', 'k', 'v');
    network.settle();
    network.hold(ofType('replicated'));
    network.write('n1', 'k', { kind: 'expire', atMs: Number.MAX_SAFE_INTEGER, condition: 'always' });
    network.settle();
    const { dot, expiry } = network.heldAt('n1', 'k')!;
    expect(dot.stamp).toBeLessThan(expiry!.dot.stamp);
    expect(network.node('n1').cluster.coordinator.leastUndeliveredStamp()).toBe(dot.stamp);
  });
});

describe('A replica that holds a larger stamp', () => {
  it('answers behind, and the coordinator raises its clock and stamps again, so that the later write wins', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.node('n1').wallOffsetMs = 60_000;
    // All that n2, which writes next, could know of the first write is lost.
    network.drop(about('n2'));
    const first = network.set('n1', 'k', 'first');
    network.settle();
    expect(only(first)).toEqual(WRITTEN);
    network.drop(between('n1', 'n2'));
    const second = network.set('n2', 'k', 'second');
    network.settle();
    expect(only(second)).toEqual(WRITTEN);
    expect(network.node('n2').counters.restamps).toBe(1);
    network.drop(() => false);
    network.advance(300);
    expect(ALL.map(name => network.valueAt(name, 'k'))).toEqual(['second', 'second', 'second']);
  });

  it('may hold an equal one, of another coordinator at the same moment: the write is stamped again all the same', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.kill('n3');
    const told = ['n1', 'n2'].map(name => network.set(name, 'k', name));
    network.settle();
    expect(told.map(only)).toEqual([WRITTEN, WRITTEN]);
    expect(network.node('n1').counters.restamps + network.node('n2').counters.restamps).toBe(1);
    expect(network.valueAt('n1', 'k')).toBe(network.valueAt('n2', 'k'));
  });

  it('has not acknowledged: without it the write stays below W', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.node('n3').wallOffsetMs = 60_000;
    network.plant('n3', 'k', 'newer');
    network.drop(message => about('n2')(message) || (message.type === 'replicated' && message.to === 'n1'));
    const told = network.set('n1', 'k', 'mine');
    network.settle();
    network.drop(about('n2'));
    const behind = network.sent.find(ofType('replicated'))!;
    // The answer "behind" alone, and then nothing from anyone.
    network.hold(() => true);
    network.deliverAgain(behind);
    expect(told).toEqual([]);
    expect(network.node('n1').counters.restamps).toBe(1);
    network.release();
    expect(only(told)).toEqual(WRITTEN);
    expect(network.valueAt('n3', 'k')).toBe('mine');
  });

  it('makes acknowledgements of the earlier stamp worthless', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.node('n3').wallOffsetMs = 60_000;
    network.plant('n3', 'k', 'newer');
    let sentToN2 = 0;
    network.hold(between('n2', 'n1', 'replicated'));
    network.drop(message => between('n1', 'n2', 'replicate')(message) && ++sentToN2 > 1);
    const told = network.set('n1', 'k', 'mine', 1, 3);
    network.settle();
    expect(network.node('n1').counters.restamps).toBe(1);
    // What n2 says now, it says of the first stamp.
    network.release();
    expect(told).toEqual([]);
    network.drop(() => false);
    network.advance(200);
    expect(only(told)).toEqual(WRITTEN);
  });

  it('makes those replicas acknowledge again that had acknowledged the earlier stamp', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.node('n3').wallOffsetMs = 60_000;
    network.plant('n3', 'k', 'newer');
    network.hold(between('n3', 'n1', 'replicated'));
    const told = network.set('n1', 'k', 'mine', 1, 3);
    network.settle();
    network.release();
    expect(only(told)).toEqual(WRITTEN);
    expect(ALL.map(name => network.valueAt(name, 'k'))).toEqual(['mine', 'mine', 'mine']);
  });

  it('is answered once: a copy of behind does not stamp a third time', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.node('n3').wallOffsetMs = 60_000;
    network.plant('n3', 'k', 'newer');
    network.set('n1', 'k', 'mine');
    network.settle({ copies: 2 });
    expect(network.node('n1').counters.restamps).toBe(1);
  });

  it('and has none of the write at W=1 sends the newer version back', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.node('n3').wallOffsetMs = 60_000;
    network.plant('n3', 'k', 'newer', 0);
    network.set('n1', 'k', 'mine', 0);
    network.settle();
    expect(network.valueAt('n1', 'k', 0)).toBe('newer');
  });
});

describe('Acknowledged writes', () => {
  it('win over those acknowledged before they began, whatever the clocks and however messages are ordered', () => {
    for (let seed = 1; seed <= 25; seed++) {
      const network = new TestNetwork({ nodes: 3 });
      ALL.forEach((name, i) => {
        network.node(name).wallOffsetMs = ((seed * (i + 3)) % 7) * 10_000;
      });
      let last = '';
      for (let i = 0; i < 8; i++) {
        network.drop(about(ALL[(seed + i) % 3]!));
        const value = `v${i}`;
        const told = network.set(ALL[(seed + i + 1 + (seed % 2)) % 3]!, 'k', value);
        network.settle({ copies: 2, seed: seed * 100 + i });
        if (told[0]?.status === 'written') last = value;
      }
      network.drop(() => false);
      const seen = network.get('n1', 'k');
      network.settle({ seed });
      expect([seed, only(seen)]).toEqual([seed, read(last)]);
    }
  });
});

describe('A conditional write', () => {
  it('looks first with R replicas: NX finds a value that its own coordinator has not', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.plant('n2', 'k', 'there');
    network.plant('n3', 'k', 'there');
    const told = network.write('n1', 'k', setTo('mine', { condition: 'absent', returnBefore: true }));
    network.settle();
    expect(only(told)).toEqual({ status: 'written', applied: false, before: 'there' });
    expect(network.valueAt('n1', 'k')).toBe('there');
  });

  it('keeps the expiry that the key has, with KEEPTTL, also when it is stamped again', () => {
    const network = new TestNetwork({ nodes: 3 });
    const expiryAtMs = 2_000_000_000_000;
    network.write('n1', 'k', setTo('a', { expiry: expiryAtMs }));
    network.settle();
    network.write('n2', 'k', setTo('b', { expiry: 'keep' }));
    network.settle();
    expect(network.heldAt('n3', 'k')!.expiry?.atMs).toBe(expiryAtMs);
    expect(network.valueAt('n3', 'k')).toBe('b');
  });

  it('that cannot look at R replicas answers UNAVAILABLE and writes nothing', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.kill('n2');
    network.kill('n3');
    const told = network.write('n1', 'k', setTo('mine', { condition: 'absent' }));
    expect(only(told)).toEqual({ status: 'unavailable', reason: '1 of 2 replicas can answer' });
    expect(network.heldAt('n1', 'k')).toBeUndefined();
  });
});

describe('EXPIRE', () => {
  it('reaches every replica as a register of its own, over the value it was set for', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n1', 'k', 'v');
    network.settle();
    const told = network.write('n2', 'k', { kind: 'expire', atMs: 2_000_000_000_000, condition: 'always' });
    network.settle();
    expect(only(told)).toMatchObject({ status: 'written', applied: true });
    for (const name of ALL) expect(network.heldAt(name, 'k')!.expiry?.atMs).toBe(2_000_000_000_000);
  });

  it('never puts an old value over a newer one', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n1', 'k', 'old', 0);
    network.settle();
    network.drop(about('n1'));
    network.advance(40);
    network.set('n2', 'k', 'new', 0);
    network.settle();
    network.drop(() => false);
    network.advance(40);
    network.write('n1', 'k', { kind: 'expire', atMs: 2_000_000_000_000, condition: 'always' }, 0);
    network.settle();
    expect(ALL.map(name => network.valueAt(name, 'k', 0))).toEqual(['new', 'new', 'new']);
    expect(network.heldAt('n2', 'k', 0)!.expiry).toBeUndefined();
  });

  it('repairs nothing behind the read that it begins with when all replicas were equal', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n1', 'k', 'v');
    network.settle();
    network.sent.length = 0;
    network.write('n1', 'k', { kind: 'expire', atMs: 2_000_000_000_000, condition: 'always' });
    network.settle();
    expect(network.node('n1').counters.readRepairs).toBe(0);
    expect(network.sent.filter(ofType('replicate'))).toHaveLength(2);
  });

  it('PERSIST takes it away everywhere', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.write('n1', 'k', setTo('v', { expiry: 2_000_000_000_000 }));
    network.settle();
    network.write('n2', 'k', { kind: 'expire', atMs: NEVER, condition: 'expiring' });
    network.settle();
    for (const name of ALL) expect(network.heldAt(name, 'k')!.expiry?.atMs).toBe(NEVER);
  });
});

describe('DEL', () => {
  it('stamps a tombstone at every replica', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n1', 'k', 'v');
    network.settle();
    const told = network.del('n2', 'k');
    network.settle();
    expect(only(told)).toMatchObject({ status: 'written', applied: true });
    expect(ALL.map(name => network.valueAt(name, 'k'))).toEqual([null, null, null]);
  });

  it.each([0, 1])('stamps none in keyspace %i when every replica said that it has nothing', db => {
    const network = new TestNetwork({ nodes: 3 });
    const told = network.del('n1', 'k', db);
    network.settle();
    expect(only(told)).toMatchObject({ status: 'written', applied: false });
    expect(ALL.map(name => network.valueAt(name, 'k', db))).toEqual([undefined, undefined, undefined]);
  });

  it.each([0, 1])('of nothing costs one round trip in keyspace %i, no waiting for a silent replica to be asked', db => {
    const network = new TestNetwork({ nodes: 3 });
    const told = network.del('n1', 'k', db);
    network.settle();
    expect(told).toHaveLength(1);
    expect(network.node('n1').counters.resends).toBe(0);
  });

  it.each([0, 1])('stamps one in keyspace %i when a replica was silent, since that one may have the key', db => {
    const network = new TestNetwork({ nodes: 3 });
    network.plant('n3', 'k', 'v', db);
    network.kill('n3');
    network.advance(40);
    const told = network.del('n1', 'k', db);
    network.advance(600);
    expect(only(told)).toMatchObject({ status: 'written', applied: false });
    expect(network.valueAt('n1', 'k', db)).toBe(null);
    network.node('n3').isUp = true;
    network.heal('n3', 'n1');
    network.heal('n3', 'n2');
    network.advance(1000);
    expect(ALL.map(name => network.valueAt(name, 'k', db))).toEqual([null, null, null]);
  });

  it('at R=1 finds and deletes a value that its coordinator has not', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.plant('n3', 'k', 'v', 0);
    const told = network.del('n1', 'k', 0);
    network.settle();
    expect(only(told)).toMatchObject({ status: 'written', applied: true });
    expect(ALL.map(name => network.valueAt(name, 'k', 0))).toEqual([null, null, null]);
  });
});

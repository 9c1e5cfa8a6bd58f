import { describe, expect, it } from 'vitest';
import { about, between, ofType, only, read, TestNetwork } from './test-network.ts';

const ALL = ['n1', 'n2', 'n3'];

describe('A read (DESIGN §5)', () => {
  it('waits for R replicas', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n1', 'k', 'v');
    network.settle();
    network.hold(ofType('readReply'));
    const told = network.get('n1', 'k');
    network.settle();
    expect(told).toEqual([]);
    network.release();
    expect(only(told)).toEqual(read('v'));
  });

  it('asks no more replicas than it needs', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n1', 'k', 'v');
    network.settle();
    network.sent.length = 0;
    network.get('n1', 'k');
    network.settle();
    expect(network.sent.map(message => message.type)).toEqual(['read', 'readReply']);
  });

  it('answers the newest of R, never by a vote on bytes', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.plant('n1', 'k', 'old');
    network.advance(40);
    network.plant('n2', 'k', 'old');
    network.advance(40);
    network.plant('n3', 'k', 'new');
    const told = network.get('n1', 'k', 1, 3);
    network.settle();
    expect(only(told)).toEqual(read('new'));
  });

  it('answers nil when the newest is a tombstone', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.plant('n1', 'k', 'old');
    network.advance(40);
    network.plant('n2', 'k', undefined);
    const told = network.get('n1', 'k', 1, 3);
    network.settle();
    expect(only(told)).toEqual(read(undefined));
  });

  it('does not answer a value that has expired, and answers its expiry while it has not', () => {
    const network = new TestNetwork({ nodes: 3 });
    const atMs = network.node('n1').cluster.context.clock.wallMs() + 100;
    network.plant('n2', 'k', 'v', 1, atMs);
    const before = network.get('n1', 'k', 1, 3);
    network.settle();
    expect(only(before)).toEqual({ status: 'read', value: 'v', expiryAtMs: atMs });
    network.advance(100);
    const after = network.get('n1', 'k', 1, 3);
    network.settle();
    expect(only(after)).toEqual(read(undefined));
  });

  it('counts each replica once, however many copies of its answer arrive', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.drop(about('n3'));
    const told = network.get('n1', 'k', 1, 3);
    network.settle({ copies: 3 });
    expect(told).toEqual([]);
  });

  it('asks the other replicas where the first is slow', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n1', 'k', 'v');
    network.settle();
    network.sent.length = 0;
    network.get('n1', 'k');
    const asked = network.sent.find(ofType('read'))!.to;
    network.drop(about(asked));
    const told = network.get('n1', 'k');
    network.advance(80);
    expect(told).toEqual([]);
    network.advance(20);
    expect(only(told)).toEqual(read('v'));
  });

  it('that too few answer in time answers UNAVAILABLE with the numbers', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.drop(ofType('readReply'));
    const told = network.get('n1', 'k');
    network.advance(480);
    expect(told).toEqual([]);
    network.advance(20);
    expect(only(told)).toEqual({ status: 'unavailable', reason: '1 of 2 replicas answered in 500 ms' });
    expect(network.node('n1').cluster.coordinator.reads.pendingCount).toBe(0);
  });

  it('is refused at once when fewer than R replicas live', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.kill('n2');
    network.kill('n3');
    expect(network.get('n1', 'k')).toEqual([{ status: 'unavailable', reason: '1 of 2 replicas can answer' }]);
  });

  it('is refused when too many wait already', () => {
    const network = new TestNetwork({ nodes: 3, limits: { maxPendingOperations: 1 } });
    network.drop(() => true);
    network.get('n1', 'a');
    expect(network.get('n1', 'b')).toEqual([{ status: 'unavailable', reason: '1 reads are waiting for replicas' }]);
  });

  it('prefers a replica that is alive and whole', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.node('n1').cluster.peerOf('n2')!.refilling = true;
    network.get('n1', 'k');
    expect(network.sent.filter(ofType('read')).map(message => message.to)).toEqual(['n3']);
    network.sent.length = 0;
    network.node('n1').cluster.peerOf('n2')!.refilling = false;
    network.node('n1').cluster.peerOf('n3')!.alive = false;
    network.get('n1', 'k');
    expect(network.sent.filter(ofType('read')).map(message => message.to)).toEqual(['n2']);
  });

  it('sends a value only to a coordinator that has not got it', () => {
    const network = new TestNetwork({ nodes: 3 });
    const value = 'x'.repeat(10_000);
    network.set('n1', 'k', value);
    network.settle();
    network.sent.length = 0;
    const told = network.get('n1', 'k', 1, 3);
    network.settle();
    expect(only(told)).toEqual(read(value));
    for (const { bytes } of network.sent) expect(bytes.length).toBeLessThan(100);
  });
});

describe('A miss at R=1', () => {
  it('asks the other replicas before it answers nil', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.plant('n3', 'k', 'v', 0);
    const told = network.get('n1', 'k', 0);
    expect(told).toEqual([]);
    network.settle();
    expect(only(told)).toEqual(read('v'));
    expect(network.valueAt('n1', 'k', 0)).toBe('v');
  });

  it('answers nil when all have said that they have nothing', () => {
    const network = new TestNetwork({ nodes: 3 });
    const told = network.get('n1', 'k', 0);
    network.hold(between('n3', 'n1'));
    network.settle();
    expect(told).toEqual([]);
    network.release();
    expect(only(told)).toEqual(read(undefined));
  });

  it('waits for no replica that cannot be reached', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.kill('n2');
    const told = network.get('n1', 'k', 0);
    network.settle();
    expect(only(told)).toEqual(read(undefined));
  });

  it('answers nil after the timeout when a reachable one stays silent: its own word is R', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.drop(about('n3'));
    const told = network.get('n1', 'k', 0);
    network.advance(500);
    expect(only(told)).toEqual(read(undefined));
  });

  it('is no miss where a tombstone says that the key was deleted', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.plant('n1', 'k', undefined, 0);
    expect(network.get('n1', 'k', 0)).toEqual([read(undefined)]);
    expect(network.sent).toEqual([]);
  });
});

describe('Read repair', () => {
  it('brings the stale ones of those that answered up to date, behind the reply', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.plant('n2', 'k', 'old');
    network.advance(40);
    network.plant('n3', 'k', 'new');
    const told = network.get('n1', 'k', 1, 3);
    network.hold(ofType('replicate'));
    network.settle();
    expect(only(told)).toEqual(read('new'));
    expect(network.valueAt('n2', 'k')).toBe('old');
    network.release();
    expect(ALL.map(name => network.valueAt(name, 'k'))).toEqual(['new', 'new', 'new']);
    expect(network.node('n1').counters.readRepairs).toBe(1);
  });

  it('brings the newest version to one that answered that it has nothing', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.plant('n1', 'k', 'v');
    network.get('n1', 'k', 1, 3);
    network.settle();
    expect(ALL.map(name => network.valueAt(name, 'k'))).toEqual(['v', 'v', 'v']);
    expect(network.node('n1').counters.readRepairs).toBe(2);
  });

  it('repairs a missing expiry as well', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n1', 'k', 'v');
    network.settle();
    network.drop(about('n3'));
    network.write('n1', 'k', { kind: 'expire', atMs: 2_000_000_000_000, condition: 'always' });
    network.advance(200);
    network.drop(() => false);
    network.get('n1', 'k', 1, 3);
    network.settle();
    expect(network.heldAt('n3', 'k')!.expiry?.atMs).toBe(2_000_000_000_000);
  });

  it('sends nothing to replicas that hold the newest', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.set('n1', 'k', 'v');
    network.settle();
    network.sent.length = 0;
    network.get('n2', 'k', 1, 3);
    network.settle();
    expect(network.sent.filter(ofType('replicate'))).toEqual([]);
  });
});

describe('A refilling replica', () => {
  it('counts towards no R, as coordinator or as answerer, and its record is welcome all the same', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.keyspace('n2').beginRefill();
    network.plant('n2', 'k', 'v');
    network.drop(about('n3'));
    const told = network.get('n1', 'k');
    network.advance(400);
    expect(told).toEqual([]);
    expect(network.valueAt('n1', 'k')).toBe('v');
    network.advance(100);
    expect(only(told)).toEqual({ status: 'unavailable', reason: '1 of 2 replicas answered in 500 ms' });
  });

  it('answers UNAVAILABLE, not nil, while the others cannot be reached', () => {
    const network = new TestNetwork({ nodes: 3 });
    for (const db of [0, 1]) network.keyspace('n1', db).beginRefill();
    network.kill('n2');
    network.kill('n3');
    for (const db of [0, 1]) expect(only(network.get('n1', 'k', db))).toMatchObject({ status: 'unavailable' });
  });

  it('hands a client on to a replica that is whole', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.keyspace('n1', 0).beginRefill();
    network.plant('n2', 'k', 'v', 0);
    network.plant('n3', 'k', 'v', 0);
    const told = network.get('n1', 'k', 0);
    network.settle();
    expect(only(told)).toEqual(read('v'));
    expect(network.node('n1').counters.forwarded).toBe(1);
  });

  it('takes writes, but does not acknowledge them where W is more than one', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.keyspace('n2').beginRefill();
    network.drop(about('n3'));
    const told = network.set('n1', 'k', 'v');
    network.advance(300);
    expect(told).toEqual([]);
    expect(network.valueAt('n2', 'k')).toBe('v');
  });

  it('coordinates when no other can, and a miss at R=1 still asks everyone at once', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.keyspace('n1', 0).beginRefill();
    for (const other of ['n2', 'n3']) network.node('n1').cluster.peerOf(other)!.refilling = true;
    const last = network.replicasOf('k', 0).filter(name => name !== 'n1')[1]!;
    network.plant(last, 'k', 'v', 0);
    const told = network.get('n1', 'k', 0);
    network.settle();
    expect(only(told)).toEqual(read('v'));
    expect(network.node('n1').counters.resends).toBe(0);
    expect(network.node('n1').counters.forwarded).toBe(0);
  });
});

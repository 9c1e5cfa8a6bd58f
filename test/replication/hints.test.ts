import { describe, expect, it } from 'vitest';
import { slotOf } from '../../src/lib/slots.ts';
import { about, between, EVENTUAL, ofType, only, QUORUM, setTo, TestNetwork, WRITTEN } from './test-network.ts';

const NEVER_SYNC = { intervalMs: Number.MAX_SAFE_INTEGER, patienceMs: 1 };
const isSync = (type: string): boolean => type.startsWith('sync');

/** Three nodes between which anti-entropy says nothing, so that what arrives late arrives as a hint. */
function withoutAntiEntropy(options: Partial<ConstructorParameters<typeof TestNetwork>[0]> = {}): TestNetwork {
  const network = new TestNetwork({ nodes: 3, antiEntropy: NEVER_SYNC, ...options });
  network.drop(({ type }) => isSync(type));
  return network;
}

/** `name` is there again with all that it had. */
function bringBack(network: TestNetwork, name: string): void {
  network.node(name).isUp = true;
  for (const other of network.nodes.keys()) if (other !== name) network.heal(name, other);
}

function hintsOf(network: TestNetwork, name = 'n1') {
  return network.node(name).cluster.hints;
}

describe('A hint (DESIGN §5)', () => {
  it.each([EVENTUAL, QUORUM])('brings a replica that was away just what it has missed, in db $db', ({ db }) => {
    const network = withoutAntiEntropy();
    network.set('n1', 'before', '0', db);
    network.settle();
    network.kill('n3');
    network.set('n1', 'a', '1', db);
    network.set('n2', 'b', '2', db);
    network.settle();
    network.del('n1', 'before', db);
    network.settle();
    expect([hintsOf(network).size, hintsOf(network, 'n2').size]).toEqual([2, 1]);
    network.sent.length = 0;
    bringBack(network, 'n3');
    network.advance(100);
    expect(['before', 'a', 'b'].map(key => network.valueAt('n3', key, db))).toEqual([null, '1', '2']);
    expect(network.sent.filter(ofType('hint'))).toHaveLength(3);
    expect(network.sent.filter(between('n3', 'n1', 'hinted'))).toHaveLength(2);
    expect(network.node('n1').counters).toMatchObject({ hintsNoted: 2, hintsReplayed: 2 });
    expect([hintsOf(network).size, hintsOf(network).byteLength]).toEqual([0, 0]);
  });

  it('is a note: what is handed over is the newest record, once, however often the key was written', () => {
    const network = withoutAntiEntropy();
    network.kill('n3');
    for (let i = 1; i <= 100; i++) network.set('n1', 'k', `v${i}`, 0);
    network.settle();
    expect(hintsOf(network).size).toBe(1);
    bringBack(network, 'n3');
    network.advance(100);
    expect(network.valueAt('n3', 'k', 0)).toBe('v100');
    expect(network.sent.filter(ofType('hint'))).toHaveLength(1);
  });

  it('never counts towards a strict W', () => {
    const network = withoutAntiEntropy();
    network.cut('n1', 'n3');
    const told = network.set('n1', 'k', 'v', 1, 3);
    network.advance(600);
    expect(only(told)).toEqual({ status: 'unavailable', reason: '2 of 3 replicas acknowledged in 500 ms' });
    expect(hintsOf(network).size).toBe(1);
  });

  it('is noted for whoever has not acknowledged when the write is given up', () => {
    const network = withoutAntiEntropy();
    network.drop(({ from, to, type }) => isSync(type) || (from === 'n1' && to === 'n3' && type === 'replicate'));
    const told = network.set('n1', 'k', 'v', 1, 3);
    network.advance(560);
    expect(only(told).status).toBe('unavailable');
    expect(network.valueAt('n3', 'k')).toBe('v');
    expect(network.node('n1').counters).toMatchObject({ hintsNoted: 1, hintsReplayed: 1 });
  });

  it('is noted when the queue of a link is full', () => {
    const network = withoutAntiEntropy();
    network.refuse(between('n1', 'n3', 'replicate'));
    network.set('n1', 'k', 'v', 0);
    network.settle();
    expect(network.valueAt('n3', 'k', 0)).toBeUndefined();
    network.advance(100);
    expect(network.valueAt('n3', 'k', 0)).toBe('v');
  });

  it.each(['dead', 'suspect'])('is noted for a replica that is %s, even where the link still takes messages', state => {
    const network = withoutAntiEntropy();
    const peer = network.node('n1').cluster.peerOf('n3')!;
    if (state === 'dead') peer.alive = false;
    else peer.suspect = true;
    network.drop(about('n3'));
    network.set('n1', 'k', 'v', 0);
    network.settle();
    expect(hintsOf(network).size).toBe(1);
  });

  it('that is not answered is handed over again, and so is one whose link broke', () => {
    const network = withoutAntiEntropy();
    network.kill('n3');
    network.set('n1', 'k', 'v', 0);
    network.settle();
    bringBack(network, 'n3');
    network.drop(({ type }) => isSync(type) || type === 'hint');
    network.advance(900);
    expect(network.sent.filter(ofType('hint'))).toHaveLength(1);
    network.advance(300);
    expect(network.sent.filter(ofType('hint'))).toHaveLength(2);
    network.cut('n1', 'n3');
    network.drop(({ type }) => isSync(type));
    network.heal('n1', 'n3');
    network.advance(100);
    expect(network.valueAt('n3', 'k', 0)).toBe('v');
    expect([hintsOf(network).size, network.node('n1').counters.hintsReplayed]).toEqual([0, 1]);
  });

  it('ends also where the peer holds something newer', () => {
    const network = withoutAntiEntropy();
    network.cut('n1', 'n3');
    network.set('n1', 'k', 'old', 0);
    network.nowMs += 5;
    network.cut('n2', 'n3');
    network.set('n3', 'k', 'new', 0);
    network.settle();
    network.heal('n1', 'n3');
    network.advance(100);
    expect(network.valueAt('n3', 'k', 0)).toBe('new');
    expect(hintsOf(network).size).toBe(0);
  });

  it('for a key whose record is gone by then is void', () => {
    const network = withoutAntiEntropy();
    network.kill('n3');
    network.set('n1', 'k', 'v', 0);
    network.settle();
    const { store } = network.keyspace('n1', 0);
    const key = Buffer.from('k');
    store.remove(slotOf(key), store.hashOf(key), key);
    bringBack(network, 'n3');
    network.advance(100);
    expect(network.sent.filter(ofType('hint'))).toEqual([]);
    expect(hintsOf(network).size).toBe(0);
  });

  it('goes to a replica that is refilling too', () => {
    const network = withoutAntiEntropy();
    network.kill('n3');
    network.set('n1', 'k', 'v');
    network.settle();
    network.restartEmpty('n3');
    network.advance(100);
    expect(network.valueAt('n3', 'k')).toBe('v');
  });

  it('is handed over at no more than the configured rate, and a window at a time', () => {
    const network = withoutAntiEntropy({ hints: { replayRate: 100 } });
    network.kill('n3');
    for (let i = 0; i < 300; i++) network.set('n1', `k${i}`, 'v', 0);
    network.settle();
    bringBack(network, 'n3');
    network.advance(1000);
    const sent = network.sent.filter(ofType('hint')).length;
    expect(sent).toBeGreaterThan(80);
    expect(sent).toBeLessThanOrEqual(111);
    network.advance(3000);
    expect(hintsOf(network).size).toBe(0);

    const quick = withoutAntiEntropy({ hints: { replayRate: 1_000_000 } });
    quick.kill('n3');
    for (let i = 0; i < 300; i++) quick.set('n1', `k${i}`, 'v', 0);
    quick.settle();
    bringBack(quick, 'n3');
    quick.hold(({ type }) => type === 'hint');
    quick.advance(500);
    expect(quick.sent.filter(ofType('hint'))).toHaveLength(128);
  });
});

describe('What hints cannot keep', () => {
  it('is counted, said once, and left to anti-entropy, when there are too many', () => {
    const network = new TestNetwork({ nodes: 3, hints: { maxBytes: 200_000 }, antiEntropy: NEVER_SYNC });
    network.kill('n3');
    const keys = Array.from({ length: 20_000 }, (_, i) => `k${i}`);
    for (const key of keys) network.set('n1', key, 'v', 0);
    network.settle();
    const { hintsNoted, hintsOverflowed } = network.node('n1').counters;
    expect(hintsNoted).toBe(8192);
    expect(hintsNoted + hintsOverflowed).toBe(20_000);
    expect(hintsOf(network).byteLength).toBeLessThanOrEqual(200_000);
    expect(network.said.filter(({ event }) => event.startsWith('hints were dropped'))).toMatchObject([
      { node: 'n1', fields: { node: 'n3', reason: 'too many' } },
    ]);
    bringBack(network, 'n3');
    network.advance(20_000);
    expect(keys.filter(key => network.valueAt('n3', key, 0) !== 'v')).toEqual([]);
    expect(hintsOf(network).size).toBe(0);
  });

  it('is dropped when it is too old, counted, and left to anti-entropy', () => {
    const network = new TestNetwork({ nodes: 3, hints: { maxAgeMs: 5_000 }, antiEntropy: NEVER_SYNC });
    network.kill('n3');
    network.set('n1', 'a', '1', 0);
    network.advance(4_000);
    network.set('n1', 'b', '2', 0);
    network.advance(3_000);
    expect(network.node('n1').counters.hintsExpired).toBe(1);
    expect(hintsOf(network).size).toBe(1);
    expect(network.said.map(({ fields }) => fields)).toEqual([{ node: 'n3', reason: 'too old' }]);
    bringBack(network, 'n3');
    network.advance(1_000);
    expect(['a', 'b'].map(key => network.valueAt('n3', key, 0))).toEqual(['1', '2']);
  });

  it('that was put back behind later ones is dropped when it is too old', () => {
    const network = withoutAntiEntropy({ hints: { maxAgeMs: 10_000 } });
    network.kill('n3');
    network.set('n1', 'old', '1', 0);
    network.advance(5_000);
    network.drop(({ type }) => isSync(type) || type === 'hint');
    bringBack(network, 'n3');
    network.advance(100);
    const keyspace = network.keyspace('n1', 0);
    hintsOf(network).note(network.node('n1').cluster.peerOf('n3')!, keyspace, 1, 1);
    network.kill('n3');
    expect(hintsOf(network).size).toBe(2);
    network.advance(7_000);
    expect([network.node('n1').counters.hintsExpired, hintsOf(network).size]).toEqual([1, 1]);
  });

  it('is handed over when its own peer says so, and no other', () => {
    const network = withoutAntiEntropy();
    network.kill('n3');
    network.set('n1', 'k', 'v', 0);
    bringBack(network, 'n3');
    network.drop(({ type }) => isSync(type) || type === 'hinted');
    network.advance(100);
    const answer = network.sent.find(between('n3', 'n1', 'hinted'))!;
    network.drop(({ type }) => isSync(type));
    network.deliverAgain({ ...answer, from: 'n2' });
    expect(network.node('n1').counters.hintsReplayed).toBe(0);
    network.deliverAgain(answer);
    expect(network.node('n1').counters.hintsReplayed).toBe(1);
  });

  it('is owed a round when its peer is there, also where the link never broke', () => {
    const network = new TestNetwork({ nodes: 3, hints: { maxBytes: 100 }, antiEntropy: NEVER_SYNC });
    network.refuse(between('n1', 'n3', 'replicate'));
    network.set('n1', 'k', 'v', 0);
    network.settle();
    expect(network.node('n1').counters).toMatchObject({ hintsNoted: 0, hintsOverflowed: 1 });
    network.refuse(() => false);
    network.advance(200);
    expect(network.valueAt('n3', 'k', 0)).toBe('v');
  });
});

describe('The keys that a peer is owed', () => {
  it('are told by name', () => {
    const network = withoutAntiEntropy();
    network.kill('n3');
    network.write('n1', 'k', setTo('v'), 0);
    const keyspace = network.keyspace('n1', 0);
    const owed = (name: string) =>
      hintsOf(network).peersOwed(keyspace, slotOf(Buffer.from(name)), keyspace.store.hashOf(Buffer.from(name)));
    expect(owed('k')).toEqual(['n3']);
    expect(owed('l')).toEqual([]);
    expect(only(network.set('n1', 'l', 'v', 0))).toEqual(WRITTEN);
    expect(owed('l')).toEqual(['n3']);
  });
});

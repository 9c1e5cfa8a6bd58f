import { describe, expect, it } from 'vitest';
import { drawChance } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { RecordCodec } from '../../src/replication/record-codec.ts';
import { SyncMessages } from '../../src/replication/sync-messages.ts';
import { ANTI_ENTROPY, about, between, type Envelope, EVENTUAL, ofType, TestNetwork } from './test-network.ts';

const ALL = ['n1', 'n2', 'n3'];
const isSync = (message: Envelope) => message.type.startsWith('sync');

function oneKeyspace(nodes = 3): TestNetwork {
  return new TestNetwork({ nodes, keyspaces: [EVENTUAL] });
}

/** A round of every pair. */
function round(network: TestNetwork, delivery = {}): void {
  network.advance(ANTI_ENTROPY.intervalMs + 100, delivery);
}

function values(network: TestNetwork, key: string) {
  return ALL.map(name => network.valueAt(name, key, 0));
}

describe('Anti-entropy (DESIGN §5)', () => {
  it('costs equal replicas one small message each way', () => {
    const network = oneKeyspace();
    for (let i = 0; i < 500; i++) network.set('n1', `key ${i}`, 'v', 0);
    network.settle();
    network.sent.length = 0;
    round(network);
    const from1to2 = network.sent.filter(between('n1', 'n2'));
    expect(from1to2.map(message => message.type).sort()).toEqual(['syncOpen', 'syncRoot']);
    expect(network.sent).toHaveLength(12);
    for (const { bytes } of network.sent) expect(bytes.length).toBeLessThan(40);
  });

  it('finds every key that differs: missing here, missing there, older, deleted, with another expiry', () => {
    const network = oneKeyspace(2);
    for (let i = 0; i < 300; i++) network.set('n1', `same ${i}`, 'v', 0);
    network.settle();
    network.plant('n1', 'missing there', 'a', 0);
    network.plant('n2', 'missing here', 'b', 0);
    network.plant('n1', 'both', 'old', 0);
    network.plant('n2', 'gone', 'old', 0);
    network.drop(() => true);
    network.write('n2', 'same 7', { kind: 'expire', atMs: 2_000_000_000_000, condition: 'always' }, 0);
    network.advance(40);
    network.drop(() => false);
    network.plant('n2', 'both', 'new', 0);
    network.plant('n1', 'gone', undefined, 0);
    network.sent.length = 0;
    round(network);
    for (const name of ['n1', 'n2']) {
      const seen = ['missing there', 'missing here', 'both', 'gone'].map(key => network.valueAt(name, key, 0));
      expect(seen).toEqual(['a', 'b', 'new', null]);
      expect(network.heldAt(name, 'same 7', 0)!.expiry?.atMs).toBe(2_000_000_000_000);
    }
    // The other 299 keys were not sent.
    expect(network.sent.filter(ofType('replicate')).length).toBeLessThan(12);
  });

  it('sends what differs and not what the slot holds, also when all keys share one slot', () => {
    const network = oneKeyspace(2);
    const value = 'v'.repeat(200);
    for (let i = 0; i < 3000; i++) network.set('n1', `{one}${i}`, value, 0);
    network.settle();
    network.plant('n1', '{one}17', 'changed', 0);
    network.plant('n2', '{one}2018', 'changed', 0);
    network.sent.length = 0;
    network.advance(ANTI_ENTROPY.intervalMs + 20);
    for (const name of ['n1', 'n2']) {
      expect([network.valueAt(name, '{one}17', 0), network.valueAt(name, '{one}2018', 0)]).toEqual([
        'changed',
        'changed',
      ]);
    }
    const bytes = network.sent.filter(between('n2', 'n1')).reduce((sum, message) => sum + message.bytes.length, 0);
    expect(bytes).toBeLessThan((3000 * value.length) / 2);
  });

  it('cuts a slot into pages, tombstones and empty values too', () => {
    const network = oneKeyspace(2);
    for (let i = 0; i < 5000; i++) {
      network.plant('n2', `{one}${'k'.repeat(50)}${i}`, [undefined, '', 'value'][i % 3], 0);
    }
    network.sent.length = 0;
    network.advance(ANTI_ENTROPY.intervalMs + 100);
    expect(network.keyspace('n1', 0).store.tombstoneCount).toBe(network.keyspace('n2', 0).store.tombstoneCount);
    expect(network.keyspace('n1', 0).store.keyCount).toBe(network.keyspace('n2', 0).store.keyCount);
    const pages = network.sent.filter(ofType('syncPageReply'));
    expect(pages.length).toBeGreaterThan(3);
    for (const { bytes } of pages) expect(bytes.length).toBeLessThan(256 * 1024);
  });

  it('carries large values, each alone in its page', () => {
    const network = oneKeyspace(2);
    const large = 'x'.repeat(100_000);
    for (let i = 0; i < 6; i++) network.plant('n2', `{one}${i}`, large + i, 0);
    network.advance(ANTI_ENTROPY.intervalMs + 100);
    for (let i = 0; i < 6; i++) expect(network.valueAt('n1', `{one}${i}`, 0)).toBe(large + i);
    const pages = network.sent.filter(ofType('syncPageReply'));
    for (const { bytes } of pages) expect(bytes.length).toBeLessThan(110_000);
  });

  it('goes on after lost pages, and after lost answers', () => {
    const network = oneKeyspace(2);
    for (let i = 0; i < 2000; i++) network.plant('n2', `{one}${i}`, 'v'.repeat(100), 0);
    const random = new SeededRandom(1);
    network.drop(message => isSync(message) && drawChance(random, 0.4));
    network.advance(12 * ANTI_ENTROPY.intervalMs);
    expect(network.keyspace('n1', 0).store.keyCount).toBe(2000);
    expect(network.node('n1').counters.resends + network.node('n2').counters.resends).toBeGreaterThan(0);
  });

  it('asks again soon after its opening, or the answer to it, was lost', () => {
    for (const type of ['syncOpen', 'syncRoot'] as const) {
      const network = oneKeyspace(2);
      network.plant('n2', 'k', 'v', 0);
      let lost = 0;
      network.drop(message => message.type === type && lost++ < 2);
      network.advance(ANTI_ENTROPY.intervalMs + ANTI_ENTROPY.patienceMs / 2);
      expect([lost > 2, network.valueAt('n1', 'k', 0)]).toEqual([true, 'v']);
    }
  });

  it('takes the copy of an answer for a sign of life', () => {
    const network = oneKeyspace(2);
    network.plant('n2', 'k', 'v', 0);
    network.hold(({ type }) => type === 'syncDiffering');
    network.advance(ANTI_ENTROPY.intervalMs + 20);
    const root = network.sent.findLast(message => message.type === 'syncRoot' && message.to === 'n1')!;
    const rounds = network.node('n1').counters.syncRounds;
    for (let waitedMs = 0; waitedMs < 3 * ANTI_ENTROPY.patienceMs; waitedMs += ANTI_ENTROPY.patienceMs / 2) {
      network.deliverAgain(root);
      network.advance(ANTI_ENTROPY.patienceMs / 2);
    }
    network.release();
    network.settle();
    expect([network.node('n1').counters.syncRounds, network.valueAt('n1', 'k', 0)]).toEqual([rounds, 'v']);
  });

  it('survives copies and any order of its messages', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const network = oneKeyspace();
      for (let i = 0; i < 200; i++) network.plant(ALL[i % 3]!, `{s${i % 5}}${i}`, `v${i}`, 0);
      round(network, { copies: 2, seed });
      round(network, { copies: 2, seed });
      for (let i = 0; i < 200; i++) expect(values(network, `{s${i % 5}}${i}`)).toEqual(Array(3).fill(`v${i}`));
    }
  });

  it('goes through a slot once, however many copies of its messages arrive', () => {
    const pages = [1, 3].map(copies => {
      const network = oneKeyspace(2);
      for (let i = 0; i < 3000; i++) network.plant('n2', `{one}${i}`, 'v'.repeat(100), 0);
      network.sent.length = 0;
      network.advance(ANTI_ENTROPY.intervalMs + 20, { copies });
      return network.sent.filter(between('n1', 'n2', 'syncPage')).length;
    });
    expect(pages[1]).toBe(pages[0]);
  });

  it('begins anew with a link that broke in the middle of a round', () => {
    const network = oneKeyspace(2);
    for (let i = 0; i < 3000; i++) network.plant('n2', `{one}${i}`, 'v'.repeat(100), 0);
    let pages = 0;
    network.drop(message => message.type === 'syncPageReply' && ++pages > 1);
    network.advance(ANTI_ENTROPY.intervalMs + 20);
    const half = network.keyspace('n1', 0).store.keyCount;
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(3000);
    network.cut('n1', 'n2');
    network.drop(() => false);
    network.heal('n1', 'n2');
    network.advance(40);
    expect(network.keyspace('n1', 0).store.keyCount).toBe(3000);
  });

  it('tells keys of one hash apart', () => {
    const network = oneKeyspace(2);
    const { store } = network.keyspace('n1', 0);
    const byHash = new Map<number, Buffer>();
    const pairs: [Buffer, Buffer][] = [];
    for (let i = 0; pairs.length < 3; i++) {
      const key = Buffer.from(`{one}${i}`);
      const hash = store.hashOf(key);
      const twin = byHash.get(hash);
      if (twin !== undefined) pairs.push([twin, key]);
      byHash.set(hash, key);
    }
    // One on each side; both here, one of them there; both on both sides, one of them newer there.
    const [[a, b], [c, d], [e, f]] = pairs as [[Buffer, Buffer], [Buffer, Buffer], [Buffer, Buffer]];
    network.plant('n1', a, 'a', 0);
    network.plant('n2', b, 'b', 0);
    for (const [key, value] of [
      [c, 'c'],
      [d, 'd'],
      [e, 'e'],
      [f, 'f'],
    ] as const) {
      network.plant('n1', key, value, 0);
    }
    network.advance(40);
    network.plant('n2', c, 'c new', 0);
    network.plant('n2', e, 'e new', 0);
    network.plant('n2', f, 'f new', 0);
    round(network);
    for (const name of ['n1', 'n2']) {
      const seen = [a, b, c, d, e, f].map(key => network.valueAt(name, key.toString(), 0));
      expect(seen).toEqual(['a', 'b', 'c new', 'd', 'e new', 'f new']);
    }
  });

  it('refuses a round of another epoch, and a comparison of another length', () => {
    const network = oneKeyspace(2);
    const messages = new SyncMessages(new RecordCodec(network.node('n1').cluster.context.actors));
    const open = (epoch: number) => {
      network.sent.length = 0;
      const bytes = Buffer.from(messages.encodeOpen({ round: 1, epoch, db: 0, root: [1, 2], offered: undefined }).head);
      network.deliverAgain({ from: 'n1', to: 'n2', type: 'syncOpen', bytes });
      return network.sent.length;
    };
    expect([open(2), open(1)]).toEqual([0, 1]);
    network.plant('n2', 'k', 'v', 0);
    network.drop(ofType('syncDiffering'));
    network.keyspace('n1', 0).beginRefill();
    network.advance(ANTI_ENTROPY.intervalMs + 20);
    const compare = network.sent.findLast(between('n1', 'n2', 'syncCompare'))!;
    const answer = (children: number[]) => {
      const round = compare.bytes.readDoubleBE(1);
      const bytes = Buffer.from(messages.encodeDiffering({ round, db: 0, ask: 1, children }).head);
      network.deliverAgain({ from: 'n2', to: 'n1', type: 'syncDiffering', bytes });
      return network.keyspace('n1', 0).refill.slotsLeft;
    };
    expect([answer([]), answer([0, 0])]).toEqual([16_384, 16_384]);
    // Four of the root's sixteen children stand for slots.
    expect(answer([0b1110])).toBe(3 * 4096);
  });

  it('saves up no more than a tenth of a second of its rate while there is nothing to exchange, and has three pages under way', () => {
    const network = new TestNetwork({ nodes: 2, keyspaces: [EVENTUAL], antiEntropy: { bytesPerSecond: 200_000 } });
    network.advance(5_000);
    for (let i = 0; i < 2000; i++) network.plant('n2', `key ${i}`, 'v'.repeat(500), 0);
    const { cluster, counters } = network.node('n1');
    network.hold(({ type, to }) => type === 'syncPageReply' && to === 'n1');
    cluster.antiEntropy.hasten(cluster.peerOf('n2')!);
    network.advance(40);
    expect(network.sent.filter(({ type, from }) => type === 'syncPage' && from === 'n1')).toHaveLength(3);
    network.release();
    network.advance(20);
    expect(counters.syncBytes).toBeGreaterThan(19_000);
    expect(counters.syncBytes).toBeLessThan(20_000 + 0.06 * 200_000 + 3 * 600);
  });

  it('comes soon after a link has come up, without waiting for its turn', () => {
    const network = oneKeyspace(2);
    network.cut('n1', 'n2');
    network.set('n1', 'k', 'v', 0);
    network.heal('n1', 'n2');
    network.advance(20);
    expect(network.valueAt('n2', 'k', 0)).toBe('v');
  });
});

describe('Refilling (DESIGN §5)', () => {
  it('takes no more bytes a second than it may, and goes on with what is left after a break', () => {
    const network = new TestNetwork({ nodes: 2, keyspaces: [EVENTUAL], antiEntropy: { bytesPerSecond: 200_000 } });
    for (let i = 0; i < 2000; i++) network.plant('n2', `key ${i}`, 'v'.repeat(500), 0);
    network.kill('n1');
    network.advance(5000);
    network.restartEmpty('n1');
    const { counters } = network.node('n1');
    network.advance(60);
    // What may be saved up is a tenth of a second's worth; and there are the pages under way.
    expect(counters.syncBytes).toBeLessThan(20_000 + 12_000 + 3 * 600);
    network.advance(940);
    expect(counters.syncBytes).toBeGreaterThan(150_000);
    expect(counters.syncBytes).toBeLessThan(220_000 + 3 * 600);
    const before = counters.syncRecords;
    network.cut('n1', 'n2');
    network.heal('n1', 'n2');
    network.advance(6000);
    expect(network.keyspace('n1', 0).refill.slotsLeft).toBe(0);
    expect(network.keyspace('n1', 0).store.keyCount).toBe(2000);
    expect([before > 250, counters.syncRecords]).toEqual([true, 2000]);
    // What had come before the break was not sent again, but for what was under way.
    expect(counters.syncBytes).toBeLessThan(2016 * 600);
  });

  it('ends when every slot has been merged from N−W+1 other replicas, and then all reads find everything', () => {
    const network = new TestNetwork({ nodes: 3 });
    for (let i = 0; i < 400; i++) network.set('n1', `key ${i}`, `v${i}`);
    network.settle();
    network.kill('n2');
    network.restartEmpty('n2');
    expect(network.keyspace('n2').refill.slotsLeft).toBe(16_384);
    network.advance(200);
    expect(network.keyspace('n2').refill.slotsLeft).toBe(0);
    for (let i = 0; i < 400; i++) expect(network.valueAt('n2', `key ${i}`)).toBe(`v${i}`);
    expect(network.node('n2').counters.slotsRefilled).toBe(2 * 16_384);
  });

  it('does not end with one of two: a write acknowledged by the lost and the absent replica may be missing', () => {
    const network = new TestNetwork({ nodes: 3 });
    network.drop(about('n1'));
    network.set('n2', 'k', 'v');
    network.settle();
    network.drop(() => false);
    network.kill('n2');
    network.cut('n1', 'n3');
    network.restartEmpty('n2');
    network.cut('n2', 'n3');
    network.advance(3000);
    expect(network.keyspace('n2').refill.slotsLeft).toBe(16_384);
    network.heal('n2', 'n3');
    network.advance(3000);
    expect(network.keyspace('n2').refill.slotsLeft).toBe(0);
    expect(network.valueAt('n2', 'k')).toBe('v');
  });

  it('does not count a slot of which only some parts were compared', () => {
    const network = oneKeyspace(2);
    for (let i = 0; i < 3000; i++) network.set('n1', `{one}${i}`, 'v', 0);
    network.settle();
    for (let i = 0; i < 3000; i += 60) network.plant('n2', `{one}${i}`, 'changed', 0);
    network.keyspace('n1', 0).beginRefill();
    let pages = 0;
    network.drop(message => message.type === 'syncPageReply' && message.to === 'n1' && ++pages > 3);
    network.advance(ANTI_ENTROPY.intervalMs + 1000);
    expect(pages).toBeGreaterThan(3);
    expect(network.node('n1').counters.syncRecords).toBeGreaterThan(0);
    expect(network.keyspace('n1', 0).refill.slotsLeft).toBe(1);
    network.drop(() => false);
    network.advance(4000);
    expect(network.keyspace('n1', 0).refill.slotsLeft).toBe(0);
    for (let i = 0; i < 3000; i += 60) expect(network.valueAt('n1', `{one}${i}`, 0)).toBe('changed');
  });

  it('does not take the time in which it waits for its rate for silence of the peer', () => {
    const network = new TestNetwork({ nodes: 2, keyspaces: [EVENTUAL], antiEntropy: { bytesPerSecond: 20_000 } });
    for (let i = 0; i < 300; i++) network.plant('n2', `{one}${i}`, 'v'.repeat(1000), 0);
    network.kill('n1');
    network.restartEmpty('n1');
    network.advance(3000);
    const { counters } = network.node('n1');
    const [held, rounds] = [network.keyspace('n1', 0).store.keyCount, counters.syncRounds];
    expect(held).toBeGreaterThan(50);
    expect(held).toBeLessThan(200);
    // The next page comes a tick later than it might.
    let isHeld = false;
    network.hold(message => {
      isHeld ||= message.type === 'syncPageReply' && message.to === 'n1';
      return isHeld;
    });
    for (let i = 0; i < 500 && !isHeld; i++) network.advance(20);
    network.advance(100);
    network.release();
    expect(network.keyspace('n1', 0).store.keyCount).toBeGreaterThan(held);
    expect(counters.syncRounds).toBe(rounds);
  });

  it('does not count a slot of which only some pages came', () => {
    const network = oneKeyspace(2);
    for (let i = 0; i < 2000; i++) network.plant('n2', `{one}${i}`, 'v'.repeat(200), 0);
    network.kill('n1');
    let pages = 0;
    network.drop(message => message.type === 'syncPageReply' && ++pages > 2);
    network.restartEmpty('n1');
    network.advance(1000);
    expect(network.keyspace('n1', 0).store.keyCount).toBeGreaterThan(0);
    expect(network.keyspace('n1', 0).refill.slotsLeft).toBe(1);
    network.drop(() => false);
    network.advance(4000);
    expect(network.keyspace('n1', 0).refill.slotsLeft).toBe(0);
    expect(network.keyspace('n1', 0).store.keyCount).toBe(2000);
  });

  it('survives the loss of one node after the other: an acknowledged quorum write still reads', () => {
    const network = new TestNetwork({ nodes: 3 });
    for (let i = 0; i < 50; i++) network.set(ALL[i % 3]!, `key ${i}`, `v${i}`);
    network.settle();
    for (const name of ['n1', 'n2', 'n3', 'n1']) {
      network.kill(name);
      network.advance(100);
      network.restartEmpty(name);
      network.advance(600);
      expect(network.keyspace(name).refill.slotsLeft).toBe(0);
    }
    for (let i = 0; i < 50; i++) {
      const told = network.get(ALL[i % 3]!, `key ${i}`);
      network.settle();
      expect(told).toEqual([{ status: 'read', value: `v${i}` }]);
    }
  });
});

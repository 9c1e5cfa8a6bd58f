import { describe, expect, it } from 'vitest';
import { clusterMember } from '../../src/membership/cluster.ts';
import { parseFoundingMessage } from '../../src/membership/founding-messages.ts';
import { withMember } from '../../src/membership/topology.ts';
import { FoundingBench } from './founding-bench.ts';
import { FoundingNetwork } from './founding-network.ts';

/** a, b and c know each other, a has proposed, nothing of that was delivered. */
function proposed(expectNodes = 3): FoundingBench {
  const bench = new FoundingBench();
  for (const name of ['a', 'b', 'c']) bench.start(name, expectNodes);
  bench.meet('a', 'b');
  bench.meet('a', 'c');
  bench.meet('b', 'c');
  bench.bringToPropose('a');
  return bench;
}

describe('Founding', () => {
  it('of a node alone is done at the first tick, with itself as the only member', () => {
    const bench = new FoundingBench();
    const { core, events } = bench.start('a', 1, true);
    bench.tick('a');
    expect(core.cluster?.topology.members.map(({ name }) => name)).toEqual(['a']);
    expect(core.cluster?.id).toMatch(/^[0-9a-f]{32}$/);
    expect(core.cluster?.topology.epoch).toBe(1);
    expect(events.map(({ type }) => type)).toEqual(['founded']);
  });

  it('is not done by a node alone that a member of a cluster has come to by then: it is of that one, again or anew', () => {
    const bench = new FoundingBench();
    bench.start('a', 1, true);
    bench.tick('a');
    bench.start('b', 1, true);
    bench.link('a', 'b');
    bench.tick('b');
    expect(bench.node('b').core.cluster).toBe(undefined);
    bench.meet('a', 'b');
    const founder = bench.node('a').core;
    founder.follow(withMember(founder.cluster!.topology, clusterMember(bench.node('b').identity)));
    bench.tick('b', 500);
    bench.settle('hello', 'welcome');
    expect(bench.node('b').core.cluster).toEqual(founder.cluster);
    expect(bench.node('b').events).toMatchObject([{ type: 'admitted', returning: true }]);
  });

  it('makes one cluster, equal on all, of containers that know one seed and learn the rest from each other', () => {
    const names = ['n1', 'n2', 'n3', 'n4', 'n5'];
    const network = new FoundingNetwork({ names, expectNodes: 5, seed: 7, seeds: ['n4'] });
    for (const name of names) network.start(name);
    expect(network.time.runUntil(() => network.allFounded(), 2_000)).toBeDefined();
    const clusters = network.nodes.map(node => node.core.cluster);
    for (const cluster of clusters) expect(cluster).toEqual(clusters[0]);
    expect(clusters[0]?.topology.members.map(({ name, bus }) => [name, bus.port])).toEqual(
      names.map((n, i) => [n, 1_000 + i]),
    );
    const types = network.nodes.map(node => node.events.map(event => event.type).join());
    expect(types).toEqual(['founded', 'admitted', 'admitted', 'admitted', 'admitted']);
    for (const { events } of network.nodes.slice(1)) expect(events[0]).toMatchObject({ returning: false });
  });

  it('of a hundred nodes behind one address takes a few seconds', () => {
    const names = Array.from({ length: 100 }, (_, i) => `n${1_000 + i}`);
    const network = new FoundingNetwork({ names, expectNodes: 100, seed: 1, seeds: ['n1000'] });
    for (const name of names) network.start(name);
    expect(network.time.runUntil(() => network.allFounded(), 5_000)).toBeDefined();
    expect(network.clusters().size).toBe(1);
  });

  it('waits until the expected number was seen, and says how many were', () => {
    const bench = new FoundingBench();
    for (const name of ['a', 'b']) bench.start(name, 3);
    bench.meet('a', 'b');
    for (let i = 0; i < 30; i++) {
      bench.settle('hello');
      bench.tick('a', 500);
      bench.tick('b', 500);
    }
    expect(bench.take('propose')).toEqual([]);
    expect(bench.node('a').core.seen).toBe(2);
  });

  it('waits for a candidate that others speak of before it goes without it', () => {
    const bench = new FoundingBench();
    for (const name of ['a', 'b', 'c']) bench.start(name, 2);
    bench.meet('b', 'c');
    bench.meet('a', 'b');
    for (let i = 0; i < 8; i++) {
      bench.settle('hello');
      for (const name of ['a', 'b', 'c']) bench.tick(name, 500);
    }
    expect(bench.node('a').dialled).toContainEqual({ host: 'c', port: 16_379 });
    expect(bench.take('propose', 'a')).toEqual([]);
    bench.meet('a', 'c');
    bench.bringToPropose('a');
    expect(bench.take('propose', 'a').map(({ to }) => to)).toEqual(['b', 'c']);
  });

  it('is complete only with the promise of every process on the list', () => {
    const bench = proposed();
    bench.deliver(...bench.take('propose'));
    bench.deliver(...bench.take('promise', 'b'));
    expect(bench.node('a').core.cluster).toBeUndefined();
    bench.deliver(...bench.take('promise', 'c'));
    expect(bench.node('a').core.cluster?.topology.members.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    bench.settle('welcome');
    expect(bench.node('c').core.cluster).toEqual(bench.node('a').core.cluster);
  });

  it('goes on when every announcement was lost: who promised asks what became of it', () => {
    const bench = proposed();
    bench.settle('propose', 'promise');
    expect(bench.take('welcome')).toHaveLength(2);
    bench.tick('b', 600);
    bench.settle('promise', 'welcome');
    expect(bench.node('b').events).toMatchObject([{ type: 'admitted', returning: false }]);
  });

  it('gives a founding process that missed the announcement the cluster from any member, not as returning', () => {
    const bench = proposed();
    bench.settle('propose', 'promise');
    bench.deliver(...bench.take('welcome', 'a', 'b'));
    bench.take('welcome');
    bench.start('a', 3); // The founder is gone; b alone knows.
    bench.tick('c', 600);
    bench.deliver(...bench.take('hello', 'c', 'b'));
    bench.settle('welcome');
    expect(bench.node('c').events).toMatchObject([{ type: 'admitted', returning: false }]);
  });

  it('takes a restarted member back as returning', () => {
    const bench = proposed();
    bench.settle('propose', 'promise', 'welcome');
    bench.start('c', 3);
    bench.meet('a', 'c');
    bench.settle('hello', 'welcome');
    expect(bench.node('c').events).toMatchObject([{ type: 'admitted', returning: true }]);
    expect(bench.node('c').core.cluster).toEqual(bench.node('a').core.cluster);
  });

  it('tells a name that is not on the list to wait while it asks that it be let in', () => {
    const bench = new FoundingBench();
    for (const name of ['a', 'b']) bench.start(name, 2);
    bench.meet('a', 'b');
    bench.bringToPropose('a');
    bench.settle('propose', 'promise', 'welcome');
    bench.start('c', 2);
    bench.meet('a', 'c');
    for (let i = 0; i < 5; i++) {
      bench.settle('hello', 'wait');
      bench.tick('c', 500);
    }
    const { events, core } = bench.node('c');
    expect(events).toEqual([{ type: 'joining', by: 'a' }]);
    expect(bench.joiners).toEqual(['c', 'c', 'c', 'c', 'c']);
    const { topology } = bench.node('a').core.cluster!;
    bench.node('a').core.follow(withMember(topology, clusterMember(bench.node('c').identity)));
    bench.settle('hello', 'welcome');
    expect(core.cluster).toEqual(bench.node('a').core.cluster);
    expect(events[1]).toMatchObject({ type: 'admitted', returning: true });
  });

  it('refuses one that may not join with a sentence, once, and is asked again only slowly', () => {
    const bench = new FoundingBench();
    bench.refusal = 'n9 is no member, so nobody can take its place';
    for (const name of ['a', 'b']) bench.start(name, 2);
    bench.meet('a', 'b');
    bench.bringToPropose('a');
    bench.settle('propose', 'promise', 'welcome');
    bench.start('c', 2);
    bench.meet('a', 'c');
    bench.meet('b', 'c');
    let asked = 0;
    for (let i = 0; i < 100; i++) {
      asked += bench.underway.filter(({ message, from }) => message.type === 'hello' && from === 'c').length;
      bench.settle('hello', 'refused');
      bench.tick('c', 500);
    }
    const { events, core } = bench.node('c');
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ type: 'refused', reason: bench.refusal });
    expect(core.cluster).toBeUndefined();
    expect(asked).toBeLessThan(20);
    expect(bench.take('propose', 'c')).toEqual([]);
  });

  it('rejects a proposal of fewer than this node expects', () => {
    const bench = new FoundingBench();
    bench.start('a', 2);
    bench.start('b', 3);
    bench.meet('a', 'b');
    bench.bringToPropose('a');
    bench.settle('propose');
    expect(bench.take('promise')).toEqual([]);
  });
});

describe('A promise', () => {
  it('is given to one proposal at a time', () => {
    const bench = new FoundingBench();
    for (const name of ['a', 'b', 'c']) bench.start(name, 2);
    bench.meet('b', 'c');
    bench.bringToPropose('b');
    bench.deliver(...bench.take('propose'));
    expect(bench.take('promise', 'c', 'b')).toHaveLength(1);
    bench.meet('a', 'c');
    // What others say of b is lost, so a does not wait for it.
    for (const { message } of bench.underway) if (message.type === 'hello') Object.assign(message, { candidates: [] });
    bench.bringToPropose('a');
    bench.deliver(...bench.take('propose', 'a'));
    expect(bench.take('promise', 'c', 'a')).toEqual([]);
  });

  it('is not given when a smaller name that this node has met is left out', () => {
    const bench = new FoundingBench();
    for (const name of ['a', 'b', 'c']) bench.start(name, 2);
    bench.meet('b', 'c');
    bench.bringToPropose('b');
    bench.meet('a', 'c');
    bench.deliver(...bench.take('propose'));
    expect(bench.take('promise')).toEqual([]);
  });

  it('is not given by a node that belongs to a cluster', () => {
    const bench = proposed();
    const [again] = bench.underway.filter(({ message, to }) => message.type === 'propose' && to === 'b');
    bench.settle('propose', 'promise', 'welcome');
    bench.deliver(again!);
    expect(bench.take('promise')).toEqual([]);
  });

  it('is not given to a proposal that lists a former process of this name', () => {
    const bench = proposed();
    const proposals = bench.take('propose', 'a', 'c');
    const to = bench.start('c', 3).identity.actor;
    bench.link('a', 'c');
    bench.link('c', 'a');
    bench.deliver(...proposals.map(sent => ({ ...sent, message: { ...sent.message, to } })));
    expect(bench.take('promise', 'c')).toEqual([]);
  });

  it('of a former process does not count', () => {
    const bench = proposed();
    bench.settle('propose');
    const [promise] = bench.take('promise', 'c');
    bench.deliver(...bench.take('promise', 'b'));
    const from = bench.start('c', 3).identity.actor;
    bench.link('c', 'a');
    bench.deliver(promise!, { ...promise!, message: { ...promise!.message, from } });
    expect(bench.node('a').core.cluster).toBeUndefined();
  });

  it('outlives the link to the proposer', () => {
    const bench = proposed();
    bench.deliver(...bench.take('propose', 'a', 'b'));
    bench.take('promise');
    bench.node('b').core.linkDown('a');
    bench.link('b', 'a');
    bench.tick('b', 600);
    expect(bench.take('promise', 'b', 'a')).toHaveLength(1);
  });

  it('ends when the proposer withdraws, and the proposer withdraws when it learns of more candidates', () => {
    const bench = proposed();
    bench.deliver(...bench.take('propose'));
    bench.take('promise');
    bench.start('d', 3);
    bench.meet('a', 'd');
    bench.settle('hello');
    bench.tick('a');
    const withdrawals = bench.take('withdraw');
    expect(withdrawals.map(({ to }) => to)).toEqual(['b', 'c']);
    bench.deliver(...withdrawals);
    for (const name of ['b', 'c']) bench.meet(name, 'd');
    bench.bringToPropose('a');
    bench.settle('propose', 'promise', 'welcome');
    expect(bench.node('c').core.cluster?.topology.members.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('ends also when the withdrawal was lost, because its holder asks', () => {
    const bench = proposed();
    bench.deliver(...bench.take('propose'));
    bench.take('promise');
    bench.start('d', 3);
    bench.meet('a', 'd');
    bench.settle('hello');
    bench.tick('a');
    bench.take('withdraw');
    bench.tick('b', 600);
    bench.deliver(...bench.take('promise', 'b', 'a'));
    expect(bench.take('withdraw', 'a', 'b')).toHaveLength(1);
  });

  it('ends when the proposer has restarted', () => {
    const bench = proposed();
    bench.deliver(...bench.take('propose'));
    bench.take('promise');
    bench.start('a', 3);
    bench.meet('a', 'b');
    bench.meet('a', 'c');
    bench.bringToPropose('a');
    bench.settle('propose', 'promise', 'welcome');
    expect(bench.node('b').core.cluster).toBeDefined();
    expect(bench.node('b').core.cluster).toEqual(bench.node('a').core.cluster);
  });

  it('is not revived by a late copy of a withdrawn proposal', () => {
    const bench = proposed();
    const copies = bench.take('propose');
    bench.deliver(...copies);
    bench.take('promise');
    bench.start('d', 3);
    bench.meet('a', 'd');
    bench.settle('hello');
    bench.tick('a');
    bench.settle('withdraw');
    bench.deliver(...copies);
    expect(bench.take('promise')).toEqual([]);
  });
});

describe('A welcome', () => {
  it('that was asked for before a promise is void after it', () => {
    const bench = proposed();
    bench.settle('propose', 'promise');
    bench.deliver(...bench.take('welcome', 'a', 'c'));
    bench.take('welcome');
    // b asks c, which has adopted the cluster, and the answer is on its way when a and c die and meet b's like anew.
    bench.tick('b', 600);
    bench.deliver(...bench.take('hello', 'b', 'c'));
    const late = bench.take('welcome', 'c', 'b');
    expect(late).toHaveLength(1);
    bench.underway.length = 0;
    bench.start('a', 3);
    bench.start('c', 3);
    bench.meet('a', 'b');
    bench.meet('a', 'c');
    bench.bringToPropose('a');
    bench.settle('propose');
    bench.deliver(...late);
    expect(bench.node('b').core.cluster).toBeUndefined();
    bench.settle('promise', 'welcome');
    expect(bench.node('b').core.cluster).toEqual(bench.node('a').core.cluster);
  });

  it('that nobody asked for is taken only by who is bound to its proposal', () => {
    const bench = proposed();
    bench.settle('propose', 'promise');
    const [announcement] = bench.take('welcome', 'a', 'b');
    const { identity, core } = bench.start('b', 3);
    bench.link('a', 'b');
    bench.deliver({ ...announcement!, message: { ...announcement!.message, to: identity.actor } });
    expect(core.cluster).toBeUndefined();
  });

  it('for another process is dropped', () => {
    const bench = proposed();
    bench.settle('propose', 'promise');
    const toFormer = bench.take('welcome', 'a', 'b');
    const { core } = bench.start('b', 3);
    bench.link('a', 'b');
    bench.deliver(...toFormer);
    expect(core.cluster).toBeUndefined();
  });
});

describe('A founding message', () => {
  it('for a former process of this name, or of one, is dropped', () => {
    const bench = new FoundingBench();
    bench.start('a', 2);
    bench.start('b', 2);
    bench.meet('a', 'b');
    const [toFormer] = bench.take('hello', 'b', 'a');
    bench.start('a', 2);
    bench.meet('a', 'b');
    bench.deliver(toFormer!);
    expect(bench.node('a').core.seen).toBe(1);
    const [ofFormer] = bench.take('hello', 'b', 'a');
    bench.start('b', 2);
    bench.meet('a', 'b');
    bench.deliver(ofFormer!);
    expect(bench.node('a').core.seen).toBe(1);
    bench.settle('hello');
    expect(bench.node('a').core.seen).toBe(2);
  });

  it('that is not one is refused', () => {
    const envelope = { from: 'a.1', to: 'b.1' };
    const at = { host: 'h', port: 1 };
    const member = { name: 'a', place: 'a', joinedAt: 1, zone: 'z', weight: 1, bus: at, client: at };
    const topology = { epoch: 1, removedAt: 0, members: [member], change: undefined, departing: [] };
    const cluster = { id: 'a'.repeat(32), hashKey: [1, 2], topology };
    const welcome = { ...envelope, type: 'welcome', nonce: '', proposal: { actor: 'a.1', number: 1 }, founders: [] };
    expect(parseFoundingMessage({ ...welcome, cluster })).toEqual({ ...welcome, cluster });
    const heaviest = { ...cluster, topology: { ...topology, members: [{ ...member, weight: 64 }] } };
    expect(parseFoundingMessage({ ...welcome, cluster: heaviest })).toBeDefined();
    const garbage: unknown[] = [
      undefined,
      null,
      7,
      'hello',
      [],
      {},
      { ...envelope },
      { ...envelope, type: 'hello' },
      { ...envelope, type: 'toString', nonce: '' },
      { type: 'hello', nonce: '' },
      { ...envelope, type: 'hello', nonce: 'x'.repeat(33) },
      { ...envelope, type: 'hello', nonce: '', candidates: [['a', 'h', 65_536]] },
      { ...envelope, type: 'hello', nonce: '', candidates: Array(1_025).fill(['a', 'h', 1]) },
      { ...envelope, type: 'promise', number: 1.5 },
      { ...envelope, type: 'propose', number: 1, members: [['a']] },
      { ...envelope, type: 'refused', nonce: '', reason: 'x'.repeat(513) },
      { ...welcome, cluster: { ...cluster, id: 'A'.repeat(32) } },
      { ...welcome, cluster: { ...cluster, hashKey: [1, -1] } },
      { ...welcome, cluster: { ...cluster, topology: { ...topology, epoch: 0 } } },
      { ...welcome, cluster: { ...cluster, topology: { ...topology, departing: 7 } } },
      {
        ...welcome,
        cluster: { ...cluster, topology: { ...topology, change: { phase: 'merge', members: [], lost: [] } } },
      },
      { ...envelope, type: 'wait' },
      { ...envelope, type: 'hello', nonce: '', replaces: 7 },
      { ...welcome, cluster: { ...cluster, topology: { ...topology, members: [] } } },
      { ...welcome, cluster: { ...cluster, topology: { ...topology, members: [member, member] } } },
      { ...welcome, cluster: { ...cluster, topology: { ...topology, members: [{ ...member, weight: Number.NaN }] } } },
      { ...welcome, cluster: { ...cluster, topology: { ...topology, members: [{ ...member, weight: 64.1 }] } } },
      {
        ...welcome,
        cluster: { ...cluster, topology: { ...topology, members: [{ ...member, bus: { host: '', port: 1 } }] } },
      },
    ];
    for (const value of garbage) expect(parseFoundingMessage(value), JSON.stringify(value)).toBeUndefined();
  });
});

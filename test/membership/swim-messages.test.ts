import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { clusterMember } from '../../src/membership/cluster.ts';
import type { Member, MembershipEvent } from '../../src/membership/member.ts';
import { Swim } from '../../src/membership/swim.ts';
import { type Rumour, rumourOf, type SwimMessage } from '../../src/membership/swim-messages.ts';
import { identityOf } from '../../src/sim/membership-network.ts';

interface Sent {
  readonly to: string;
  readonly message: SwimMessage;
  readonly nowMs: number;
}

/** One Swim, n1, whose messages go nowhere, and what it is told. */
class Bench {
  readonly swim: Swim;
  readonly sent: Sent[] = [];
  readonly events: MembershipEvent[] = [];
  /** Members to whom nothing can be sent. */
  readonly unlinked = new Set<string>();
  readonly #answered = new Set<SwimMessage>();
  nowMs = 0;

  constructor(names = ['n1', 'n2', 'n3', 'n4', 'n5']) {
    const members = names.map(name => clusterMember(identityOf(name)));
    this.swim = new Swim(
      { self: identityOf('n1'), startedAtMs: 1_000, members, timings: { probesPerInterval: 1 } },
      {
        random: new SeededRandom(1),
        wallMs: () => this.nowMs,
        latestMs: () => this.nowMs,
        send: (to, message) => {
          if (this.unlinked.has(to)) return false;
          this.sent.push({ to, message, nowMs: this.nowMs });
          return true;
        },
        event: event => this.events.push(event),
      },
    );
  }

  rumour(name: string, change: Partial<Member> = {}, witnesses: string[] = []): Rumour {
    const identity = identityOf(name);
    const member = { ...this.swim.memberOf('n1')!, name, identity, actor: `${name}.1`, ...change };
    return rumourOf(member, witnesses);
  }

  /** n2 gossips this. */
  hear(name: string, change: Partial<Member> = {}, witnesses: string[] = []): void {
    this.receive('n2', { type: 'gossip', rumours: [this.rumour(name, change, witnesses)] });
  }

  receive(from: string, message: SwimMessage): void {
    this.swim.receive(from, message, this.nowMs);
  }

  /** Ticks; those who `answer` are acked for, with clocks that are right. */
  run(ms: number, answering: readonly string[] = []): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += 100;
      this.swim.tick(this.nowMs);
      for (const { to, message } of this.ofType('ping')) {
        if (!answering.includes(to) || this.#answered.has(message)) continue;
        this.#answered.add(message);
        this.receive(to, { type: 'ack', seq: message.seq, wallMs: this.nowMs, latestMs: 0, rumours: [] });
      }
    }
  }

  ofType<T extends SwimMessage['type']>(type: T, to?: string) {
    return this.sent.filter(sent => sent.message.type === type && (to ?? sent.to) === sent.to) as (Sent & {
      message: SwimMessage & { type: T };
    })[];
  }
}

/** n1 has heard of everyone, and that is no news any more. */
function informed(): Bench {
  const bench = new Bench();
  for (const name of ['n2', 'n3', 'n4', 'n5']) bench.hear(name);
  bench.run(3_000, ['n2', 'n3', 'n4', 'n5']);
  bench.sent.length = 0;
  return bench;
}

const EVERYONE_BUT_N4 = ['n2', 'n3', 'n5'];

describe('Swim probes', () => {
  it('one member each interval, each in its turn', () => {
    const bench = informed();
    bench.run(40_000, ['n2', 'n3', 'n4', 'n5']);
    const pings = bench.ofType('ping');
    expect(pings).toHaveLength(40);
    // The first pass had begun.
    for (const name of ['n2', 'n3', 'n4', 'n5'])
      expect(Math.abs(bench.ofType('ping', name).length - 10)).toBeLessThan(2);
  });

  it('next the one whose link broke, or whom another suspects', () => {
    for (const doubt of ['linkDown', 'suspicion'] as const) {
      const bench = informed();
      if (doubt === 'linkDown') bench.swim.linkDown('n4', bench.nowMs);
      else bench.hear('n4', { status: 'suspect' }, ['n3']);
      bench.run(1_000, EVERYONE_BUT_N4);
      expect(bench.ofType('ping').map(({ to }) => to)).toEqual(['n4']);
    }
  });

  it('through three others when no ack has come by the probe timeout, and suspects at the end of the interval', () => {
    const bench = informed();
    bench.swim.linkDown('n4', bench.nowMs);
    bench.run(2_000, EVERYONE_BUT_N4);
    const [ping] = bench.ofType('ping', 'n4');
    const requests = bench.ofType('ping-req');
    expect(requests.map(({ to }) => to).sort()).toEqual(EVERYONE_BUT_N4);
    for (const { nowMs, message } of requests) {
      expect(nowMs - ping!.nowMs).toBe(400);
      expect(message).toMatchObject({ target: 'n4', seq: ping!.message.seq });
    }
    expect(bench.events.at(-1)).toMatchObject({ type: 'suspect', member: { name: 'n4' }, nowMs: ping!.nowMs + 1_000 });
  });

  it('through others at once when the link is down, and suspects at once when they cannot either', () => {
    const bench = informed();
    bench.unlinked.add('n4');
    bench.swim.linkDown('n4', bench.nowMs);
    while (bench.ofType('ping-req').length === 0) bench.run(100);
    for (const { to, message } of bench.ofType('ping-req')) bench.receive(to, { type: 'nack', seq: message.seq });
    expect(bench.swim.statusOf('n4')).toBe('suspect');
    expect(bench.swim.healthScore).toBe(0);
  });

  it('and takes an ack by way of a helper for an answer, but of nobody else', () => {
    for (const [by, status] of [
      ['n3', 'alive'],
      ['stranger', 'suspect'],
    ] as const) {
      const bench = informed();
      bench.swim.linkDown('n4', bench.nowMs);
      while (bench.ofType('ping-req').length === 0) bench.run(100);
      bench.receive(by, {
        type: 'ack',
        seq: bench.ofType('ping-req')[0]!.message.seq,
        wallMs: 0,
        latestMs: 0,
        rumours: [],
      });
      bench.run(1_000, EVERYONE_BUT_N4);
      expect(bench.swim.statusOf('n4')).toBe(status);
    }
  });

  it('and doubts itself by the number of helpers that sent no nack', () => {
    const bench = informed();
    bench.swim.linkDown('n4', bench.nowMs);
    while (bench.ofType('ping-req').length === 0) bench.run(100);
    bench.receive('n3', { type: 'nack', seq: bench.ofType('ping-req')[0]!.message.seq });
    while (bench.swim.statusOf('n4') === 'alive') bench.run(100);
    expect(bench.swim.healthScore).toBe(2);
  });
});

describe('Swim asked for an indirect probe', () => {
  it('pings the target and passes the ack on', () => {
    const bench = informed();
    bench.receive('n2', { type: 'ping-req', seq: 77, target: 'n3', rumours: [] });
    const [ping] = bench.ofType('ping', 'n3');
    bench.receive('n4', { type: 'ack', seq: ping!.message.seq, wallMs: 0, latestMs: 0, rumours: [] });
    expect(bench.ofType('ack')).toEqual([]);
    bench.receive('n3', { type: 'ack', seq: ping!.message.seq, wallMs: 0, latestMs: 0, rumours: [] });
    expect(bench.ofType('ack', 'n2').map(({ message }) => message.seq)).toEqual([77]);
  });

  it('sends a nack when the target does not answer in time, and at once when it cannot be reached', () => {
    const bench = informed();
    bench.receive('n2', { type: 'ping-req', seq: 77, target: 'n3', rumours: [] });
    bench.run(300);
    expect(bench.ofType('nack')).toEqual([]);
    bench.run(100);
    expect(bench.ofType('nack', 'n2').map(({ message }) => message.seq)).toEqual([77]);
    bench.unlinked.add('n4');
    bench.receive('n2', { type: 'ping-req', seq: 78, target: 'n4', rumours: [] });
    expect(bench.ofType('nack', 'n2').map(({ message }) => message.seq)).toEqual([77, 78]);
  });
});

describe('What a node says of itself', () => {
  it('rides on its pings to each member until that one has answered one of them', () => {
    const bench = informed();
    bench.swim.setRefilling(true);
    bench.run(20_000, ['n2', 'n3', 'n4', 'n5']);
    for (const name of ['n2', 'n3', 'n4', 'n5']) {
      const tells = bench.ofType('ping', name).map(({ message }) => message.rumours.some(([of]) => of === 'n1'));
      expect(tells[0], name).toBe(true);
      expect(tells.at(-1), name).toBe(false);
    }
  });
});

describe('A suspect', () => {
  it('is asked itself once, halfway to its death', () => {
    const bench = informed();
    bench.hear('n4', { status: 'suspect' }, ['n3']);
    bench.run(1_100, EVERYONE_BUT_N4);
    bench.sent.length = 0;
    bench.run(1_000, EVERYONE_BUT_N4);
    const words = bench.ofType('gossip', 'n4').filter(({ message }) => message.rumours[0]![0] === 'n1');
    expect(words).toHaveLength(1);
    expect(words[0]!.message.rumours.map(([name, , , , status]) => [name, status])).toEqual([
      ['n1', 0],
      ['n4', 1],
    ]);
  });

  it('hears of it first in whatever it is sent, long after that was news', () => {
    const bench = informed();
    bench.hear('n4', { status: 'suspect' }, ['n3']);
    bench.run(1_800, EVERYONE_BUT_N4);
    bench.sent.length = 0;
    bench.receive('n4', { type: 'ping', seq: 5, rumours: [] });
    expect(bench.ofType('ack', 'n4')[0]!.message.rumours.map(([name]) => name)).toEqual(['n4']);
  });

  it('that contradicted and meets the old suspicion again says so to whoever still holds it', () => {
    const bench = informed();
    const doubt = bench.rumour('n1', { actor: bench.swim.memberOf('n1')!.actor, status: 'suspect' }, ['n2']);
    bench.receive('n2', { type: 'gossip', rumours: [doubt] });
    expect(bench.swim.memberOf('n1')!.refutation).toBe(1);
    bench.run(5_000, ['n2', 'n3', 'n4', 'n5']);
    bench.sent.length = 0;
    bench.receive('n3', { type: 'gossip', rumours: [doubt] });
    expect(bench.swim.memberOf('n1')!.refutation).toBe(1);
    expect(bench.ofType('gossip', 'n3')[0]!.message.rumours[0]!.slice(0, 4)).toEqual(['n1', doubt[1], 1_000, 1]);
  });

  it('is dead after the maximum timeout without confirmation, and after the minimum with all', () => {
    for (const [witnesses, deadMs] of [
      [['n3'], 6 * 2_900],
      [['n2', 'n3', 'n5', 'n9'], 2_900],
    ] as const) {
      const bench = informed();
      const beforeMs = bench.nowMs;
      bench.hear('n4', { status: 'suspect' }, [...witnesses]);
      while (bench.swim.statusOf('n4') !== 'dead') bench.run(100, ['n2', 'n3', 'n4', 'n5']);
      expect(bench.nowMs - beforeMs).toBe(deadMs);
    }
  });
});

describe('Push-pull', () => {
  it('offers a digest to one living member every 30 s, and to one dead or unknown member every 5 s', () => {
    const bench = informed();
    bench.hear('n5', { status: 'dead' });
    bench.run(60_000, ['n2', 'n3', 'n4']);
    const syncs = bench.ofType('sync');
    expect(syncs.filter(({ to }) => to !== 'n5')).toHaveLength(2);
    expect(syncs.filter(({ to }) => to === 'n5')).toHaveLength(12);
  });

  it('answers an equal digest with nothing, another with all that is known, and that with what goes beyond it', () => {
    const bench = informed();
    const own = bench.rumour('n1', { actor: bench.swim.memberOf('n1')!.actor });
    bench.receive('n2', { type: 'sync', digest: 0, rumours: [] });
    const [state] = bench.ofType('state', 'n2');
    expect(state!.message.rumours.map(([name]) => name)).toEqual(['n1', 'n2', 'n3', 'n4', 'n5']);
    bench.swim.linkUp(identityOf('n2'), bench.nowMs);
    const [offer] = bench.ofType('sync', 'n2');
    bench.sent.length = 0;
    bench.receive('n2', { type: 'sync', digest: offer!.message.digest, rumours: [] });
    expect(bench.sent).toEqual([]);
    bench.receive('n2', { type: 'state', rumours: [own, bench.rumour('n3'), bench.rumour('n4', { generation: 1 })] });
    expect(bench.ofType('gossip', 'n2')[0]!.message.rumours.map(([name]) => name)).toEqual(['n2', 'n4', 'n5']);
  });

  it('offers digests to few at a time, however many links come up at once', () => {
    const names = Array.from({ length: 50 }, (_, i) => `n${i + 1}`);
    const bench = new Bench(names);
    bench.swim.tick(0);
    for (const name of names) bench.swim.linkUp(identityOf(name), 0);
    expect(bench.ofType('sync')).toHaveLength(3);
    expect(new Set(bench.sent.map(({ to }) => to)).size).toBe(49);
  });
});

describe('Swim', () => {
  it('ignores rumours about names, and messages of names, that are not on the member list', () => {
    const bench = new Bench();
    bench.hear('n9');
    bench.receive('n9', { type: 'ping', seq: 1, rumours: [] });
    expect(bench.events).toEqual([]);
    expect([...bench.swim.members()]).toHaveLength(5);
    expect(bench.sent.map(({ to }) => to)).not.toContain('n9');
  });

  it('keeps what it believes of members that stay when the member list changes', () => {
    const bench = new Bench(['n1', 'n2', 'n3']);
    bench.hear('n2');
    bench.hear('n3');
    bench.swim.setMembers(['n1', 'n2', 'n4'].map(name => clusterMember(identityOf(name))));
    const statuses = [...bench.swim.members()].map(({ name, status }) => `${name} ${status}`);
    expect(statuses).toEqual(['n1 alive', 'n2 alive', 'n4 unknown']);
    bench.sent.length = 0;
    bench.run(5_000, ['n2']);
    expect(bench.sent.some(({ to }) => to === 'n3')).toBe(false);
  });

  it('says when a later process bears its name, and claims it no more', () => {
    const bench = new Bench();
    const { generation } = bench.swim.memberOf('n1')!;
    bench.hear('n1', { actor: 'n1.former', generation: generation + 2_000 });
    expect(bench.swim.memberOf('n1')!.generation).toBe(generation + 2_001);
    expect(bench.events).toEqual([]);
    bench.run(60_000);
    bench.events.length = 0;
    bench.hear('n1', { actor: 'n1.later', generation: generation + 50_000 });
    expect(bench.events.map(({ type }) => type)).toEqual(['superseded']);
    expect(bench.swim.memberOf('n1')!.generation).toBe(generation + 2_001);
  });

  it('tells one that speaks under a name who bears it now', () => {
    const bench = new Bench();
    bench.hear('n2', { actor: 'n2.later', generation: 9_000, status: 'left' });
    bench.sent.length = 0;
    const former = bench.rumour('n2', { actor: 'n2.former', generation: 1_000 });
    bench.receive('n2', { type: 'sync', digest: 1, rumours: [former] });
    bench.receive('n2', { type: 'sync', digest: 1, rumours: [former] });
    const told = bench
      .ofType('gossip', 'n2')
      .map(({ message }) => message.rumours.map(([name, actor]) => [name, actor]));
    expect(told).toEqual([[['n2', 'n2.later']]]);
    bench.run(200);
    bench.sent.length = 0;
    bench.swim.linkUp(identityOf('n2', 'n2.former'), bench.nowMs);
    expect(bench.ofType('gossip', 'n2')[0]!.message.rumours.map(([, actor]) => actor)).toEqual(['n2.later']);
  });

  it('once it has left, answers probes but makes none and contradicts nothing', () => {
    const bench = informed();
    bench.swim.leave(bench.nowMs);
    expect(new Set(bench.ofType('gossip').map(({ to }) => to)).size).toBe(4);
    bench.hear('n1', { actor: bench.swim.memberOf('n1')!.actor, refutation: 9, status: 'dead' });
    bench.run(5_000);
    expect(bench.ofType('ping')).toEqual([]);
    expect(bench.swim.statusOf('n1')).toBe('left');
    bench.receive('n2', { type: 'ping', seq: 4, rumours: [] });
    expect(bench.ofType('ack', 'n2')).toHaveLength(1);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { LocalHealth } from '../../src/membership/health.ts';
import { compareBeliefs, eventsBetween, type Member, type MemberStatus } from '../../src/membership/member.ts';
import { ProbeOrder } from '../../src/membership/probe-order.ts';
import { RumourQueue } from '../../src/membership/rumour-queue.ts';
import { Suspicion, suspicionTimeoutMs } from '../../src/membership/suspicion.ts';
import { memberOf, parseSwimMessage, rumourOf } from '../../src/membership/swim-messages.ts';
import { LAN_TIMINGS, minSuspicionMs, retransmitLimit } from '../../src/membership/swim-options.ts';
import { identityOf } from '../../src/sim/membership-network.ts';

describe('The suspicion timeout', () => {
  it.each([
    // Confirmations, expected, min, max, timeout. Memberlist's suspicion_test.go has the same, less the time elapsed.
    [0, 3, 2_000, 30_000, 30_000],
    [1, 3, 2_000, 30_000, 16_000],
    [2, 3, 2_000, 30_000, 7_810],
    [3, 3, 2_000, 30_000, 2_000],
    [4, 3, 2_000, 30_000, 2_000],
    [5, 3, 2_000, 30_000, 2_000],
    [0, 0, 2_000, 30_000, 2_000],
    [0, 1, 2_000, 30_000, 30_000],
    [1, 1, 2_000, 30_000, 2_000],
  ])('after %i of %i confirmations between %i and %i ms is %i ms', (confirmations, expected, min, max, timeout) => {
    expect(suspicionTimeoutMs(confirmations, expected, min, max)).toBe(timeout);
  });

  it('counts each witness once, and not the first', () => {
    const suspicion = new Suspicion(1_000, ['a']);
    expect(suspicion.deadlineMs(1, 100, 900)).toBe(1_900);
    expect(suspicion.confirm('a')).toBe(false);
    expect(suspicion.deadlineMs(1, 100, 900)).toBe(1_900);
    expect(suspicion.confirm('b')).toBe(true);
    expect(suspicion.deadlineMs(1, 100, 900)).toBe(1_100);
  });

  it('has the suspect asked three times on the way to it', () => {
    const suspicion = new Suspicion(1_000, ['a']);
    const asked: number[] = [];
    for (let nowMs = 1_000; nowMs < 2_000; nowMs += 5) if (suspicion.isTimeToAsk(nowMs, 800)) asked.push(nowMs - 1_000);
    expect(asked).toEqual([400, 600, 700]);
  });

  it.each([
    [2, 2_800],
    [3, 2_800],
    [5, 2_900],
    [20, 3_000],
    [100, 3_100],
  ])('of %i nodes is at least %i ms', (members, ms) => {
    expect(minSuspicionMs(LAN_TIMINGS, members)).toBe(ms);
  });
});

describe('A rumour', () => {
  it.each([
    [1, 2],
    [3, 3],
    [9, 4],
    [99, 8],
    [999, 12],
  ])('among %i members is passed on %i times', (members, times) => {
    expect(retransmitLimit(LAN_TIMINGS, members)).toBe(times);
  });

  it('that was passed on least often goes first, and not at all once it reached the limit', () => {
    const queue = new RumourQueue();
    queue.put('a');
    queue.passed(queue.next(8), 2);
    queue.put('b');
    expect(queue.next(1)).toEqual(['b']);
    queue.passed(queue.next(8), 2);
    expect(queue.next(8)).toEqual(['b']);
    queue.put('b');
    queue.passed(['b', 'stranger'], 2);
    queue.passed(['b'], 2);
    expect(queue.size).toBe(0);
  });
});

describe('Local health', () => {
  it('stays between 0 and its maximum', () => {
    const health = new LocalHealth(8);
    health.add(-1);
    expect(health.multiplier).toBe(1);
    health.add(20);
    expect([health.score, health.multiplier]).toEqual([8, 9]);
    health.add(-3);
    expect(health.score).toBe(5);
  });
});

describe('The probe order', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];

  it('has every member once in each pass, in another order each time', () => {
    const order = new ProbeOrder(new SeededRandom(1));
    order.setNames(names);
    const passes = Array.from({ length: 20 }, () => names.map(() => order.next(() => true)!));
    for (const pass of passes) expect([...pass].sort()).toEqual(names);
    expect(new Set(passes.map(pass => pass.join())).size).toBeGreaterThan(10);
  });

  it('begins with those that there is a hint against, once', () => {
    const order = new ProbeOrder(new SeededRandom(1));
    order.setNames(names);
    order.hint('d');
    order.hint('stranger');
    expect(order.next(() => true)).toBe('d');
    const pass = Array.from({ length: 4 }, () => order.next(() => true));
    expect(new Set(pass).size).toBe(4);
  });

  it('leaves out whom it may not probe, and ends when there is nobody', () => {
    const order = new ProbeOrder(new SeededRandom(1));
    order.setNames(names);
    for (let i = 0; i < 10; i++) expect(['a', 'e']).toContain(order.next(name => name === 'a' || name === 'e'));
    expect(order.next(() => false)).toBeUndefined();
    expect(order.sample(3, () => true)).toHaveLength(3);
    expect(new Set(order.sample(9, () => true)).size).toBe(5);
  });
});

const status = fc.constantFrom<MemberStatus>('alive', 'suspect', 'dead', 'left');
const belief: fc.Arbitrary<Member> = fc
  .record({
    actor: fc.constantFrom('n.1', 'n.2'),
    generation: fc.nat(2),
    refutation: fc.nat(2),
    status,
    refilling: fc.boolean(),
    clockOff: fc.boolean(),
  })
  .map(fields => ({ name: 'n', identity: identityOf('n', fields.actor), ...fields }));

describe('Beliefs', () => {
  it('are totally ordered', () => {
    fc.assert(
      fc.property(belief, belief, belief, (a, b, c) => {
        expect(Math.sign(compareBeliefs(a, b))).toBe(-Math.sign(compareBeliefs(b, a)) + 0);
        if (compareBeliefs(a, b) <= 0 && compareBeliefs(b, c) <= 0) expect(compareBeliefs(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('come through a rumour unchanged', () => {
    fc.assert(
      fc.property(belief, member => {
        const { clusterId } = member.identity;
        const message = { type: 'gossip', rumours: [rumourOf(member, ['w'])] };
        const parsed = parseSwimMessage(JSON.parse(JSON.stringify(message)));
        expect(parsed).toEqual(message);
        if (parsed?.type === 'gossip') expect(memberOf(parsed.rumours[0]!, clusterId)).toEqual(member);
      }),
    );
  });

  it('that change are told as what a routing table needs to know', () => {
    const alive: Member = {
      name: 'n',
      actor: 'n.1',
      generation: 1,
      refutation: 0,
      status: 'alive',
      identity: identityOf('n', 'n.1'),
      refilling: false,
      clockOff: false,
    };
    const unknown: Member = { ...alive, actor: '', generation: 0, status: 'unknown' };
    const restarted: Member = { ...alive, actor: 'n.2', generation: 2 };
    expect(eventsBetween(unknown, alive)).toEqual(['alive']);
    expect(eventsBetween(unknown, { ...alive, status: 'dead' })).toEqual(['dead']);
    expect(eventsBetween(alive, { ...alive, status: 'suspect' })).toEqual(['suspect']);
    expect(eventsBetween({ ...alive, status: 'dead' }, { ...alive, refutation: 1 })).toEqual(['alive']);
    expect(eventsBetween(alive, { ...alive, refutation: 1 })).toEqual([]);
    expect(eventsBetween(alive, { ...alive, refutation: 1, refilling: true })).toEqual(['changed']);
    expect(eventsBetween({ ...alive, status: 'dead' }, restarted)).toEqual(['restarted']);
    expect(eventsBetween(alive, { ...restarted, status: 'suspect' })).toEqual(['restarted', 'suspect']);
  });
});

describe('A SWIM message', () => {
  it('that is not one is refused', () => {
    const rumour = ['n', 'n.1', 1, 0, 0, 0, 'h', 1, 'h', 2, 'z', 1, []];
    const withField = (index: number, value: unknown) => ({
      type: 'gossip',
      rumours: [rumour.with(index, value as never)],
    });
    expect(parseSwimMessage({ type: 'gossip', rumours: [rumour] })).toBeDefined();
    const garbage: unknown[] = [
      undefined,
      null,
      'ping',
      [],
      {},
      { type: 'ping', rumours: [] },
      { type: 'ping', seq: -1, rumours: [] },
      { type: 'ping', seq: 2 ** 32, rumours: [] },
      { type: 'ping', seq: 1 },
      { type: 'ack', seq: 1, rumours: [] },
      { type: 'ack', seq: 1, wallMs: -1, latestMs: 0, rumours: [] },
      { type: 'ack', seq: 1, wallMs: 0, latestMs: -1, rumours: [] },
      { type: 'ping', seq: 1, rumours: {} },
      { type: 'ping-req', seq: 1, rumours: [], target: '' },
      { type: 'nack', seq: '1' },
      { type: 'sync', digest: 0.5, rumours: [] },
      { type: 'constructor', rumours: [] },
      { type: 'gossip', rumours: Array(1_025).fill(rumour) },
      { type: 'gossip', rumours: [rumour.slice(1)] },
      withField(0, 'x'.repeat(129)),
      withField(1, ''),
      withField(2, 2 ** 52),
      withField(3, -1),
      withField(4, 4),
      withField(5, true),
      withField(5, 4),
      withField(6, ''),
      withField(7, 65_536),
      withField(9, Number.NaN),
      withField(10, 1),
      withField(11, 0),
      withField(11, Number.POSITIVE_INFINITY),
      withField(12, Array(9).fill('w')),
      withField(12, [1]),
    ];
    for (const value of garbage) expect(parseSwimMessage(value), JSON.stringify(value)).toBeUndefined();
  });

  it('never throws on anything', () => {
    fc.assert(
      fc.property(
        fc.anything(),
        fc.constantFrom('ping', 'ack', 'ping-req', 'nack', 'gossip', 'sync', 'state'),
        (x, type) => {
          parseSwimMessage(x);
          parseSwimMessage({ type, seq: x, rumours: x, target: x, digest: x });
          parseSwimMessage({ type, seq: 1, rumours: [x], target: 'n', digest: 1 });
        },
      ),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { LocalHealth } from '../../src/membership/health.ts';
import { ProbeOrder } from '../../src/membership/probe-order.ts';
import { Prober } from '../../src/membership/prober.ts';
import { LAN_TIMINGS } from '../../src/membership/swim-options.ts';

const PERIOD_MS = LAN_TIMINGS.probeIntervalMs;
const TIMEOUT_MS = LAN_TIMINGS.probeTimeoutMs;

/** A prober among n2 to n6 whose messages go nowhere, and what it has done: `ping n2`, `ping-req n3 for n2` and so on. */
class Bench {
  readonly done: string[] = [];
  readonly pings = new Map<string, number>();
  readonly health = new LocalHealth(8);
  readonly order = new ProbeOrder(new SeededRandom(1));
  /** To whom nothing can be sent. */
  readonly unlinked = new Set<string>();
  readonly unhelpful = new Set<string>();
  readonly improbable = new Set<string>();
  readonly prober: Prober;
  nowMs = 0;

  constructor(probesPerInterval = 1, names = ['n2', 'n3', 'n4', 'n5', 'n6']) {
    this.order.setNames(names);
    const timings = { ...LAN_TIMINGS, probesPerInterval };
    this.prober = new Prober(timings, this.health, this.order, {
      probeable: name => !this.improbable.has(name),
      helpful: name => !this.unhelpful.has(name),
      ping: (to, seq) => {
        this.done.push(`ping ${to}`);
        this.pings.set(to, seq);
        return !this.unlinked.has(to);
      },
      pingRequest: (to, _seq, target) => {
        this.done.push(`ping-req ${to} for ${target}`);
        return !this.unlinked.has(to);
      },
      ack: (to, seq) => void this.done.push(`ack ${to} ${seq}`),
      nack: (to, seq) => void this.done.push(`nack ${to} ${seq}`),
      unreachable: target => void this.done.push(`unreachable ${target}`),
    });
    this.prober.start(0);
  }

  tick(atMs: number): string[] {
    this.nowMs = atMs;
    this.prober.tick(atMs);
    return this.done.splice(0);
  }

  /** Begins the probe of a member and says its number. */
  probe(name: string, atMs: number): number {
    this.order.hint(name);
    expect(this.tick(atMs)).toContain(`ping ${name}`);
    return this.pings.get(name)!;
  }
}

describe('A probe', () => {
  it('begins with each interval, of one that is worth it and not being probed', () => {
    const bench = new Bench(1, ['n2', 'n3']);
    bench.improbable.add('n3');
    expect(bench.tick(0)).toEqual(['ping n2']);
    expect(bench.tick(PERIOD_MS - 1)).not.toContain('ping n2');
    bench.prober.acked('n2', bench.pings.get('n2')!);
    expect(bench.tick(PERIOD_MS)).toEqual(['ping n2']);
  });

  it('may be one of several at once, evenly spaced, and no more', () => {
    const bench = new Bench(4);
    const begun = [];
    for (let nowMs = 0; nowMs < TIMEOUT_MS; nowMs += 50)
      for (const done of bench.tick(nowMs)) begun.push([done, nowMs]);
    expect(begun.map(([, atMs]) => atMs)).toEqual([0, 250]);
    for (let nowMs = TIMEOUT_MS; nowMs < PERIOD_MS; nowMs += 50) bench.tick(nowMs);
    expect(new Set(bench.pings.keys()).size).toBe(4);
  });

  it('that is answered by its target ends, does the health good, and says when it was sent', () => {
    const bench = new Bench();
    bench.health.add(3);
    const seq = bench.probe('n2', 0);
    expect(bench.prober.acked('n2', seq + 1)).toBeUndefined();
    expect(bench.prober.acked('n3', seq)).toBeUndefined();
    expect(bench.health.score).toBe(3);
    expect(bench.prober.acked('n2', seq)).toBe(0);
    expect(bench.health.score).toBe(2);
    expect(bench.prober.acked('n2', seq)).toBeUndefined();
    expect(bench.tick(TIMEOUT_MS)).toEqual([]);
  });

  it('asks others after the timeout, none of them the target or unhelpful, and judges at the end', () => {
    const bench = new Bench();
    bench.unhelpful.add('n6');
    bench.probe('n2', 0);
    expect(bench.tick(TIMEOUT_MS - 1)).toEqual([]);
    expect(bench.tick(TIMEOUT_MS).sort()).toEqual(['ping-req n3 for n2', 'ping-req n4 for n2', 'ping-req n5 for n2']);
    expect(bench.tick(PERIOD_MS - 1)).toEqual([]);
    expect(bench.tick(PERIOD_MS)).toContain('unreachable n2');
    // Three did not even say nack: the trouble may be on this side.
    expect(bench.health.score).toBe(3);
  });

  it('is answered as well by a helper, which says nothing of when', () => {
    const bench = new Bench();
    bench.unhelpful.add('n6');
    const seq = bench.probe('n2', 0);
    bench.tick(TIMEOUT_MS);
    expect(bench.prober.acked('n6', seq)).toBeUndefined();
    expect(bench.prober.acked('n4', seq)).toBeUndefined();
    expect(bench.tick(PERIOD_MS)).not.toContain('unreachable n2');
  });

  it('whose helpers all say no makes the node doubt itself no more', () => {
    const bench = new Bench();
    bench.unhelpful.add('n6');
    const seq = bench.probe('n2', 0);
    bench.tick(TIMEOUT_MS);
    for (const helper of ['n3', 'n4', 'n5']) bench.prober.nacked(helper, seq);
    expect(bench.tick(PERIOD_MS - 1)).toEqual([]);
    expect(bench.tick(PERIOD_MS)).toContain('unreachable n2');
    expect(bench.health.score).toBe(0);
  });

  it('without a helper makes the node doubt itself by one', () => {
    const bench = new Bench(1, ['n2']);
    bench.probe('n2', 0);
    bench.tick(TIMEOUT_MS);
    expect(bench.tick(PERIOD_MS)).toContain('unreachable n2');
    expect(bench.health.score).toBe(1);
  });

  it('that cannot be sent asks others at once, and is judged when none can be asked or all have said no', () => {
    const bench = new Bench();
    bench.unhelpful.add('n6');
    bench.unlinked.add('n2');
    bench.order.hint('n2');
    expect(bench.tick(0)).toHaveLength(4);
    const seq = bench.pings.get('n2')!;
    for (const helper of ['n3', 'n4']) bench.prober.nacked(helper, seq);
    expect(bench.done).toEqual([]);
    bench.prober.nacked('n5', seq);
    expect(bench.done.splice(0)).toEqual(['unreachable n2']);
    const alone = new Bench(1, ['n2']);
    alone.unlinked.add('n2');
    expect(alone.tick(0)).toEqual(['ping n2', 'unreachable n2']);
  });

  it('takes longer the more the node mistrusts itself', () => {
    const bench = new Bench(1, ['n2', 'n3']);
    bench.health.add(2);
    bench.probe('n2', 0);
    expect(bench.tick(3 * TIMEOUT_MS - 1)).toEqual([]);
    expect(bench.tick(3 * TIMEOUT_MS)).toEqual(['ping-req n3 for n2']);
    expect(bench.tick(3 * PERIOD_MS - 1)).toEqual([]);
    expect(bench.tick(3 * PERIOD_MS)).toContain('unreachable n2');
  });

  it('is not held against its target for the time in which this node stood still', () => {
    const bench = new Bench();
    bench.probe('n2', 0);
    bench.prober.shift(5_000);
    expect(bench.tick(TIMEOUT_MS + 4_999)).toEqual([]);
    expect(bench.tick(TIMEOUT_MS + 5_000)).toHaveLength(3);
    expect(bench.tick(PERIOD_MS + 4_999)).toEqual([]);
    expect(bench.tick(PERIOD_MS + 5_000)).toContain('unreachable n2');
  });
});

describe('A probe out of turn', () => {
  it('begins at once, unless one of that member is under way, it is not worth it, or nothing can be sent', () => {
    const bench = new Bench();
    bench.unlinked.add('n4');
    bench.improbable.add('n5');
    for (const name of ['n3', 'n3', 'n4', 'n5']) bench.prober.probe(name, 10);
    expect(bench.done.splice(0)).toEqual(['ping n3', 'ping n4']);
    expect(bench.prober.acked('n3', bench.pings.get('n3')!)).toBe(10);
    // Nothing was sent, so nothing is judged.
    bench.improbable.add('n4');
    for (let nowMs = 20; nowMs < 3 * PERIOD_MS; nowMs += 20) expect(bench.tick(nowMs)).not.toContain('unreachable n4');
  });

  it('is one of eight at most', () => {
    const names = Array.from({ length: 12 }, (_, i) => `m${i}`);
    const bench = new Bench(1, names);
    for (const name of names) bench.prober.probe(name, 0);
    expect(bench.done).toHaveLength(8);
  });
});

describe('A ping for another', () => {
  it('is sent, its answer passed on once, and a nack when there is none in time', () => {
    const bench = new Bench();
    bench.prober.requested('n3', 77, 'n2', 0);
    expect(bench.done.splice(0)).toEqual(['ping n2']);
    const seq = bench.pings.get('n2')!;
    expect(bench.prober.acked('n4', seq)).toBeUndefined();
    expect(bench.prober.acked('n2', seq)).toBeUndefined();
    expect(bench.done.splice(0)).toEqual(['ack n3 77']);
    bench.prober.acked('n2', seq);
    expect(bench.done).toEqual([]);
    bench.prober.requested('n3', 78, 'n2', 0);
    bench.done.length = 0;
    expect(bench.tick(TIMEOUT_MS - 1)).not.toContain('nack n3 78');
    expect(bench.tick(TIMEOUT_MS)).toContain('nack n3 78');
    expect(bench.tick(TIMEOUT_MS + 1)).not.toContain('nack n3 78');
  });

  it('that cannot be sent is refused at once', () => {
    const bench = new Bench();
    bench.unlinked.add('n2');
    bench.prober.requested('n3', 77, 'n2', 0);
    expect(bench.done).toEqual(['ping n2', 'nack n3 77']);
  });

  it('waits longer when this node stood still, and beyond a thousand is not taken', () => {
    const bench = new Bench();
    bench.prober.requested('n3', 77, 'n2', 0);
    bench.prober.shift(1_000);
    expect(bench.tick(TIMEOUT_MS + 999)).not.toContain('nack n3 77');
    expect(bench.tick(TIMEOUT_MS + 1_000)).toContain('nack n3 77');
    for (let i = 0; i < 1_100; i++) bench.prober.requested('n3', i, 'n2', 5_000);
    expect(bench.done).toHaveLength(1_024);
  });
});

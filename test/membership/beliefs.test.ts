import { describe, expect, it } from 'vitest';
import { Beliefs } from '../../src/membership/beliefs.ts';
import { clusterMember } from '../../src/membership/cluster.ts';
import type { Member } from '../../src/membership/member.ts';
import { NUMBER_LIMIT, rumourOf } from '../../src/membership/swim-messages.ts';
import { LAN_TIMINGS } from '../../src/membership/swim-options.ts';
import { identityOf } from '../../src/sim/membership-network.ts';

const NAMES = ['n1', 'n2', 'n3', 'n4', 'n5'];
const [MIN_MS, MAX_MS] = [2_900, 2_900 * LAN_TIMINGS.maxSuspicionFactor];

/** n1's beliefs, and what they brought about, in words. */
class Bench {
  readonly said: string[] = [];
  readonly beliefs: Beliefs;

  constructor({ names = NAMES, startedAtMs = 1_000 } = {}) {
    const say = (what: string) => void this.said.push(what);
    this.beliefs = new Beliefs(identityOf('n1'), startedAtMs, LAN_TIMINGS, {
      changed: (before, after) => say(`${after.name} ${before.status}>${after.status}`),
      confirmed: name => say(`${name} confirmed`),
      ask: name => say(`ask ${name}`),
      outdated: () => say('outdated'),
      selfRaised: contradicts => say(contradicts ? 'contradicts' : 'says'),
      superseded: by => say(`superseded by ${by.actor}`),
    });
    this.beliefs.setPlaces(names.map(name => clusterMember(identityOf(name))));
  }

  /** A rumour about a member that started at 1,000 as its first actor. */
  hear(name: string, change: Partial<Member> = {}, witnesses: readonly string[] = [], nowMs = 0): void {
    const member: Member = {
      ...{ name, actor: `${name}.1`, generation: 1_000, refutation: 0, status: 'alive', identity: identityOf(name) },
      ...{ refilling: false, clockOff: false, ...change },
    };
    this.beliefs.hear(rumourOf(member, witnesses), nowMs);
  }

  take(): string[] {
    return this.said.splice(0);
  }
}

/** Everybody is there. */
function informed(): Bench {
  const bench = new Bench();
  for (const name of ['n2', 'n3', 'n4', 'n5']) bench.hear(name);
  bench.take();
  return bench;
}

describe('A belief', () => {
  it('begins with oneself alive, neither refilling nor off, from the time of the start on', () => {
    expect(new Bench().beliefs.self).toMatchObject({
      ...{ name: 'n1', generation: 1_000, refutation: 0, status: 'alive', refilling: false, clockOff: false },
    });
    expect(new Bench({ startedAtMs: -5 }).beliefs.self.generation).toBe(1);
    expect(new Bench({ startedAtMs: 10.9 }).beliefs.self.generation).toBe(10);
    // So far from the bound that there is room to rise above others.
    expect(new Bench({ startedAtMs: 2 ** 60 }).beliefs.self.generation).toBe(NUMBER_LIMIT / 2);
  });

  it('of another comes from the first rumour, gives way to a greater one, and to no lesser or equal one', () => {
    const bench = new Bench();
    bench.hear('n2', { refutation: 3 });
    bench.hear('n2', { refutation: 3 });
    bench.hear('n2', { refutation: 2, status: 'dead' });
    expect(bench.take()).toEqual(['n2 unknown>alive']);
    bench.hear('n2', { refutation: 3, status: 'dead' });
    bench.hear('n2', { generation: 2_000, actor: 'n2.2' });
    expect(bench.take()).toEqual(['n2 alive>dead', 'n2 dead>alive']);
  });

  it('of a later actor makes the others of its name former ones, in whatever order they are heard of', () => {
    const bench = new Bench();
    const isFormer = (actor: string) => bench.beliefs.isFormer({ name: 'n2', actor });
    bench.hear('n2', { actor: 'n2.1', generation: 1_000 });
    expect([isFormer('n2.1'), isFormer('n2.2')]).toEqual([false, false]);
    bench.hear('n2', { actor: 'n2.2', generation: 2_000, status: 'dead' });
    bench.hear('n2', { actor: 'n2.0', generation: 500 });
    expect(['n2.0', 'n2.1', 'n2.2', 'n2.3'].map(isFormer)).toEqual([true, true, false, false]);
    // It has found its former self, and raised its generation.
    bench.hear('n2', { actor: 'n2.0', generation: 2_001 });
    expect(['n2.0', 'n2.1', 'n2.2'].map(isFormer)).toEqual([false, true, true]);
    for (let i = 3; i < 30; i++) bench.hear('n2', { actor: `n2.${i}`, generation: 3_000 + i });
    expect([isFormer('n2.1'), isFormer('n2.28')]).toEqual([false, true]);
  });

  it('of a stranger there is none', () => {
    const bench = new Bench();
    bench.hear('n9');
    bench.beliefs.suspect('n9', 0);
    expect(bench.take()).toEqual([]);
    expect(bench.beliefs.size).toBe(5);
  });

  it('of one that is no member any more is forgotten, with its suspicion; of oneself never', () => {
    const bench = informed();
    bench.beliefs.suspect('n5', 0);
    bench.take();
    bench.beliefs.setPlaces(['n2', 'n3', 'n6'].map(name => clusterMember(identityOf(name))));
    expect([...bench.beliefs.all()].map(({ name, status }) => `${name} ${status}`)).toEqual([
      ...['n1 alive', 'n2 alive', 'n3 alive', 'n6 unknown'],
    ]);
    bench.beliefs.bury(MAX_MS);
    expect(bench.take()).toEqual([]);
  });
});

describe('What is passed on', () => {
  it('is all that is known, with the witnesses of a suspicion and of nothing else', () => {
    const bench = informed();
    bench.hear('n2', { status: 'suspect' }, ['n3']);
    const witnesses = Object.fromEntries(bench.beliefs.rumours().map(rumour => [rumour[0], rumour[12]]));
    expect(witnesses).toEqual({ n1: [], n2: ['n3'], n3: [], n4: [], n5: [] });
    expect(new Bench().beliefs.rumours().map(([name]) => name)).toEqual(['n1']);
    expect(new Bench().beliefs.rumourAbout('n2')).toBeUndefined();
    expect(bench.beliefs.rumourAbout('n9')).toBeUndefined();
  });

  it('goes beyond what another knows where that knows nothing or less', () => {
    const bench = informed();
    bench.hear('n2', { refutation: 5 });
    bench.hear('n3', { refutation: 5 });
    const theirs = informed();
    theirs.hear('n3', { refutation: 5 });
    theirs.hear('n4', { refutation: 7 });
    const known = theirs.beliefs.rumours().filter(([name]) => name !== 'n5');
    expect(bench.beliefs.beyond(known).map(([name]) => name)).toEqual(['n2', 'n5']);
  });

  it('has a digest that equal beliefs share in whatever order they came, and others do not', () => {
    const [one, other] = [new Bench(), new Bench()];
    for (const name of ['n2', 'n3']) one.hear(name);
    for (const name of ['n3', 'n2']) other.hear(name);
    expect(one.beliefs.digest()).toBe(other.beliefs.digest());
    const digests = new Set([one.beliefs.digest()]);
    for (const change of [
      { refutation: 1 },
      { refutation: 1, status: 'suspect' },
      { generation: 2_000 },
      { actor: 'n2.2', generation: 2_000 },
    ] as const) {
      one.hear('n2', change);
      digests.add(one.beliefs.digest());
    }
    expect(digests.size).toBe(5);
    // Whom the list names and nobody has heard of makes no difference, or two lists of one cluster would never agree.
    expect(new Bench({ names: ['n1'] }).beliefs.digest()).toBe(new Bench().beliefs.digest());
  });
});

describe('A suspicion', () => {
  it('begins with the own failed probe, and is confirmed once by each other witness', () => {
    const bench = informed();
    bench.beliefs.suspect('n2', 0);
    bench.beliefs.suspect('n2', 10);
    expect(bench.take()).toEqual(['n2 alive>suspect']);
    expect(bench.beliefs.rumourAbout('n2')![12]).toEqual(['n1']);
    bench.hear('n2', { status: 'suspect' }, ['n3']);
    bench.hear('n2', { status: 'suspect' }, ['n3', 'n1']);
    expect(bench.take()).toEqual(['n2 confirmed']);
    expect(bench.beliefs.rumourAbout('n2')![12]).toEqual(['n1', 'n3']);
  });

  it('of others is confirmed by the own failed probe', () => {
    const bench = informed();
    bench.hear('n2', { status: 'suspect' }, ['n3']);
    bench.beliefs.suspect('n2', 0);
    expect(bench.take()).toEqual(['n2 alive>suspect', 'n2 confirmed']);
  });

  it('is none of one that is dead or unknown, and rumours of the living confirm nothing', () => {
    const bench = informed();
    bench.hear('n2', { status: 'dead' });
    bench.take();
    bench.beliefs.suspect('n2', 0);
    new Bench().beliefs.suspect('n3', 0);
    bench.hear('n3', {}, ['n4']);
    bench.hear('n2', { status: 'dead' }, ['n4']);
    expect(bench.take()).toEqual([]);
  });

  it('becomes a death after the longest timeout without confirmation, and on the way the suspect is asked', () => {
    const bench = informed();
    bench.beliefs.suspect('n2', 0);
    bench.take();
    for (let nowMs = 0; nowMs < MAX_MS; nowMs += 50) bench.beliefs.bury(nowMs);
    expect(bench.take()).toEqual(['ask n2', 'ask n2', 'ask n2']);
    bench.beliefs.bury(MAX_MS);
    expect(bench.take()).toEqual(['n2 suspect>dead']);
    expect(bench.beliefs.rumourAbout('n2')![12]).toEqual([]);
    bench.beliefs.bury(2 * MAX_MS);
    expect(bench.take()).toEqual([]);
  });

  it('becomes one after the shortest when all that can be expected have confirmed', () => {
    const bench = informed();
    bench.hear('n2', { status: 'suspect' }, ['n1', 'n3', 'n4', 'n5']);
    // Alive besides oneself are three: so many may be waited for.
    bench.beliefs.bury(MIN_MS - 1);
    expect(bench.beliefs.of('n2')!.status).toBe('suspect');
    bench.beliefs.bury(MIN_MS);
    expect(bench.beliefs.of('n2')!.status).toBe('dead');
  });

  it('waits for no more witnesses than live', () => {
    const bench = new Bench();
    for (const name of ['n2', 'n3']) bench.hear(name);
    bench.hear('n2', { status: 'suspect' }, ['n1', 'n3']);
    bench.beliefs.bury(MIN_MS);
    expect(bench.beliefs.of('n2')!.status).toBe('dead');
  });

  it('ends with a refutation', () => {
    const bench = informed();
    bench.beliefs.suspect('n2', 0);
    bench.hear('n2', { refutation: 1 });
    bench.beliefs.bury(2 * MAX_MS);
    expect(bench.take()).toEqual(['n2 alive>suspect', 'n2 suspect>alive']);
  });

  it('lasts longer by the time in which this node stood still', () => {
    const bench = informed();
    bench.beliefs.suspect('n2', 0);
    bench.beliefs.shift(5_000);
    bench.beliefs.bury(MAX_MS + 4_999);
    expect(bench.beliefs.of('n2')!.status).toBe('suspect');
    bench.beliefs.bury(MAX_MS + 5_000);
    expect(bench.beliefs.of('n2')!.status).toBe('dead');
  });
});

describe('What others say of oneself', () => {
  const ofSelf = (bench: Bench, change: Partial<Member>): string[] => {
    bench.hear('n1', { actor: bench.beliefs.self.actor, ...change });
    return bench.take();
  };

  it('is contradicted above it, when it is wrong and not older', () => {
    const bench = informed();
    expect(ofSelf(bench, { status: 'suspect', refutation: 4 })).toEqual(['contradicts']);
    expect(bench.beliefs.self).toMatchObject({ refutation: 5, generation: 1_000, status: 'alive' });
    expect(ofSelf(bench, { status: 'suspect', refutation: 4 })).toEqual(['outdated']);
    expect(ofSelf(bench, { refutation: 4 })).toEqual([]);
    expect(ofSelf(bench, { refutation: 5 })).toEqual([]);
    expect(ofSelf(bench, { refutation: 5, status: 'dead' })).toEqual(['contradicts']);
  });

  it('under a greater generation is contradicted under that', () => {
    const bench = informed();
    expect(ofSelf(bench, { status: 'dead', generation: 3_000, refutation: 2 })).toEqual(['contradicts']);
    expect(bench.beliefs.self).toMatchObject({ generation: 3_000, refutation: 3 });
  });

  it('is not contradicted after one has left, but who still errs is told', () => {
    const bench = informed();
    bench.beliefs.leave();
    bench.beliefs.leave();
    expect(bench.take()).toEqual(['says']);
    expect(bench.beliefs.self).toMatchObject({ status: 'left', refutation: 1 });
    expect(ofSelf(bench, { status: 'suspect', refutation: 9 })).toEqual([]);
    expect(ofSelf(bench, { status: 'dead' })).toEqual(['outdated']);
  });

  it('at the end of the numbers is left alone', () => {
    const bench = informed();
    expect(ofSelf(bench, { status: 'dead', refutation: NUMBER_LIMIT - 1 })).toEqual([]);
    expect(ofSelf(bench, { status: 'dead', generation: NUMBER_LIMIT - 1 })).toEqual([]);
    expect(ofSelf(bench, { status: 'dead', refutation: NUMBER_LIMIT - 2 })).toEqual(['contradicts']);
  });

  it('under another actor, started when by its own time it has yet to be, is a former self, and is raised above', () => {
    const bench = informed();
    expect(ofSelf(bench, { actor: 'n1.9', generation: 5_000 })).toEqual(['contradicts']);
    expect(bench.beliefs.self).toMatchObject({ generation: 5_001, refutation: 1 });
    expect(ofSelf(bench, { actor: 'n1.9', generation: 5_000 })).toEqual([]);
    expect(ofSelf(bench, { actor: 'n1.9', generation: 6_000 })).toEqual(['contradicts']);
    expect(bench.beliefs.self.generation).toBe(6_001);
  });

  it('under another actor that was started while it runs is of its successor, and never contradicted', () => {
    const bench = informed();
    bench.hear('n1', { actor: 'n1.9', generation: 5_000 }, [], 4_001);
    expect(bench.take()).toEqual(['superseded by n1.9']);
    expect(bench.beliefs.self.generation).toBe(1_000);
  });

  it('under another actor is of its successor whatever the clocks say, once it has been a member for a while', () => {
    const bench = informed();
    bench.hear('n1', { actor: 'n1.9', generation: 9_000_000 }, [], 60_000);
    expect(bench.take()).toEqual(['superseded by n1.9']);
  });
});

describe('What one says of oneself', () => {
  it('is news when it has changed, and only then', () => {
    const bench = informed();
    bench.beliefs.say({ refilling: false, clockOff: false });
    expect(bench.take()).toEqual([]);
    bench.beliefs.say({ refilling: true, clockOff: false });
    bench.beliefs.say({ refilling: true, clockOff: true });
    bench.beliefs.say({ refilling: true, clockOff: true });
    expect(bench.take()).toEqual(['says', 'says']);
    expect(bench.beliefs.self).toMatchObject({ refutation: 2, refilling: true, clockOff: true });
    expect(bench.beliefs.of('n1')).toBe(bench.beliefs.self);
  });
});

import { describe, expect, it } from 'vitest';
import { advanced, foundingTopology, type Topology, withMember, withoutMember } from '../../src/membership/topology.ts';
import { ChangeDriver } from '../../src/topology/change-driver.ts';

function member(name: string) {
  const at = { host: name, port: 1 };
  return { name, place: name, joinedAt: 1, zone: 'z', weight: 1, bus: at, client: at };
}

const THREE = foundingTopology(['n1', 'n2', 'n3'].map(member));

/** A driver and the facts it goes by, all of which a test may change. */
function driver() {
  const facts = {
    merging: new Set<string>(),
    dead: new Set<string>(),
    enough: new Set<string>(),
    voters: new Set<string>(),
  };
  const core = new ChangeDriver({
    mustMerge: () => facts.merging,
    mayEnd: turned => [...facts.enough].every(name => turned.has(name)),
    isVoter: name => facts.voters.has(name),
    actorOf: name => (facts.dead.has(name) ? undefined : `${name}.1`),
  });
  const report = (
    topology: Topology,
    name: string,
    changes: { left?: number; leftovers?: number; actor?: string } = {},
  ) => {
    const { left = 0, leftovers = 0, actor = `${name}.1` } = changes;
    core.heard(name, { epoch: topology.epoch, actor, progress: { name, left, all: 10, leftovers, bytes: 0 } });
  };
  return { core, facts, report };
}

describe('A change of the ring', () => {
  it('that nobody has to merge anything for passes at once, and a settled ring stays', () => {
    const { core } = driver();
    expect(core.next(THREE, 0)).toBeUndefined();
    expect(core.next(withMember(THREE, member('n4')), 0)).toEqual({ type: 'advance', epoch: 2 });
  });

  it('passes when all who must have merged, at this epoch and as the process that lives', () => {
    const { core, facts, report } = driver();
    const merge = withMember(THREE, member('n4'));
    facts.merging = new Set(['n1', 'n4']);
    report(merge, 'n1');
    expect(core.next(merge, 0)).toBeUndefined();
    report(THREE, 'n4');
    expect(core.next(merge, 0)).toBeUndefined();
    report(merge, 'n4', { actor: 'n4.0' });
    expect(core.next(merge, 0)).toBeUndefined();
    report(merge, 'n4', { left: 1 });
    expect(core.next(merge, 0)).toBeUndefined();
    report(merge, 'n4');
    facts.dead.add('n1');
    expect(core.next(merge, 0)).toBeUndefined();
    facts.dead.clear();
    expect(core.next(merge, 0)).toEqual({ type: 'advance', epoch: 2 });
    expect(core.progress.map(({ name }) => name)).toEqual(['n1', 'n4']);
    core.forget();
    expect(core.next(merge, 0)).toBeUndefined();
  });

  it('ends when everyone who lives has turned, and of the others enough', () => {
    const { core, facts, report } = driver();
    const pass = advanced(withMember(THREE, member('n4')));
    for (const name of ['n1', 'n2']) report(pass, name);
    expect(core.next(pass, 0)).toBeUndefined();
    report(pass, 'n4');
    facts.dead.add('n3');
    facts.enough = new Set(['n3']);
    expect(core.next(pass, 0)).toBeUndefined();
    facts.enough = new Set(['n1']);
    expect(core.next(pass, 0)).toEqual({ type: 'advance', epoch: 3 });
  });

  it('does not wait for who is gone for good', () => {
    const { core, facts, report } = driver();
    const pass = advanced(withoutMember(THREE, 'n3', true));
    facts.enough = new Set(['n3']);
    for (const name of ['n1', 'n2']) report(pass, name);
    expect(core.next(pass, 0)).toEqual({ type: 'advance', epoch: 3 });
  });
});

describe('A joining member', () => {
  it('that is dead for half a minute is not waited for any more, one that merely leaves or owns already is', () => {
    const { core, facts } = driver();
    const merge = withoutMember(withMember(THREE, member('n4')), 'n2', false);
    facts.merging = new Set(['n1']);
    facts.dead = new Set(['n2', 'n3', 'n4']);
    const calledOff = { type: 'leave', name: 'n4', epoch: merge.epoch };
    expect([0, 29_999, 30_000].map(ms => core.next(merge, ms))).toEqual([undefined, undefined, calledOff]);
    facts.dead.delete('n4');
    expect(core.next(merge, 99_000)).toBeUndefined();
    facts.dead.add('n4');
    expect(core.next(advanced(merge), 200_000)).toBeUndefined();
  });

  it('that comes again after it was called off has all its time again', () => {
    const { core, facts } = driver();
    const merge = withMember(THREE, member('n4'));
    facts.merging = new Set(['n4']);
    facts.dead.add('n4');
    core.next(merge, 0);
    expect(core.next(merge, 30_000)).toMatchObject({ type: 'leave' });
    const again = withMember(withoutMember(merge, 'n4', false), member('n4'));
    expect([600_000, 629_999].map(ms => core.next(again, ms))).toEqual([undefined, undefined]);
  });
});

describe('A departing member', () => {
  const departing = advanced(advanced(withoutMember(THREE, 'n3', false)));
  const gone = { type: 'depart', name: 'n3', epoch: departing.epoch };

  it('goes when it has handed over all it had', () => {
    const { core, report } = driver();
    report(departing, 'n3', { leftovers: 1 });
    expect(core.next(departing, 0)).toBeUndefined();
    report(departing, 'n3');
    expect(core.next(departing, 0)).toEqual(gone);
  });

  it('stays while it votes in the placement group', () => {
    const { core, facts, report } = driver();
    facts.voters.add('n3');
    report(departing, 'n3');
    expect(core.next(departing, 0)).toBeUndefined();
    facts.voters.clear();
    expect(core.next(departing, 0)).toEqual(gone);
  });

  it('that is dead goes after a minute, if it does not come back', () => {
    const { core, facts } = driver();
    facts.dead.add('n3');
    expect([0, 59_999].map(ms => core.next(departing, ms))).toEqual([undefined, undefined]);
    facts.dead.clear();
    expect(core.next(departing, 60_000)).toBeUndefined();
    facts.dead.add('n3');
    expect([70_000, 129_999, 130_000].map(ms => core.next(departing, ms))).toEqual([undefined, undefined, gone]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterMember } from '../../src/membership/cluster.ts';
import {
  advanced,
  allMembers,
  foundingTopology,
  isMember,
  isSameRing,
  ringMembers,
  type Topology,
  TopologyError,
  targetOf,
  withMember,
  withoutDeparting,
  withoutMember,
  withReplacement,
} from '../../src/membership/topology.ts';
import { parseTopology } from '../../src/membership/topology-wire.ts';

function member(name: string, changes: Partial<ClusterMember> = {}): ClusterMember {
  const at = { host: name, port: 1 };
  return { name, place: name, joinedAt: 1, zone: 'z', weight: 1, bus: at, client: at, ...changes };
}

const THREE = foundingTopology(['c', 'a', 'b'].map(name => member(name)));
const names = (list: readonly ClusterMember[]) => list.map(({ name }) => name).join('');

/** As `a.b.c merge abcd` where that is on the way, with the departing behind a minus. */
function told({ epoch, members, change, departing }: Topology): string {
  const way = change === undefined ? '' : ` ${change.phase} ${names(change.members)}`;
  const lost = change === undefined || change.lost.length === 0 ? '' : ` lost ${change.lost.join('')}`;
  return `${epoch} ${names(members)}${way}${lost}${departing.length === 0 ? '' : ` -${names(departing)}`}`;
}

describe('A topology', () => {
  it('begins with the founders, by name', () => {
    expect(told(THREE)).toBe('1 abc');
  });

  it('takes in a new member in three steps', () => {
    const merge = withMember(THREE, member('d'));
    const pass = advanced(merge);
    expect([merge, pass, advanced(pass)].map(told)).toEqual(['2 abc merge abcd', '3 abc pass abcd', '4 abcd']);
    expect(merge.change?.members[3]).toMatchObject({ name: 'd', joinedAt: 2 });
    expect(() => advanced(advanced(pass))).toThrow('no change is under way');
  });

  it('lets a member go in four, the last when it has handed over what it had', () => {
    const merge = withoutMember(THREE, 'b', false);
    const left = advanced(advanced(merge));
    expect([merge, left, withoutDeparting(left, 'b')].map(told)).toEqual(['2 abc merge ac', '4 ac -b', '5 ac']);
    expect([isMember(left, 'b'), isMember(withoutDeparting(left, 'b'), 'b')]).toEqual([true, false]);
    expect(withoutDeparting(THREE, 'b')).toBe(THREE);
  });

  it('expects nothing of one that is forgotten', () => {
    const merge = withoutMember(THREE, 'b', true);
    expect([merge, advanced(advanced(merge))].map(told)).toEqual(['2 abc merge ac lost b', '4 ac']);
  });

  it('can forget one that was about to leave, or that is departing', () => {
    const leaving = withoutMember(THREE, 'b', false);
    expect(told(withoutMember(leaving, 'b', true))).toBe('3 abc merge ac lost b');
    const departing = advanced(advanced(leaving));
    expect(told(withoutMember(departing, 'b', true))).toBe('5 ac');
    expect(withoutMember(departing, 'b', false)).toBe(departing);
  });

  it('takes several changes for one while they merge, and the old members again for none', () => {
    const one = withMember(THREE, member('d'));
    const two = withMember(one, member('e'));
    const three = withoutMember(two, 'a', false);
    expect([two, three].map(told)).toEqual(['3 abc merge abcde', '4 abc merge bcde']);
    expect(told(withoutMember(one, 'd', false))).toBe('3 abc');
    expect(told(withMember(withoutMember(THREE, 'b', false), member('b')))).toBe('3 abc');
  });

  it('takes none while one is about to end', () => {
    const pass = advanced(withMember(THREE, member('d')));
    for (const step of [() => withMember(pass, member('e')), () => withoutMember(pass, 'a', false)])
      expect(step).toThrow(TopologyError);
  });

  it('takes the loss of a member also then, and goes on without it', () => {
    const pass = advanced(withMember(THREE, member('d')));
    const lost = withoutMember(pass, 'b', true);
    expect([told(lost), told(advanced(lost))]).toEqual(['4 abc pass abcd lost b', '5 abcd merge acd lost b']);
    expect([lost.removedAt, targetOf(lost).map(({ name }) => name)]).toEqual([4, ['a', 'c', 'd']]);
    expect(withoutMember(lost, 'b', true)).toBe(lost);
    expect(told(advanced(withoutMember(pass, 'd', true)))).toBe('5 abcd merge abc lost d');
    const leaves = advanced(withoutMember(THREE, 'b', false));
    expect(told(advanced(withoutMember(leaves, 'b', true)))).toBe('5 ac');
  });

  it('keeps one that came under the name of a lost one', () => {
    const gone = withoutMember(withMember(THREE, member('d')), 'b', true);
    const back = withMember(gone, member('b'));
    expect(told(advanced(advanced(back)))).toBe('6 abcd');
  });

  it('gives a replacement the place of the one that is gone, and only that', () => {
    const merge = withReplacement(THREE, member('d'), 'b');
    expect(told(merge)).toBe('2 abc merge acd lost b');
    expect(ringMembers(targetOf(merge)).map(({ name }) => name)).toEqual(['a', 'c', 'b']);
    const done = advanced(advanced(merge));
    // Who comes later under the name that was replaced gets another place.
    const again = targetOf(withMember(done, member('b'))).find(({ name }) => name === 'b');
    expect(again?.place).toBe('b#2');
    expect(withReplacement(merge, member('d'), 'b')).toBe(merge);
    expect(() => withReplacement(THREE, member('d'), 'x')).toThrow('x is no member');
    expect(() => withReplacement(THREE, member('c'), 'b')).toThrow('c is a member already');
  });

  it('says what cannot be', () => {
    for (const isLost of [false, true]) expect(() => withoutMember(THREE, 'x', isLost)).toThrow('x is no member');
    const alone = foundingTopology([member('a')]);
    expect(() => withoutMember(alone, 'a', false)).toThrow('a is the last member');
    const departing = advanced(advanced(withoutMember(THREE, 'b', false)));
    expect(() => withMember(departing, member('b'))).toThrow('b is about to depart');
  });

  it('goes on without a move where only an address has changed', () => {
    const moved = withMember(THREE, member('b', { bus: { host: 'other', port: 2 } }));
    expect(told(moved)).toBe('2 abc');
    expect([isSameRing(THREE, moved), moved.members[1]?.bus.host]).toEqual([true, 'other']);
    expect(withMember(THREE, member('b'))).toBe(THREE);
    expect(told(withMember(THREE, member('b', { weight: 2 })))).toBe('2 abc merge abc');
  });

  it('does not do what was asked for before somebody went, or before the one it is about came', () => {
    const gone = withoutDeparting(advanced(advanced(withoutMember(THREE, 'b', false))), 'b');
    expect(() => withMember(gone, member('b'), 1)).toThrow('ask again');
    const back = withMember(gone, member('b'), gone.epoch);
    expect(() => withoutMember(back, 'b', false, gone.epoch)).toThrow('ask again');
    expect(told(withoutMember(back, 'b', false, back.epoch))).toBe('7 ac');
  });

  it('survives the wire, and nothing else does', () => {
    const topologies = [THREE, withoutMember(withMember(THREE, member('d')), 'b', true)];
    for (const topology of topologies) expect(parseTopology(structuredClone(topology))).toEqual(topology);
    const twice = { ...THREE, members: [member('a'), member('b', { place: 'a' })] };
    const noPhase = { ...THREE, change: { phase: 'x', members: [member('a')], lost: [] } };
    for (const value of [undefined, 7, {}, { ...THREE, epoch: 0 }, { ...THREE, removedAt: -1 }, twice, noPhase])
      expect(parseTopology(value)).toBeUndefined();
  });
});

describe('Any steps', () => {
  const anyName = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const anyStep = fc.oneof(
    anyName.map(name => (t: Topology) => withMember(t, member(name))),
    fc.tuple(anyName, fc.boolean()).map(
      ([name, isLost]) =>
        (t: Topology) =>
          withoutMember(t, name, isLost),
    ),
    fc.tuple(anyName, anyName).map(
      ([name, old]) =>
        (t: Topology) =>
          withReplacement(t, member(name), old),
    ),
    fc.constant((t: Topology) => advanced(t)),
    anyName.map(name => (t: Topology) => withoutDeparting(t, name)),
  );

  it('raise the epoch by one or change nothing, keep lists sorted, names and places apart, and owners until the ring turns', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), steps => {
        let topology = THREE;
        for (const step of steps) {
          const before = topology;
          try {
            topology = step(before);
          } catch (error) {
            expect(error).toBeInstanceOf(TopologyError);
          }
          if (topology !== before) expect(topology.epoch).toBe(before.epoch + 1);
          for (const list of [topology.members, targetOf(topology), topology.departing, allMembers(topology)]) {
            const sorted = list.map(({ name }) => name);
            expect(sorted).toEqual([...new Set(sorted)].sort());
          }
          for (const list of [topology.members, targetOf(topology)])
            expect(new Set(list.map(({ place }) => place)).size).toBe(list.length);
          expect(topology.members.length).toBeGreaterThan(0);
          const turned = before.change?.phase === 'pass' && topology !== before && topology.change?.phase !== 'pass';
          if (!turned) expect(names(topology.members)).toBe(names(before.members));
          const owners = new Set(topology.members.map(({ name }) => name));
          expect(topology.departing.filter(({ name }) => owners.has(name))).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });
});

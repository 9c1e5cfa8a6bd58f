import { describe, expect, it } from 'vitest';
import { drawBelow } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { allAtOnce } from '../../src/lib/steps.ts';
import {
  advanced,
  foundingTopology,
  type Topology,
  TopologyError,
  targetOf,
  withMember,
  withoutMember,
  withReplacement,
} from '../../src/membership/topology.ts';
import { Members } from '../../src/node/members.ts';
import { RingCache } from '../../src/node/ring-cache.ts';
import { Peer } from '../../src/replication/peer.ts';
import { Placement } from '../../src/replication/placement.ts';
import { namesTo } from './rings.ts';

const RINGS = new RingCache();
const SLOTS = Array.from({ length: SLOT_COUNT / 128 }, (_, i) => i * 128);

function member(name: string) {
  const at = { host: name, port: 1 };
  return { name, place: name, joinedAt: 1, zone: '', weight: 1, bus: at, client: at };
}

/** Steps of all kinds, one after another: changes that end, that are turned to others, called off, and that lose owners. */
function stepsFrom(random: SeededRandom, first: Topology, count: number): Topology[] {
  const topologies = [first];
  for (let joined = first.members.length; topologies.length < count; ) {
    const topology = topologies.at(-1)!;
    try {
      topologies.push(step(topology));
    } catch (error) {
      if (!(error instanceof TopologyError)) throw error;
    }
    if (topologies.at(-1)!.epoch === topology.epoch) topologies.length = topologies.indexOf(topology) + 1;

    function step(from: Topology): Topology {
      const others = targetOf(from).filter(({ name }) => name !== 'n1');
      const one = others[drawBelow(random, others.length)]?.name ?? 'n1';
      switch (drawBelow(random, from.change === undefined ? 4 : 8)) {
        case 0:
          return withMember(from, member(`n${++joined}`));
        case 1:
          return withoutMember(from, one, false);
        case 2:
          return withoutMember(from, one, true);
        case 3:
          return withReplacement(from, member(`n${++joined}`), one);
        case 4:
        case 5:
          return withoutMember(from, `n${joined}`, false);
        default:
          return advanced(from);
      }
    }
  }
  return topologies;
}

/** The lists of each side of a slot, the owners' first, as sorted names. */
function sidesOf(placement: Placement, slot: number): [string, string] {
  const namesOf = (peers: readonly Peer[]) => String(peers.map(({ name }) => name).sort());
  const onlyOwners = placement.onlyOwners(slot);
  const others = placement.writersOf(slot).filter((_, i) => (onlyOwners & (1 << i)) === 0);
  return [namesOf(placement.replicasOf(slot)), namesOf(others)];
}

/** What a node and one that knows every epoch come to say of each: the placements there are, and those of the node. */
function walk(seed: number, replicas: number | 'all', misses: number) {
  const random = new SeededRandom(seed);
  const first = foundingTopology(namesTo(2 + drawBelow(random, 4)).map(member));
  const members = new Members(new Peer('n1', true), first, RINGS);
  const own = new Map([[1, allAtOnce(Placement.make(members.rings, replicas))]]);
  const all = new Map(own);
  let last = own.get(1)!;
  for (const topology of stepsFrom(random, first, 12).slice(1)) {
    members.follow(members.next(topology));
    all.set(topology.epoch, allAtOnce(Placement.make(members.rings, replicas)));
    if (drawBelow(random, 10) < misses) continue;
    last = allAtOnce(Placement.make(members.rings, replicas, last));
    own.set(topology.epoch, last);
  }
  return { own, all };
}

/** Every request of an earlier epoch that the node takes at one of its own, and what the slot's sides were from then until now. */
function* taken(seed: number, replicas: number | 'all', misses: number) {
  const { own, all } = walk(seed, replicas, misses);
  for (const slot of SLOTS) {
    const sides = new Map([...all].map(([epoch, placement]) => [epoch, sidesOf(placement, slot)]));
    for (const [now, placement] of own) {
      for (let epoch = 1; epoch < now; epoch++) {
        const since = Array.from({ length: now - epoch + 1 }, (_, i) => sides.get(epoch + i)!);
        const writes = placement.takesWrites(slot, epoch);
        const reads = placement.takesReads(slot, epoch);
        if (writes || reads) yield { writes, reads, since };
      }
    }
  }
}

describe.each([
  [3, 0],
  [3, 5],
  ['all', 0],
] as const)('Of an earlier epoch, with %s replicas and %i of 10 epochs missed, a node takes', (replicas, misses) => {
  it('only writes that needed W of every list that there has been since, and reads that asked who has owned the slot since', () => {
    const seen = { writes: 0, reads: 0, ofMoving: 0 };
    const wrong: unknown[] = [];
    for (let seed = 1; seed <= 6; seed++) {
      for (const { writes, reads, since } of taken(seed, replicas, misses)) {
        const first = since[0]!;
        if (writes) seen.writes++;
        if (reads) seen.reads++;
        if (since.some(sides => String(sides) !== String(first))) seen.ofMoving++;
        const suffices = since.every(sides => sides.every(list => first.includes(list)));
        const asksOwners = since.every(([owners]) => owners === first[0]);
        if ((writes && !suffices) || (reads && !asksOwners)) wrong.push({ seed, writes, reads, since });
      }
    }
    expect(wrong).toEqual([]);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });
});

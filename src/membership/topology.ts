import type { NodeName } from '../ports/outbox.ts';
import type { RingMember } from '../ring/ring.ts';
import { type ClusterMember, compareNames } from './cluster.ts';

/**
 * Who the members are and what the ring is turning into, at one epoch. One epoch follows another by one of the steps below, which the
 * placement group decides; so every node that knows an epoch knows the same of it (invariant 9). A change of the ring takes three:
 *
 *     settled ── retarget ──▶ merge ── advance ──▶ pass ── advance ──▶ settled (and departing, until they have handed over)
 *                 ▲             │
 *                 └─ retarget ──┘   other members are wanted meanwhile; or the old ones again
 *
 * In `pass` nothing else is taken than that a member is gone for good. If it was to stay, the ring goes on to lose it: from `pass` to `merge`.
 *
 *     phase      reads go to      a write needs W of
 *     settled    the owners       the owners
 *     merge      the owners       the owners, and of the owners to be
 *     pass       the owners to be the owners, and of the owners to be
 *
 * Nodes learn of an epoch at different times, so two epochs next to each other are in force at once, and they do no harm to each other:
 * what one writes the other reads. Two that are further apart would; so a step is only decided when the last but one is no longer in
 * force anywhere that matters (`Keyspace.hasArrived`, `Keyspace.mayEnd`).
 */
export interface Topology {
  /** Rises by one with every step; 1 at the founding. */
  readonly epoch: number;
  /** The epoch at which it was last decided that a member should go; 0 before. */
  readonly removedAt: number;
  /** The members that own slots, sorted by name. */
  readonly members: readonly ClusterMember[];
  readonly change: RingChange | undefined;
  /** Members that own nothing any more, and hand over what they still hold; sorted by name. */
  readonly departing: readonly ClusterMember[];
}

/** The ring is on its way to another member list. */
export interface RingChange {
  readonly phase: 'merge' | 'pass';
  /** Who will own the slots, sorted by name. */
  readonly members: readonly ClusterMember[];
  /** Owners that are gone for good: nothing is expected of them, and they will not hand over anything. */
  readonly lost: readonly NodeName[];
}

/** Why a step is not taken. */
export class TopologyError extends Error {}

/** It will be possible in a moment. */
export const BUSY = 'the last change is about to end: ask again';
/** It was asked for before something that has overtaken it. */
export const STALE = 'the ring has changed meanwhile: ask again';

/** The first epoch: the founders. */
export function foundingTopology(members: readonly ClusterMember[]): Topology {
  return { epoch: 1, removedAt: 0, members: sorted(members), change: undefined, departing: [] };
}

/** Everyone who belongs to the cluster: owners, owners to be, and those who are departing. Sorted by name. */
export function allMembers({ members, change, departing }: Topology): readonly ClusterMember[] {
  const byName = new Map<NodeName, ClusterMember>();
  for (const member of [...departing, ...members, ...(change?.members ?? [])]) byName.set(member.name, member);
  return sorted([...byName.values()]);
}

/** Whether the node belongs to the cluster. */
export function isMember(topology: Topology, name: NodeName): boolean {
  return allMembers(topology).some(member => member.name === name);
}

/** Whether the node owns slots, by one ring or the other. */
export function isOwner({ members, change }: Topology, name: NodeName): boolean {
  const turned = change?.phase === 'pass' ? change.members : [];
  return [...members, ...turned].some(member => member.name === name);
}

/** The members that will own slots when all that was decided is done. */
export function targetOf({ members, change }: Topology): readonly ClusterMember[] {
  if (change?.phase !== 'pass') return change?.members ?? members;
  return change.members.filter(member => !isLostOwner(change, members, member));
}

/**
 * A node joins, or says something else of itself than before (zone, weight, addresses).
 *
 * @param askedAt the epoch at which that was asked for: a question that was long under way may be about a node that has since left.
 */
export function withMember(topology: Topology, member: ClusterMember, askedAt = topology.epoch): Topology {
  const target = targetOf(topology);
  const known = target.find(({ name }) => name === member.name);
  if (topology.departing.some(({ name }) => name === member.name))
    throw new TopologyError(`${member.name} is about to depart: wait until it has`);
  if (known === undefined) mustBeFresh(topology, askedAt);
  const place = known?.place ?? freePlace(topology, member);
  const entry: ClusterMember = { ...member, place, joinedAt: known?.joinedAt ?? topology.epoch + 1 };
  if (known !== undefined && isSameMember(known, entry)) return topology;
  return retarget(topology, [...target.filter(({ name }) => name !== member.name), entry], lostOf(topology));
}

/** A node joins in the place of one that is gone for good: it gets just the slots that that one had. */
export function withReplacement(
  topology: Topology,
  member: ClusterMember,
  replaced: NodeName,
  askedAt = topology.epoch,
): Topology {
  const target = targetOf(topology);
  const known = target.find(({ name }) => name === member.name);
  const old = target.find(({ name }) => name === replaced);
  if (old === undefined && known !== undefined) return topology;
  if (old === undefined) throw new TopologyError(`${replaced} is no member`);
  if (isMember(topology, member.name)) throw new TopologyError(`${member.name} is a member already`);
  mustBeFresh(topology, askedAt);
  const entry: ClusterMember = { ...member, place: old.place, joinedAt: topology.epoch + 1 };
  return retarget(
    removing(topology),
    [...target.filter(({ name }) => name !== replaced), entry],
    [...lostOf(topology), replaced],
  );
}

/** A member leaves. @param isLost it is gone for good, and nothing can be had from it. @param askedAt as above. */
export function withoutMember(topology: Topology, name: NodeName, isLost: boolean, askedAt = topology.epoch): Topology {
  const target = targetOf(topology);
  const known = target.find(member => member.name === name);
  if (known !== undefined && askedAt < known.joinedAt) throw new TopologyError(STALE);
  const lost = lostOf(topology);
  if (!isMember(topology, name)) throw new TopologyError(`${name} is no member`);
  const isWanted = target.some(member => member.name === name);
  if (!isWanted && topology.departing.some(member => member.name === name))
    return isLost ? withoutDeparting(topology, name) : topology;
  if (!isWanted && (!isLost || lost.includes(name))) return topology;
  const left = target.filter(member => member.name !== name);
  if (left.length === 0) throw new TopologyError(`${name} is the last member`);
  if (isLost && topology.change?.phase === 'pass') return losing(topology, topology.change, name);
  return retarget(removing(topology), left, isLost ? [...lost, name] : lost);
}

/** A departing member has handed over all it had, or never will. */
export function withoutDeparting(topology: Topology, name: NodeName): Topology {
  const departing = topology.departing.filter(member => member.name !== name);
  if (departing.length === topology.departing.length) return topology;
  return { ...topology, epoch: topology.epoch + 1, departing };
}

/** The next phase of the change under way. */
export function advanced(topology: Topology): Topology {
  const { epoch, members, change, departing } = topology;
  if (change === undefined) throw new TopologyError('no change is under way');
  if (change.phase === 'merge') return { ...topology, epoch: epoch + 1, change: { ...change, phase: 'pass' } };
  const stays = new Set(change.members.map(({ name }) => name));
  const remain = targetOf(topology);
  const lost = change.members.filter(member => !remain.includes(member)).map(({ name }) => name);
  const leave = members.filter(({ name }) => !stays.has(name) && !change.lost.includes(name));
  const stillDeparting = departing.filter(({ name }) => !stays.has(name));
  return {
    ...topology,
    epoch: epoch + 1,
    members: change.members,
    change: lost.length === 0 ? undefined : { phase: 'merge', members: remain, lost },
    departing: sorted([...stillDeparting, ...leave]),
  };
}

/** The member list as the ring sees it: each member under its place. */
export function ringMembers(members: readonly ClusterMember[]): readonly RingMember[] {
  return members.map(({ place, zone, weight }) => ({ name: place, zone, weight }));
}

/** Whether reads, writes and moves are the same in both. */
export function isSameRing(a: Topology, b: Topology): boolean {
  return (
    a.change?.phase === b.change?.phase &&
    String(lostOf(a)) === String(lostOf(b)) &&
    (allMembers(a).length === 1) === (allMembers(b).length === 1) &&
    isSamePlaces(a.members, b.members) &&
    isSamePlaces(a.change?.members ?? [], b.change?.members ?? [])
  );
}

function retarget(topology: Topology, target: readonly ClusterMember[], lost: readonly NodeName[]): Topology {
  const { epoch, change, members } = topology;
  if (change?.phase === 'pass') throw new TopologyError(BUSY);
  const wanted = sorted(target);
  const gone = sortedNames(lost.filter(name => members.some(member => member.name === name)));
  const next = { ...topology, epoch: epoch + 1 };
  if (isSamePlaces(members, wanted)) return { ...next, members: wanted, change: undefined };
  return { ...next, change: { phase: 'merge', members: wanted, lost: gone } };
}

/** Whether an owner to be was lost after the ring had begun to turn to it; not one that has its name from a lost one. */
function isLostOwner(
  { lost }: RingChange,
  owners: readonly ClusterMember[],
  { name, joinedAt }: ClusterMember,
): boolean {
  const before = owners.find(owner => owner.name === name);
  return lost.includes(name) && (before === undefined || before.joinedAt === joinedAt);
}

/** What is under way goes on, and nothing is expected of the member any more. */
function losing(topology: Topology, change: RingChange, name: NodeName): Topology {
  if (change.lost.includes(name)) return topology;
  const lost = sortedNames([...change.lost, name]);
  return { ...removing(topology), epoch: topology.epoch + 1, change: { ...change, lost } };
}

function mustBeFresh({ removedAt }: Topology, askedAt: number): void {
  if (askedAt < removedAt) throw new TopologyError(STALE);
}

/** The step from here to the next epoch lets a member go. */
function removing(topology: Topology): Topology {
  return { ...topology, removedAt: topology.epoch + 1 };
}

function lostOf({ change }: Topology): readonly NodeName[] {
  return change?.lost ?? [];
}

/**
 * The place that it still has if it was about to leave, and is no other's by now. Else its name, unless a replacement has the place of that
 * name: then the name with a number behind it.
 */
function freePlace({ members, change }: Topology, { name }: ClusterMember): string {
  const target = change?.members ?? [];
  const held = members.find(member => member.name === name);
  if (held !== undefined && target.every(({ place }) => place !== held.place)) return held.place;
  const taken = new Set([...members, ...target].map(member => member.place));
  if (!taken.has(name)) return name;
  for (let number = 2; ; number++) if (!taken.has(`${name}#${number}`)) return `${name}#${number}`;
}

function isSamePlaces(a: readonly ClusterMember[], b: readonly ClusterMember[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, place, zone, weight }, i) => {
      const other = b[i]!;
      return name === other.name && place === other.place && zone === other.zone && weight === other.weight;
    })
  );
}

/** Whether the member list says the same of both. */
export function isSameMember(a: ClusterMember, b: ClusterMember): boolean {
  const isSameAddress = a.bus.host === b.bus.host && a.bus.port === b.bus.port;
  const isSameClient = a.client.host === b.client.host && a.client.port === b.client.port;
  return isSamePlaces([a], [b]) && isSameAddress && isSameClient;
}

function sorted(members: readonly ClusterMember[]): readonly ClusterMember[] {
  return [...members].sort((a, b) => compareNames(a.name, b.name));
}

function sortedNames(names: readonly NodeName[]): readonly NodeName[] {
  return [...new Set(names)].sort(compareNames);
}

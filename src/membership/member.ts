import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { ClusterMember } from './cluster.ts';

/** `unknown`: named by the member list, but nothing was heard of it yet. */
export type MemberStatus = 'alive' | 'suspect' | 'dead' | 'left' | 'unknown';

/**
 * What a node believes of one member. Beliefs are totally ordered by (generation, actor, refutation, status), and a
 * node keeps the greatest that it has heard of. So the order in which rumours come, and how often, does not matter.
 *
 * - *generation*: tells a restarted node from its former self. It is the wall time at which the actor started, in ms;
 *   only the actor itself raises it, above that of a former actor of the same name, in case the wall clock had gone
 *   backwards in between, and never above a later one's. The actor breaks the tie of two starts in one millisecond.
 * - *refutation number*: raised only by the actor itself, to contradict a suspicion, to leave, or to spread a change
 *   of what it says of itself. All fields but the status are a function of (generation, actor, refutation).
 * - *status*: of two rumours that are alike up to here, alive < suspect < dead < left (SWIM §4.2).
 */
export interface Member {
  readonly name: NodeName;
  /** Empty while unknown. */
  readonly actor: string;
  /** 0 while unknown. */
  readonly generation: number;
  readonly refutation: number;
  readonly status: MemberStatus;
  /** What the member says of itself; while unknown, what the member list says. */
  readonly identity: PeerIdentity;
  /** The member lost its data and counts towards no R until it has merged it from others. */
  readonly refilling: boolean;
  /** The member's wall clock is off by its own judgement, and it coordinates nothing. */
  readonly clockOff: boolean;
}

/** What a member says of its condition. */
export type Condition = Pick<Member, 'refilling' | 'clockOff'>;

/** Ranks of the statuses in the order of beliefs, and their numbers in messages. */
export const STATUS_RANK = { unknown: -1, alive: 0, suspect: 1, dead: 2, left: 3 } as const satisfies Record<
  MemberStatus,
  number
>;

/** Positive when `a` is the greater belief, 0 when they say the same. */
export function compareBeliefs(a: Member, b: Member): number {
  return (
    a.generation - b.generation ||
    (a.actor < b.actor ? -1 : a.actor > b.actor ? 1 : 0) ||
    a.refutation - b.refutation ||
    STATUS_RANK[a.status] - STATUS_RANK[b.status]
  );
}

/** A place in the member list that nothing was heard of yet: less than any belief. */
export function unknownMember(place: ClusterMember, clusterId: string): Member {
  const { name, zone, weight, bus, client } = place;
  const identity = { name, zone, weight, bus, client, actor: '', clusterId };
  const condition: Condition = { refilling: false, clockOff: false };
  return { name, actor: '', generation: 0, refutation: 0, status: 'unknown', identity, ...condition };
}

export type MembershipEventType = MemberStatusEvent | 'restarted' | 'changed' | 'superseded';
type MemberStatusEvent = Exclude<MemberStatus, 'unknown'>;

/**
 * A change of what this node believes of another member.
 * - `alive`, `suspect`, `dead`, `left`: the status became that.
 * - `restarted`: a new actor took the name over; it is alive unless an event with its status follows at once.
 * - `changed`: still the same actor and status, but another address, zone, weight or condition.
 * - `superseded`: a process that was started later bears this node's own name: this one has to end; may come again
 *   and again until it does.
 */
export interface MembershipEvent {
  readonly type: MembershipEventType;
  readonly member: Member;
  readonly nowMs: number;
}

/** The events that tell how `before` became `after`, in order. */
export function eventsBetween(before: Member, after: Member): MembershipEventType[] {
  if (after.status === 'unknown') return [];
  if (before.status !== 'unknown' && before.actor !== after.actor)
    return after.status === 'alive' ? ['restarted'] : ['restarted', after.status];
  if (before.status !== after.status) return [after.status];
  return saysTheSame(before, after) ? [] : ['changed'];
}

function saysTheSame(a: Member, b: Member): boolean {
  return (
    a.refilling === b.refilling &&
    a.clockOff === b.clockOff &&
    a.identity.zone === b.identity.zone &&
    a.identity.weight === b.identity.weight &&
    a.identity.bus.host === b.identity.bus.host &&
    a.identity.bus.port === b.identity.bus.port &&
    a.identity.client.host === b.identity.client.host &&
    a.identity.client.port === b.identity.client.port
  );
}

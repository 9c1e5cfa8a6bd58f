import type { ClockVerdict } from '../membership/clock-judge.ts';
import type { FoundingEvent } from '../membership/founding.ts';
import type { MembershipEvent } from '../membership/member.ts';
import { allMembers } from '../membership/topology.ts';
import type { Log } from '../ports/log.ts';

/** What the log says of how this node comes to its cluster. @param returning it was a member before, and has lost its data. */
export function sayFounding(log: Log, event: FoundingEvent, returning = false): void {
  if (event.type === 'refused') return log.error('refused by the cluster', { by: event.by, reason: event.reason });
  if (event.type === 'joining') return log.info('waits for the cluster to take it in', { by: event.by });
  const { id, topology } = event.cluster;
  const fields = { cluster: id, epoch: topology.epoch, members: allMembers(topology).map(member => member.name) };
  if (event.type === 'founded') log.info('founded the cluster', fields);
  else log.info('joined the cluster', { ...fields, returning });
}

/** What the log says of a member. */
export function sayMembership(log: Log, { type, member: { name, status, actor } }: MembershipEvent): void {
  const fields = { node: name, status, actor };
  if (type === 'suspect' || type === 'dead') log.warn(`node is ${type}`, fields);
  else if (type !== 'changed') log.info(`node is ${type === 'restarted' ? 'back under a new actor' : type}`, fields);
}

/** Says when this node's clock has come to be off, and when it is right again. */
export function sayClock(log: Log, before: ClockVerdict, { state, offsetMs }: ClockVerdict): void {
  if ((state === 'off') === (before.state === 'off')) return;
  if (state === 'off') log.error('the clock of this node is off', { offsetMs });
  else log.info('the clock of this node is no longer off', { offsetMs });
}

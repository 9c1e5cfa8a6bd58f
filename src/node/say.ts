import type { ClockVerdict } from '../membership/clock-judge.ts';
import type { FoundingEvent } from '../membership/founding.ts';
import type { MembershipEvent } from '../membership/member.ts';
import { allMembers, targetOf } from '../membership/topology.ts';
import type { Log } from '../ports/log.ts';
import type { NodeName } from '../ports/outbox.ts';

/** How a node was let in. */
interface Admission {
  /** It was a member before, and has lost its data. */
  readonly returning: boolean;
  /** Whose place it was to take. */
  readonly replaces: NodeName | undefined;
}

/** What the log says of how this node comes to its cluster. */
export function sayFounding(log: Log, event: FoundingEvent, admission?: Admission): void {
  if (event.type === 'refused') return log.error('refused by the cluster', { by: event.by, reason: event.reason });
  if (event.type === 'joining') return log.info('waits for the cluster to take it in', { by: event.by });
  const { id, topology } = event.cluster;
  const fields = { cluster: id, epoch: topology.epoch, members: allMembers(topology).map(member => member.name) };
  if (event.type === 'founded') log.info('founded the cluster', fields);
  else log.info('joined the cluster', { ...fields, returning: admission?.returning === true });
  const replaces = admission?.replaces;
  if (replaces !== undefined && targetOf(topology).some(({ name }) => name === replaces))
    log.warn(`is a member already and replaces nobody: to take ${replaces} off, forget it`, { replaces });
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

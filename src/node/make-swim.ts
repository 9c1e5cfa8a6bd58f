import { wallMsOf } from '../clock/hybrid-clock.ts';
import type { MembershipEvent } from '../membership/member.ts';
import { Swim } from '../membership/swim.ts';
import type { SwimMessage } from '../membership/swim-messages.ts';
import { allMembers } from '../membership/topology.ts';
import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { Cluster } from './cluster.ts';
import type { NodeOptions, NodePorts } from './node-options.ts';

/** How often membership is given the time. */
export const MEMBERSHIP_TICK_MS = 100;

/** Membership of a cluster's member: it judges the machine's clock, not one that was put right. */
export function makeSwim(
  self: PeerIdentity,
  startedAtMs: number,
  { context, topology }: Cluster,
  { maxClockDriftMs, membership }: NodeOptions,
  { random, clock }: NodePorts,
  ports: { send(to: NodeName, message: SwimMessage): boolean; event(event: MembershipEvent): void },
): Swim {
  const timings = { tickIntervalMs: MEMBERSHIP_TICK_MS, maxClockDriftMs, ...membership };
  return new Swim(
    { self, startedAtMs, members: allMembers(topology), timings },
    { random, wallMs: () => clock.wallMs(), latestMs: () => wallMsOf(context.stamps.last), ...ports },
  );
}

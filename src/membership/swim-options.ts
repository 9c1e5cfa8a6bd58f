/** SWIM's and Lifeguard's parameters. */
export interface SwimTimings {
  /** How often `tick` is called. Much more time than that between two ticks is a stall of this node. */
  readonly tickIntervalMs: number;
  /** The protocol period T′: how long a probe may take, helpers included, before its target is suspected. */
  readonly probeIntervalMs: number;
  /** Probes that a node begins in each period, evenly spaced, and that may be under way at once. */
  readonly probesPerInterval: number;
  /** How long a direct probe may take before others are asked to try. Above the round trip, below half the period. */
  readonly probeTimeoutMs: number;
  /** k: members asked for an indirect probe. */
  readonly indirectProbes: number;
  /** How often rumours that found no probe to ride on are sent by themselves; nothing is sent when there are none. */
  readonly gossipIntervalMs: number;
  /** Members that get them each time. */
  readonly gossipFanout: number;
  /** Rumours in one message. */
  readonly maxRumours: number;
  /** λ: a rumour is passed on λ·log10(n+1) times. */
  readonly retransmitFactor: number;
  /** How often views are compared with one other member. */
  readonly pushPullIntervalMs: number;
  /** How often one member that is dead or unknown is sent a digest, in case that only this side thinks so. */
  readonly lostProbeIntervalMs: number;
  /** Longest pause of a healthy member (garbage collection, a migrated machine) that must not make it dead. */
  readonly stallToleranceMs: number;
  /** Independent confirmations that bring a suspicion's timeout from its maximum to its minimum. */
  readonly confirmations: number;
  /** A suspicion's maximum timeout as a multiple of its minimum (Lifeguard's β). */
  readonly maxSuspicionFactor: number;
  /** Upper end of the local health score. */
  readonly maxHealthScore: number;
  /** How far this node's wall clock may be from the median of the members' before it stops coordinating. */
  readonly maxClockDriftMs: number;
}

/**
 * For a local network. Figures of memberlist's `DefaultLANConfig` but for what the time to a death asks for: the probe
 * times out earlier; rumours go out twice as often; the suspicion's minimum follows from the pause it must outlast
 * rather than from a multiple of log10(n), which is too short for three nodes or too long for a hundred; and four
 * probes are begun a period, so that a silent member is soon met by one (decision 0012).
 */
export const LAN_TIMINGS: SwimTimings = {
  tickIntervalMs: 100,
  probeIntervalMs: 1_000,
  probesPerInterval: 4,
  probeTimeoutMs: 400,
  indirectProbes: 3,
  gossipIntervalMs: 100,
  gossipFanout: 3,
  maxRumours: 8,
  retransmitFactor: 4,
  pushPullIntervalMs: 30_000,
  lostProbeIntervalMs: 5_000,
  stallToleranceMs: 3_500,
  confirmations: 3,
  maxSuspicionFactor: 6,
  maxHealthScore: 8,
  maxClockDriftMs: 2_000,
};

/** λ·log10(n+1), rounded up: how often a node passes a rumour on (memberlist's `retransmitLimit`). */
export function retransmitLimit(timings: SwimTimings, members: number): number {
  return Math.max(1, Math.ceil(timings.retransmitFactor * Math.log10(members + 1)));
}

/**
 * The least time between a suspicion and a death, in ms. A pause that began with the unanswered probe has lasted
 * one probe interval when the suspicion begins; when it ends, the refutation needs some rounds of gossip to be
 * everywhere (log to the base fanout + 1, and two for rounds that meet only nodes that know already or are lost).
 */
export function minSuspicionMs(timings: SwimTimings, members: number): number {
  const rounds = 2 + Math.ceil(Math.log(Math.max(2, members)) / Math.log(timings.gossipFanout + 1));
  return timings.stallToleranceMs - timings.probeIntervalMs + timings.gossipIntervalMs * rounds;
}

/**
 * How long the clock of a member counts after it was seen, in ms: two rounds of probes, in which all that can be reached
 * are seen again, and not less than three periods, in which a probe may be lost.
 */
export function freshClockMs({ probeIntervalMs, probesPerInterval }: SwimTimings, members: number): number {
  return Math.max(3, (2 * members) / probesPerInterval) * probeIntervalMs;
}

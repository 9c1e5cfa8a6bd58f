import { assert } from '../lib/assert.ts';
import type { Random } from '../ports/random.ts';
import type { MemberId } from './configuration.ts';
import type { HardState } from './effects.ts';
import type { Entry } from './entry.ts';
import type { SnapshotMeta, SnapshotReader } from './snapshot.ts';

export interface RaftLimits {
  /** The least election timeout; each is drawn from [electionTicks, 2·electionTicks). So long is a leader's silence respected. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Entries in one message, in bytes; one entry may be more. Also what is handed out to be applied at a time. */
  readonly maxBatchBytes: number;
  /** Appends under way to one follower. */
  readonly maxInflight: number;
  /** Entries of the leader's log behind the commit index, in bytes; and commands that a follower has forwarded. */
  readonly maxUncommittedBytes: number;
  /** Reads of this member that are not answered yet. */
  readonly maxPendingReads: number;
  readonly snapshotChunkBytes: number;
  /** Messages that wait until effects are taken, which a slow disk holds up. What is beyond is as good as lost under way. */
  readonly maxWaitingMessages: number;
  /** Entries that a learner may lack when it is promoted. */
  readonly maxLearnerLag: number;
}

/** For ticks of 100 ms: an election after 1 to 2 s of silence. */
export const DEFAULT_LIMITS: RaftLimits = {
  electionTicks: 10,
  heartbeatTicks: 1,
  maxBatchBytes: 256 << 10,
  maxInflight: 64,
  maxUncommittedBytes: 16 << 20,
  maxPendingReads: 65_536,
  snapshotChunkBytes: 256 << 10,
  maxWaitingMessages: 16_384,
  maxLearnerLag: 1_000,
};

export interface RaftOptions {
  /** Who this is: the actor under which the log was begun. */
  readonly id: MemberId;
  /** The actor of this process, new at every start. Names its proposals and reads. */
  readonly actor: string;
  /** What differs from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<RaftLimits>;
}

/** What a member finds on its disk: what its effects were told to persist, or a prefix of it. */
export interface Durable {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta;
  /** The entries from the snapshot on; what the snapshot holds may still be among them. */
  readonly entries: readonly Entry[];
  /** The last entry that the state machine has in it; the snapshot's when undefined. */
  readonly applied?: number;
}

export interface RaftPorts {
  readonly random: Random;
  readonly snapshots: SnapshotReader;
}

export function limitsOf(options: RaftOptions): RaftLimits {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { electionTicks, heartbeatTicks } = limits;
  assert(
    heartbeatTicks > 0 && heartbeatTicks < electionTicks,
    `Cannot lead: ${heartbeatTicks} of ${electionTicks} ticks`,
  );
  return limits;
}

import type { MemberId } from './configuration.ts';
import type { Entry } from './entry.ts';
import type { Message } from './messages.ts';
import type { ProposalRefusal } from './refusal.ts';
import type { SnapshotChunk } from './snapshot.ts';

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** What a member must never forget (§5.1, figure 2), besides its log. */
export interface HardState {
  readonly term: number;
  /** Whom it voted for in this term. */
  readonly vote: MemberId | undefined;
}

/**
 * What became of a proposal made here:
 * - `committed`: at this index; it is among the `committed` entries of the same effects.
 * - `dropped`: it was not appended, or was replaced, and never will be committed. It may be proposed anew.
 * - `refused`: the leader did not take it; as `dropped`.
 * - `unknown`: a snapshot went over the place where it would have been.
 */
export type Decision =
  | { readonly number: number; readonly outcome: 'committed'; readonly index: number }
  | { readonly number: number; readonly outcome: 'dropped' | 'unknown' }
  | { readonly number: number; readonly outcome: 'refused'; readonly reason: ProposalRefusal };

/**
 * Everything that a member wants done, as one value with an order. The shell does, and never the other way round:
 *
 * 1. **Persist** `hardState`, then `snapshotChunks`, then `entries`, durably (fsync). A crash in between may leave any beginning of that
 *    list: a term without its entries, entries up to any one of them. What it may not leave is something later without something earlier.
 *    - `snapshotChunks` are appended to the incoming snapshot of that position; offset 0 begins it anew. The last chunk makes it the
 *      member's snapshot and drops *all* entries, in one step.
 *    - `entries` replace whatever the disk has at the first one's index and behind.
 * 2. **Send** `messages`. They may promise what 1 has made durable. Losing, repeating or reordering them is safe.
 * 3. **Apply**: when a last chunk was persisted, load that snapshot into the state machine; then apply `committed`, in order.
 * 4. **Answer** `decisions` and `reads`: a read's number here means that the state machine now has everything that was committed anywhere when
 *    the read began.
 *
 * Then `Raft.done(effects)`, and only then the next effects. Between the two the member may go on receiving messages and ticks.
 */
export interface Effects {
  /** Undefined when it has not changed. */
  readonly hardState: HardState | undefined;
  readonly snapshotChunks: readonly SnapshotChunk[];
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly committed: readonly Entry[];
  readonly decisions: readonly Decision[];
  /** Numbers of reads, as `Raft.read` gave them out. */
  readonly reads: readonly number[];
}

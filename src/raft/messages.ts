import type { MemberId } from './configuration.ts';
import type { Entry } from './entry.ts';
import type { ProposalRefusal } from './refusal.ts';
import type { SnapshotChunk } from './snapshot.ts';

/** A command that its origin hands to the leader. */
export interface ForwardedCommand {
  readonly number: number;
  readonly data: Uint8Array;
}

/**
 * What members say to each other.
 * - `pre-vote` → `pre-vote-reply`: would you vote for me in this term? Changes nothing (thesis §9.6). `term` is the term asked about.
 * - `vote` → `vote-reply`: RequestVote (§5.2). `isTransfer`: the leader wants it, so ask for no silence of the leader (thesis §3.10).
 * - `append` → `append-reply` or `append-refused`: AppendEntries (§5.3). A refusal says where the logs may agree at the latest.
 * - `heartbeat` → `heartbeat-reply`: I lead; `round` confirms reads (thesis §6.4).
 * - `snapshot` → `snapshot-reply`, and `append-reply` to the last: InstallSnapshot (§7), chunk by chunk.
 * - `timeout-now`: the leader's "campaign at once" (thesis §3.10).
 * - `forward` → nothing, or `forward-refused`: commands for the leader of this very term. `floor`: numbers below are decided.
 * - `read` → `read-reply`: an index for all reads of `origin` up to `number`.
 * - `stale-term`: to a message of an earlier term; this is the present one.
 */
export type MessageBody =
  | { readonly type: 'pre-vote'; readonly lastIndex: number; readonly lastTerm: number }
  | { readonly type: 'pre-vote-reply'; readonly granted: boolean }
  | { readonly type: 'vote'; readonly lastIndex: number; readonly lastTerm: number; readonly isTransfer: boolean }
  | { readonly type: 'vote-reply'; readonly granted: boolean }
  | {
      readonly type: 'append';
      readonly prevIndex: number;
      readonly prevTerm: number;
      readonly commit: number;
      readonly entries: readonly Entry[];
    }
  | { readonly type: 'append-reply'; readonly index: number }
  | {
      readonly type: 'append-refused';
      readonly index: number;
      readonly hintIndex: number;
      readonly hintTerm: number;
    }
  | { readonly type: 'heartbeat'; readonly commit: number; readonly round: number }
  | { readonly type: 'heartbeat-reply'; readonly round: number }
  | { readonly type: 'snapshot'; readonly chunk: SnapshotChunk }
  | { readonly type: 'snapshot-reply'; readonly index: number; readonly offset: number }
  | { readonly type: 'timeout-now' }
  | {
      readonly type: 'forward';
      readonly origin: string;
      readonly floor: number;
      readonly commands: readonly ForwardedCommand[];
    }
  | {
      readonly type: 'forward-refused';
      readonly origin: string;
      readonly number: number;
      readonly refusal: ProposalRefusal;
    }
  | { readonly type: 'read'; readonly origin: string; readonly number: number }
  | { readonly type: 'read-reply'; readonly origin: string; readonly number: number; readonly index: number }
  | { readonly type: 'stale-term' };

export type Message = MessageBody & {
  readonly from: MemberId;
  /** A message reaches the member it is meant for, or none: not another one of the same name. */
  readonly to: MemberId;
  /** The sender's term, but for `pre-vote` and its reply. */
  readonly term: number;
};

export type MessageType = Message['type'];
export type MessageOf<T extends MessageType> = Extract<Message, { readonly type: T }>;

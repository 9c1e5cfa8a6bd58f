import type { ChangeFault } from './configuration.ts';

/** Why a leader does not take a command. None of it was appended, and none of it will be. */
export type ProposalRefusal =
  /** The command alone is more than the log may have uncommitted. */
  | 'too-large'
  /** The log has as many uncommitted bytes as it may. */
  | 'backlog-full'
  /** Leadership is being handed over. */
  | 'transferring'
  /** The leader remembers commands of as many processes as it can in one term. */
  | 'too-many-origins';

/** Why a member does not begin something that it was asked for. */
export type Refusal =
  | { readonly reason: 'no-leader' }
  | { readonly reason: 'not-leader'; readonly leader: string | undefined }
  | { readonly reason: Exclude<ProposalRefusal, 'backlog-full' | 'too-large'> }
  | { readonly reason: 'backlog-full' | 'too-large'; readonly bytes: number; readonly maxBytes: number }
  | { readonly reason: 'too-many-pending'; readonly max: number }
  | { readonly reason: 'change-pending'; readonly index: number }
  /** The leader has not yet committed an entry of its own term. */
  | { readonly reason: 'term-not-committed' }
  | { readonly reason: 'learner-behind'; readonly match: number; readonly last: number }
  | { readonly reason: ChangeFault };

/** What became of asking: a number under which the outcome comes with the effects, or a refusal. */
export type Asked = { readonly number: number } | { readonly refusal: Refusal };

import type { Configuration } from './configuration.ts';

/** Names a proposal for good: the process that made it (an actor, new at every start) and its number there. */
export interface ProposalId {
  readonly origin: string;
  readonly number: number;
}

/** A place in the log. Two entries of one index and term are the same entry (Log Matching, §5.3). */
export interface Position {
  readonly index: number;
  readonly term: number;
}

/**
 * What the log holds:
 * - `empty`: what a leader begins its term with (§8).
 * - `command`: bytes for the state machine.
 * - `configuration`: who the members are from here on.
 */
export type Entry = Position &
  (
    | { readonly kind: 'empty' }
    | { readonly kind: 'command'; readonly proposal: ProposalId; readonly data: Uint8Array }
    | { readonly kind: 'configuration'; readonly proposal: ProposalId; readonly configuration: Configuration }
  );

/** An entry before it has its place. */
export type EntryBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'command'; readonly proposal: ProposalId; readonly data: Uint8Array }
  | { readonly kind: 'configuration'; readonly proposal: ProposalId; readonly configuration: Configuration };

/** Index, term, kind and the lengths of what follows, as they are sent. */
const FRAME_BYTES = 40;

/** About what an entry takes, in bytes: what limits on batches and backlogs count in. */
export function entryBytes(entry: EntryBody): number {
  switch (entry.kind) {
    case 'empty':
      return FRAME_BYTES;
    case 'command':
      return FRAME_BYTES + entry.data.length;
    case 'configuration':
      return FRAME_BYTES + entry.configuration.members().reduce((sum, id) => sum + id.length + 2, 0);
  }
}

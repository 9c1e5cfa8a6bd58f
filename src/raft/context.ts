import type { MemberId } from './configuration.ts';
import type { Log } from './log.ts';
import type { MessageBody } from './messages.ts';
import type { RaftLimits } from './options.ts';
import type { SnapshotReader } from './snapshot.ts';

/** What the parts of a leader share. */
export interface LeaderContext {
  readonly id: MemberId;
  readonly term: number;
  readonly log: Log;
  readonly limits: RaftLimits;
  readonly snapshots: SnapshotReader;
  send(to: MemberId, body: MessageBody): void;
}

import type { NodeName } from '../ports/outbox.ts';
import type { Hint } from './hint-queue.ts';

/** Is told which hints there are, so that a disk can follow. */
export interface HintJournal {
  /** The peer is owed this. May be said more than once. */
  noted(peer: NodeName, hint: Hint): void;
  /** The peer is not owed this any more. */
  ended(peer: NodeName, hint: Hint): void;
  /** The peer is owed nothing any more. */
  forgotten(peer: NodeName): void;
}

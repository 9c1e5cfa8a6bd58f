import { Configuration } from './configuration.ts';
import type { Position } from './entry.ts';

/** What a snapshot stands for: the state after the entry at this position, and the configuration then (§7). */
export interface SnapshotMeta extends Position {
  readonly configuration: Configuration;
}

/** A piece of a snapshot's bytes. */
export interface ChunkData {
  readonly data: Uint8Array;
  readonly isLast: boolean;
}

/** The member's durable snapshots, which are its shell's. Only the newest need be kept. */
export interface SnapshotReader {
  /** Up to `maxBytes` of the snapshot at `index`, from byte `offset` on; undefined when it is not (or no longer) there. */
  read(index: number, offset: number, maxBytes: number): ChunkData | undefined;
}

/** Part of the effects: to be written behind what came of this snapshot before. */
export interface SnapshotChunk extends ChunkData {
  readonly snapshot: SnapshotMeta;
  readonly offset: number;
}

/**
 * A group begins with the same snapshot on every founder: this, and a state machine in its first state. It stands at 1 and not at 0, so
 * that the empty log of one that joins later never seems to match it: who joins learns the configuration with this or a later snapshot.
 */
export function foundingSnapshot(configuration: Configuration): SnapshotMeta {
  return { index: 1, term: 1, configuration };
}

/** What a member begins with that joins a group: no log, and no idea who the members are. */
export const EMPTY_SNAPSHOT: SnapshotMeta = { index: 0, term: 0, configuration: new Configuration([]) };

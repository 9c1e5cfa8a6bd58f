import type { MemberId } from './configuration.ts';
import type { SnapshotChunk, SnapshotMeta } from './snapshot.ts';

/**
 * The receiving side of a chunked snapshot (§7): chunks of one member's snapshot, in order. One that is interrupted by another begins anew;
 * so does one of the same position by another leader, for two members' snapshots of one state need not be the same bytes.
 */
export class IncomingSnapshot {
  #from: MemberId | undefined;
  #snapshot: SnapshotMeta | undefined;
  #offset = 0;
  #chunks: SnapshotChunk[] = [];

  /**
   * Takes the chunk if it is the next one.
   *
   * @returns the offset that is wanted next, or `complete`.
   */
  take(from: MemberId, chunk: SnapshotChunk): number | 'complete' {
    const { snapshot, offset, data, isLast } = chunk;
    const isSamePosition = this.#snapshot?.index === snapshot.index && this.#snapshot.term === snapshot.term;
    if (!isSamePosition || from !== this.#from) {
      this.#from = from;
      this.#snapshot = snapshot;
      this.#offset = 0;
    }
    if (offset !== this.#offset) return this.#offset;
    this.#chunks.push(chunk);
    this.#offset += data.length;
    if (!isLast) return this.#offset;
    this.#snapshot = undefined;
    return 'complete';
  }

  /** What is to be persisted, in order. */
  takeChunks(): readonly SnapshotChunk[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }
}

/** The sending side: one chunk is under way at a time, and sent again when the follower is heard of and has not answered it. */
export class OutgoingSnapshot {
  readonly snapshot: SnapshotMeta;
  #offset = 0;
  #isDue = true;

  constructor(snapshot: SnapshotMeta) {
    this.snapshot = snapshot;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Whether the chunk at `offset` is to be sent. */
  get isDue(): boolean {
    return this.#isDue;
  }

  sent(): void {
    this.#isDue = false;
  }

  sendAgain(): void {
    this.#isDue = true;
  }

  /** The follower wants `offset` next. Less than before means that it has begun anew; the same is a repeated answer. */
  wanted(offset: number): void {
    if (offset === this.#offset) return;
    this.#offset = offset;
    this.#isDue = true;
  }
}

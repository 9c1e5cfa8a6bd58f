import type { HashRange, SyncBlock } from './sync-blocks.ts';

/** Blocks whose children are compared in one message: some KB. */
const COMPARED_AT_ONCE = 64;
/** While so many ranges wait for their pages nothing more is compared. */
const RANGES_WAITING = 64;

interface PageUnderWay extends HashRange {
  readonly sentMs: number;
}

interface Comparison {
  readonly ask: number;
  readonly blocks: readonly SyncBlock[];
  sentMs: number;
}

/**
 * The state of one anti-entropy round at the node that opened it: the blocks that differ, the ranges small enough for
 * pages, and what is under way of each. Times are monotonic milliseconds.
 */
export class SyncRound {
  readonly id: number;
  /** The ring epoch at both ends when it was opened; answers may be of later ones, never of an earlier. */
  readonly epoch: number;
  lastHeardMs: number;
  /** When the peer was last sent the opening. */
  openingSentMs: number;
  /** What a large value on its way adds to every wait. */
  transferMs = 0;
  /** Whether the peer has answered the opening. */
  hasRoot = false;
  /** Whether the peer has all its data: only then does a merge from it count as one from a witness. */
  peerIsWhole = false;
  /** Slots of which the peer was sent something. */
  readonly given = new Set<number>();
  /** Blocks that differ and whose children have not been compared, the last one next. */
  readonly #blocks: SyncBlock[] = [];
  #comparison: Comparison | undefined;
  #lastAsk = 0;
  /** Ranges that differ and have not been turned to, the last one next. */
  readonly #ranges: HashRange[] = [];
  /** Pages that are under way, by where they begin. */
  readonly #pages = new Map<number, PageUnderWay>();
  /** Blocks and ranges of each slot that are not done. */
  readonly #pieces = new Map<number, number>();

  constructor(id: number, epoch: number, nowMs: number) {
    this.id = id;
    this.epoch = epoch;
    this.lastHeardMs = nowMs;
    this.openingSentMs = nowMs;
  }

  get pagesUnderWay(): number {
    return this.#pages.size;
  }

  /** Whether the peer has been asked nothing that it has not answered. */
  get isIdle(): boolean {
    return this.hasRoot && this.#pages.size === 0 && this.#comparison === undefined;
  }

  get isFinished(): boolean {
    return this.isIdle && this.#blocks.length === 0 && this.#ranges.length === 0;
  }

  queueBlock(block: SyncBlock): void {
    this.#blocks.push(block);
  }

  queueRange(range: HashRange): void {
    this.#ranges.push(range);
  }

  nextRange(): HashRange | undefined {
    return this.#ranges.pop();
  }

  /** One more block or range of the slot is to be looked at. */
  pieceBegun(slot: number): void {
    this.#pieces.set(slot, (this.#pieces.get(slot) ?? 0) + 1);
  }

  /** @returns whether it was the slot's last. */
  pieceEnded(slot: number): boolean {
    const left = this.#pieces.get(slot)! - 1;
    if (left > 0) this.#pieces.set(slot, left);
    else this.#pieces.delete(slot);
    return left === 0;
  }

  /** The next comparison, to be sent now; undefined while another is under way or there is nothing to compare. */
  beginComparison(nowMs: number): Comparison | undefined {
    if (this.#comparison !== undefined || this.#blocks.length === 0 || this.#ranges.length >= RANGES_WAITING) return;
    const blocks = this.#blocks.splice(-COMPARED_AT_ONCE);
    this.#comparison = { ask: ++this.#lastAsk, blocks, sentMs: nowMs };
    return this.#comparison;
  }

  /** The blocks of the comparison that was answered; undefined for an answer to another, or of another length. */
  takeCompared(ask: number, length: number): readonly SyncBlock[] | undefined {
    const comparison = this.#comparison;
    if (comparison?.ask !== ask || comparison.blocks.length !== length) return undefined;
    this.#comparison = undefined;
    return comparison.blocks;
  }

  /** The comparison under way, if it was sent before this time, to be sent again now. */
  comparisonSentBefore(timeMs: number, nowMs: number): Comparison | undefined {
    const comparison = this.#comparison;
    if (comparison === undefined || comparison.sentMs >= timeMs) return undefined;
    comparison.sentMs = nowMs;
    return comparison;
  }

  pageSent(range: HashRange, nowMs: number): void {
    this.#pages.set(placeOf(range.slot, range.fromHash), { ...range, sentMs: nowMs });
  }

  /** The range whose page was answered; undefined for a copy of an answer that came before. */
  takeAnswered(slot: number, fromHash: number): HashRange | undefined {
    const place = placeOf(slot, fromHash);
    const page = this.#pages.get(place);
    this.#pages.delete(place);
    return page;
  }

  pagesSentBefore(timeMs: number): PageUnderWay[] {
    return [...this.#pages.values()].filter(page => page.sentMs < timeMs);
  }
}

function placeOf(slot: number, fromHash: number): number {
  return slot * 2 ** 32 + fromHash;
}

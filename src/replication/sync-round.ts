interface PageUnderWay {
  readonly slot: number;
  readonly fromHash: number;
  readonly sentMs: number;
}

/** The state of one anti-entropy round at the node that opened it. Times are monotonic milliseconds. */
export class SyncRound {
  readonly id: number;
  lastHeardMs: number;
  /** What a large value on its way adds to every wait. */
  transferMs = 0;
  /** Whether the peer has said which slots differ. */
  hasDigests = false;
  /** Whether the peer has all its data: only then does a merge from it count as one from a witness. */
  peerIsWhole = false;
  /** Slots that differ and have not been turned to, the last one next. */
  readonly #slots: number[] = [];
  /** The page that is under way of each slot being compared. */
  readonly #pages = new Map<number, PageUnderWay>();

  constructor(id: number, nowMs: number) {
    this.id = id;
    this.lastHeardMs = nowMs;
  }

  get pagesUnderWay(): number {
    return this.#pages.size;
  }

  get isFinished(): boolean {
    return this.hasDigests && this.#slots.length === 0 && this.#pages.size === 0;
  }

  queue(slot: number): void {
    this.#slots.push(slot);
  }

  nextSlot(): number | undefined {
    return this.#slots.pop();
  }

  pageSent(slot: number, fromHash: number, nowMs: number): void {
    this.#pages.set(slot, { slot, fromHash, sentMs: nowMs });
  }

  /** Notes that a page was answered; false for a copy of an answer that came before. */
  takeAnswered(slot: number, fromHash: number): boolean {
    return this.#pages.get(slot)?.fromHash === fromHash && this.#pages.delete(slot);
  }

  pagesSentBefore(timeMs: number): PageUnderWay[] {
    return [...this.#pages.values()].filter(page => page.sentMs < timeMs);
  }
}

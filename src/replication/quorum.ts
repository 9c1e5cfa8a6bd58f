/**
 * Counts the acknowledgements of one write: arithmetic only, the coordinator does the waiting.
 *
 * - A replica that stored the write, or already had it, acknowledges.
 * - A replica that holds a larger stamp answers `behind`: no acknowledgement, the write must be stamped again.
 * - A refilling replica stores the write but may have forgotten a larger stamp, so it vouches for nothing; its answer
 *   counts only where one acknowledgement is all that was asked for, and order between writes is not promised.
 */
export class WriteQuorum {
  readonly need: number;
  #acknowledged = 0;

  constructor(need: number) {
    this.need = need;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get reached(): boolean {
    return this.#acknowledged >= this.need;
  }

  /** One replica stored it. */
  add(refilling: boolean): void {
    if (!refilling || this.need === 1) this.#acknowledged++;
  }

  /** The write got a new stamp: what was acknowledged was the old one. */
  restart(): void {
    this.#acknowledged = 0;
  }
}

/**
 * Counts the answers of one read.
 *
 * - A replica that has the record, or says that it has nothing, answers.
 * - A refilling replica may have forgotten what it acknowledged: its record is welcome, its answer does not count.
 */
export class ReadQuorum {
  readonly need: number;
  #answered = 0;

  constructor(need: number) {
    this.need = need;
  }

  get answered(): number {
    return this.#answered;
  }

  get reached(): boolean {
    return this.#answered >= this.need;
  }

  add(refilling: boolean): void {
    if (!refilling) this.#answered++;
  }
}

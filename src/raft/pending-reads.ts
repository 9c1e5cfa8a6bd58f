interface ConfirmedRead {
  readonly number: number;
  readonly index: number;
}

/** Reads that began here: until a leader has said at which index they may be answered, and then until that is applied. */
export class PendingReads {
  #last = 0;
  /** Ascending. */
  #unconfirmed: number[] = [];
  #confirmed: ConfirmedRead[] = [];
  #isDue = false;
  #ticksSinceSent = 0;

  get size(): number {
    return this.#unconfirmed.length + this.#confirmed.length;
  }

  begin(): number {
    this.#unconfirmed.push(++this.#last);
    this.#isDue = true;
    return this.#last;
  }

  /** Reads change nothing, so they are asked for again, of whoever leads, until there is an answer. */
  tick(repeatTicks: number): void {
    if (++this.#ticksSinceSent >= repeatTicks) this.askAgain();
  }

  askAgain(): void {
    this.#isDue = this.#unconfirmed.length > 0;
  }

  /** The number up to which a leader is to be asked now. */
  takeDue(): number | undefined {
    if (!this.#isDue) return undefined;
    this.#isDue = false;
    this.#ticksSinceSent = 0;
    return this.#unconfirmed.at(-1);
  }

  /** A leader had committed `index`, and led, after all reads up to `number` had begun. */
  confirm(number: number, index: number): void {
    const isWaiting = (read: number) => read > number;
    for (const read of this.#unconfirmed) if (!isWaiting(read)) this.#confirmed.push({ number: read, index });
    this.#unconfirmed = this.#unconfirmed.filter(isWaiting);
  }

  /** Numbers of the reads that may be answered from a state machine with all entries up to `applied`. */
  takeReady(applied: number): number[] {
    if (this.#confirmed.length === 0) return [];
    const ready = this.#confirmed.filter(({ index }) => index <= applied);
    this.#confirmed = this.#confirmed.filter(({ index }) => index > applied);
    return ready.map(({ number }) => number);
  }
}

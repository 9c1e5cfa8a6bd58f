import { assert } from '../lib/assert.ts';

/** The last indexes of the appends that are under way to one follower, ascending: what bounds pipelining. */
export class Inflights {
  readonly #max: number;
  #lasts: number[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get isFull(): boolean {
    return this.#lasts.length >= this.#max;
  }

  add(last: number): void {
    assert(!this.isFull, `Cannot send more: ${this.#max} messages are under way`);
    this.#lasts.push(last);
  }

  /** An answer to the message that ended at `index` answers those before, too. */
  freeUpTo(index: number): void {
    const kept = this.#lasts.findIndex(last => last > index);
    this.#lasts = kept < 0 ? [] : this.#lasts.slice(kept);
  }

  /** Makes room for one message that finds out what became of the others. */
  freeFirst(): void {
    this.#lasts.shift();
  }

  clear(): void {
    this.#lasts = [];
  }
}

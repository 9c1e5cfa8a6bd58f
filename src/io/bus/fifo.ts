/** Taken elements that may stand in front before the array is cut. */
const MAX_TAKEN = 1_024;

/** A first-in, first-out queue whose `take` costs the same whatever its length. */
export class Fifo<T> {
  readonly #items: T[] = [];
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#items.length;
  }

  put(item: T): void {
    this.#items.push(item);
  }

  /** The oldest element, or undefined of an empty queue. */
  peek(): T | undefined {
    return this.#items[this.#first];
  }

  /** Removes the oldest element, which must exist. */
  drop(): void {
    this.#first++;
    if (this.#first === this.#items.length) {
      this.#items.length = 0;
      this.#first = 0;
    } else if (this.#first >= MAX_TAKEN && this.#first * 2 >= this.#items.length) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

/** Something that happens at a virtual moment. */
export type Action = () => void;

interface Event {
  readonly atMs: number;
  /** Counts up: events of one moment happen in the order they were added in. */
  readonly order: number;
  readonly action: Action;
}

/** What is still to happen, earliest first: a binary heap (J. W. J. Williams, "Algorithm 232", 1964) on (time, order). */
export class EventQueue {
  readonly #heap: Event[] = [];
  #added = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Virtual milliseconds of the earliest event; infinite when there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  add(atMs: number, action: Action): void {
    const heap = this.#heap;
    const event = { atMs, order: this.#added++, action };
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, event)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  /** Takes out the earliest event; there must be one. */
  take(): Action {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return first.action;
  }

  #sink(event: Event): void {
    const heap = this.#heap;
    const { length } = heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(event, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = event;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

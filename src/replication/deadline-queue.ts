/** Something that waits, and since when (monotonic milliseconds). */
interface Waiting {
  readonly startedMs: number;
}

/**
 * Operations waiting for other nodes, by number, oldest first. None is of interest to a tick until it has waited a
 * while, the same for all, so a tick looks only at the head.
 */
export class DeadlineQueue<T extends Waiting> {
  /** By number less the first: small integers are no objects. */
  readonly #byId = new Map<number, T>();
  readonly #firstId: number;
  #nextId: number;

  /** @param firstId above 0; see `firstOperationId`. */
  constructor(firstId: number) {
    this.#firstId = firstId;
    this.#nextId = firstId;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Adds an operation and returns its number: `firstId` and on, and never one twice. */
  add(operation: T): number {
    const id = this.#nextId++;
    this.#byId.set(id - this.#firstId, operation);
    return id;
  }

  /** Every operation, oldest first. */
  values(): Iterable<T> {
    return this.#byId.values();
  }

  get(id: number): T | undefined {
    return this.#byId.get(id - this.#firstId);
  }

  remove(id: number): void {
    this.#byId.delete(id - this.#firstId);
  }

  /** Every operation that has waited at least `waitMs`, oldest first; the visitor may remove the one it is shown. */
  forEachOlderThan(nowMs: number, waitMs: number, visit: (operation: T, id: number) => void): void {
    for (const [offset, operation] of this.#byId) {
      if (nowMs - operation.startedMs < waitMs) return;
      visit(operation, offset + this.#firstId);
    }
  }
}

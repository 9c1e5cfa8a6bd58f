export interface Flushable {
  flush(): void;
}

/** What has something to write when this turn of the event loop ends; each is flushed once, all by one immediate. */
export class FlushQueue {
  #waiting: Flushable[] = [];
  #running: Flushable[] = [];

  /** Not twice for one `flush`: that is the caller's to know. */
  add(item: Flushable): void {
    if (this.#waiting.push(item) === 1) setImmediate(this.#flushAll);
  }

  readonly #flushAll = (): void => {
    const items = this.#waiting;
    this.#waiting = this.#running;
    this.#running = items;
    for (const item of items) item.flush();
    items.length = 0;
  };
}

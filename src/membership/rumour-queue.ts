import type { NodeName } from '../ports/outbox.ts';

/**
 * The members about whom there is news, and how often it was passed on (SWIM §4.1, "infection-style dissemination").
 * The queue holds names only: what is said of a member is always the newest belief, so that a rumour that was
 * superseded while it waited is never sent.
 */
export class RumourQueue {
  readonly #sent = new Map<NodeName, number>();

  get size(): number {
    return this.#sent.size;
  }

  /** News about this member: it is to be passed on as often as the limit says, from now. */
  put(name: NodeName): void {
    this.#sent.delete(name);
    this.#sent.set(name, 0);
  }

  /** At most `count` names, those passed on least often. */
  next(count: number): NodeName[] {
    if (this.#sent.size <= count) return [...this.#sent.keys()];
    return [...this.#sent]
      .sort(([, a], [, b]) => a - b)
      .slice(0, count)
      .map(([name]) => name);
  }

  /** These were passed on once more; whoever reached the limit is no news any longer. */
  passed(names: readonly NodeName[], limit: number): void {
    for (const name of names) {
      const sent = this.#sent.get(name);
      if (sent === undefined) continue;
      if (sent + 1 >= limit) this.#sent.delete(name);
      else this.#sent.set(name, sent + 1);
    }
  }
}

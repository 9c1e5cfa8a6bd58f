/** An event loop of virtual milliseconds: what is due at one instant runs in the order it was asked for. */
export class VirtualTime {
  #nowMs = 0;
  readonly #due = new Map<number, (() => void)[]>();

  get nowMs(): number {
    return this.#nowMs;
  }

  in(ms: number, action: () => void): void {
    const atMs = this.#nowMs + Math.max(1, Math.floor(ms));
    const actions = this.#due.get(atMs);
    if (actions === undefined) this.#due.set(atMs, [action]);
    else actions.push(action);
  }

  run(ms: number): void {
    const endMs = this.#nowMs + ms;
    while (this.#nowMs < endMs) {
      this.#nowMs++;
      const actions = this.#due.get(this.#nowMs);
      if (actions === undefined) continue;
      this.#due.delete(this.#nowMs);
      for (const action of actions) action();
    }
  }

  /** Runs until `condition` holds, asked every 10 ms; returns how long that took, or undefined after `limitMs`. */
  runUntil(condition: () => boolean, limitMs: number): number | undefined {
    const startMs = this.#nowMs;
    while (!condition()) {
      if (this.#nowMs - startMs >= limitMs) return undefined;
      this.run(10);
    }
    return this.#nowMs - startMs;
  }
}

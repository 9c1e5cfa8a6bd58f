import type { NodeName } from '../ports/outbox.ts';
import type { Progress } from './messages.ts';

interface Start {
  readonly left: number;
  readonly atMs: number;
}

/** How fast members merge what they will own, and so how long it will yet take. */
export class Pace {
  #epoch = 0;
  /** What each had left when it was first heard of at this epoch. */
  readonly #starts = new Map<NodeName, Start>();

  /** What has been reported, for this epoch. Monotonic milliseconds. */
  note(epoch: number, progress: readonly Progress[], nowMs: number): void {
    if (epoch !== this.#epoch) this.#starts.clear();
    this.#epoch = epoch;
    for (const { name, left } of progress)
      if (left > 0 && !this.#starts.has(name)) this.#starts.set(name, { left, atMs: nowMs });
  }

  /** Undefined while the member has not got any further since it was first heard of. */
  secondsLeft(name: NodeName, left: number, nowMs: number): number | undefined {
    if (left === 0) return 0;
    const start = this.#starts.get(name);
    if (start === undefined || start.left <= left) return undefined;
    const msPerSlot = (nowMs - start.atMs) / (start.left - left);
    return Math.ceil((left * msPerSlot) / 1000);
  }
}

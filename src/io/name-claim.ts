import { isNameTaken } from './bus/name-taken.ts';

/**
 * How long a node that is told that another one bears its name asks again. A machine that lost its power leaves links
 * behind which look alive until its death is noticed (6 s at most), so whoever is started again at once is told so too.
 */
const PATIENCE_MS = 15_000;

/** Whether the others let this node have its name. All times are monotonic milliseconds. */
export class NameClaim {
  #reason = '';
  #refusedMs = Number.POSITIVE_INFINITY;

  refused(reason: string, nowMs: number): void {
    if (!isNameTaken(reason)) return;
    this.#reason = reason;
    this.#refusedMs = Math.min(this.#refusedMs, nowMs);
  }

  /** Somebody let this node in under its name. */
  accepted(): void {
    this.#refusedMs = Number.POSITIVE_INFINITY;
  }

  /** Why the name is not to be had; undefined while it may still be. */
  lostBecause(nowMs: number): string | undefined {
    return nowMs - this.#refusedMs >= PATIENCE_MS ? this.#reason : undefined;
  }
}

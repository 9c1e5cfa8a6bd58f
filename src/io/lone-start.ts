/**
 * A member that is started without `--join` founds a cluster of its own at once, for it has forgotten the one it was
 * of. The others dial it within two seconds, and more while a machine that was away takes to be reached again.
 */
const MISTAKE_MS = 15_000;

/**
 * Whether a node that founded alone was a mistake, because another cluster misses it: then the sooner it ends the less
 * is written to it that nobody will find. Once clients have had it for long, that is no more for the node to decide:
 * it goes on, and says in its log that it is missed. All times are monotonic milliseconds.
 */
export class LoneStart {
  readonly #startedMs: number;
  #reason: string | undefined;

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  /** Another cluster counts this node, which is alone, among its members. */
  missed(reason: string, nowMs: number): void {
    if (nowMs - this.#startedMs < MISTAKE_MS) this.#reason ??= reason;
  }

  /** Why this process must end; undefined while it need not. */
  get mistakenBecause(): string | undefined {
    return this.#reason;
  }
}

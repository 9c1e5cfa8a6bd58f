/**
 * How far a node mistrusts itself (Lifeguard §IV.A, "local health multiplier"): from 0, in good health, to `maxScore`.
 * What goes wrong on this side of a probe raises it, what goes well lowers it, and probes and their timeouts stretch
 * by `multiplier`, so that a slow node doubts itself before it accuses others.
 */
export class LocalHealth {
  readonly #maxScore: number;
  #score = 0;

  constructor(maxScore: number) {
    this.#maxScore = maxScore;
  }

  get score(): number {
    return this.#score;
  }

  /** 1…maxScore + 1. */
  get multiplier(): number {
    return this.#score + 1;
  }

  /** Worse for positive, better for negative `delta`. */
  add(delta: number): void {
    this.#score = Math.min(this.#maxScore, Math.max(0, this.#score + delta));
  }
}

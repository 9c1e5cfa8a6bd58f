/** What may be done at a rate: earned as time passes, spent as it is done, and what is not spent lasts up to a bound. */
export class Allowance {
  readonly #perSecond: number;
  readonly #most: number;
  #left: number;
  #earnedMs: number;

  /**
   * @param most how much can be saved up.
   * @param left how much there is at the start.
   * @param nowMs monotonic, as in `earn`.
   */
  constructor(perSecond: number, most: number, left: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#most = most;
    this.#left = left;
    this.#earnedMs = nowMs;
  }

  /** Below 0 after something that was larger than what was left; that is earned back first. */
  get left(): number {
    return this.#left;
  }

  earn(nowMs: number): void {
    // Nothing is earned in no time, at whatever rate: infinity times 0 is no number.
    if (nowMs === this.#earnedMs) return;
    this.#left = Math.min(this.#most, this.#left + (this.#perSecond * (nowMs - this.#earnedMs)) / 1000);
    this.#earnedMs = nowMs;
  }

  spend(amount: number): void {
    this.#left -= amount;
  }
}

/** Whether any live link is too far behind; says so once when it begins and once when it ends. */
export class Pressure {
  readonly #behind = new Set<object>();
  readonly #report: (on: boolean) => void;

  constructor(report: (on: boolean) => void) {
    this.#report = report;
  }

  get on(): boolean {
    return this.#behind.size > 0;
  }

  /** Notes whether `link` is behind. */
  set(link: object, behind: boolean): void {
    const before = this.#behind.size;
    if (behind) this.#behind.add(link);
    else this.#behind.delete(link);
    if (before > 0 !== this.on) this.#report(this.on);
  }
}

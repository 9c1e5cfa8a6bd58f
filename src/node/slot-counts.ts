/** How many of something there are in each slot; slots with none take no room. */
export class SlotCounts {
  readonly #counts = new Map<number, number>();

  /** Slots with any. */
  get size(): number {
    return this.#counts.size;
  }

  has(slot: number): boolean {
    return this.#counts.has(slot);
  }

  add(slot: number): void {
    this.#counts.set(slot, (this.#counts.get(slot) ?? 0) + 1);
  }

  remove(slot: number): void {
    const left = this.#counts.get(slot)! - 1;
    if (left === 0) this.#counts.delete(slot);
    else this.#counts.set(slot, left);
  }
}

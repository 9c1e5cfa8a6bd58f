import { SLOT_COUNT } from '../lib/slots.ts';

/** Which slots have something of a kind: a bitmap in which the next one is found 32 at a time. */
export class SlotSet {
  readonly #words = new Uint32Array(SLOT_COUNT / 32);

  add(slot: number): void {
    this.#words[slot >>> 5]! |= 1 << (slot & 31);
  }

  delete(slot: number): void {
    this.#words[slot >>> 5]! &= ~(1 << (slot & 31));
  }

  clear(): void {
    this.#words.fill(0);
  }

  /** The first slot in the set that is at least `from`, or -1. */
  firstFrom(from: number): number {
    const words = this.#words;
    let at = from >>> 5;
    let word = words[at]! & (-1 << (from & 31));
    while (word === 0) {
      if (++at === words.length) return -1;
      word = words[at]!;
    }
    return (at << 5) + 31 - Math.clz32(word & -word);
  }

  /** The slots that are in both sets, ascending. */
  alsoIn(other: SlotSet): number[] {
    const slots: number[] = [];
    for (const [at, theirs] of other.#words.entries()) {
      for (let word = this.#words[at]! & theirs; word !== 0; word &= word - 1)
        slots.push((at << 5) + 31 - Math.clz32(word & -word));
    }
    return slots;
  }
}

import { drawBelow, shuffled } from '../lib/draw.ts';
import type { NodeName } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';

/**
 * Whom to probe next: round-robin over a list that is shuffled anew after each pass, so that a failed member is probed
 * within 2n − 1 periods by every other (SWIM §4.3). A member with a hint against it comes first.
 */
export class ProbeOrder {
  readonly #random: Random;
  #names: NodeName[] = [];
  #next = 0;
  readonly #hinted = new Set<NodeName>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** The members from now on, without this node itself. */
  setNames(names: readonly NodeName[]): void {
    this.#names = shuffled(this.#random, names);
    this.#next = 0;
    for (const name of this.#hinted) if (!names.includes(name)) this.#hinted.delete(name);
  }

  /** Something looks wrong with this member: probe it before its turn. */
  hint(name: NodeName): void {
    if (this.#names.includes(name)) this.#hinted.add(name);
  }

  /** The next member for which `probeable` holds, or undefined when there is none. */
  next(probeable: (name: NodeName) => boolean): NodeName | undefined {
    for (const name of this.#hinted) {
      this.#hinted.delete(name);
      if (probeable(name)) return name;
    }
    for (let tried = 0; tried < this.#names.length; tried++) {
      if (this.#next >= this.#names.length) {
        this.#names = shuffled(this.#random, this.#names);
        this.#next = 0;
      }
      const name = this.#names[this.#next++]!;
      if (probeable(name)) return name;
    }
    return undefined;
  }

  /** Up to `count` distinct members for which `eligible` holds, at random. */
  sample(count: number, eligible: (name: NodeName) => boolean): NodeName[] {
    const pool = this.#names.filter(eligible);
    const picked: NodeName[] = [];
    while (picked.length < count && pool.length > 0) {
      const at = drawBelow(this.#random, pool.length);
      picked.push(pool[at]!);
      pool[at] = pool[pool.length - 1]!;
      pool.pop();
    }
    return picked;
  }
}

import { Ring, type RingMember } from '../ring/ring.ts';

/** One that changes has two, and nodes of a simulated cluster are at different epochs. */
const MAX_RINGS = 8;

/** The rings made lately. A ring follows from its member list alone, so nodes of one process may share them. */
export class RingCache {
  readonly #rings = new Map<string, Ring>();

  ringOf(members: readonly RingMember[]): Ring {
    const key = JSON.stringify(members);
    const ring = this.#rings.get(key) ?? new Ring(members);
    this.#rings.delete(key);
    this.#rings.set(key, ring);
    if (this.#rings.size > MAX_RINGS) this.#rings.delete(this.#rings.keys().next().value!);
    return ring;
  }
}

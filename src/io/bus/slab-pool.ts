/** The scratch that small messages are gathered in, in one piece each. */
export const SLAB_BYTES = 65_536;

/** Slabs kept for the next turn; above that they are left to the collector. 2 MiB a bus. */
const MAX_FREE_SLABS = 32;

/** Slabs that all links of a bus share: one goes to a link with something to say and comes back when it is written. */
export class SlabPool {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
  }

  /** Only for a slab that nothing reads any more. */
  give(slab: Buffer): void {
    if (this.#free.length < MAX_FREE_SLABS) this.#free.push(slab);
  }
}

import type { SlabPool } from './slab-pool.ts';

/** What goes to the socket in one write. */
export class Batch {
  readonly parts: Uint8Array[] = [];
  bytes = 0;
  /** Slabs whose last bytes are in this batch. */
  readonly #slabs: Buffer[] = [];

  add(part: Uint8Array): void {
    this.parts.push(part);
    this.bytes += part.length;
  }

  addSlab(slab: Buffer): void {
    this.#slabs.push(slab);
  }

  /** Empties the batch, after all of it was written. */
  release(pool: SlabPool): void {
    for (const slab of this.#slabs) pool.give(slab);
    this.#slabs.length = 0;
    this.parts.length = 0;
    this.bytes = 0;
  }
}

import { SLOT_COUNT } from '../lib/slots.ts';
import { isSameVersion, type KnownVersion } from './versions.ts';

/**
 * The tombstones that this replica has collected lately. It tells "collected there" from "missing there" (DESIGN §5): a
 * co-replica that has not collected yet sends such a tombstone again, and is answered that it may go. That stays true
 * for ever, because the rule was fulfilled once for this very version; so nothing depends on how long it is remembered.
 * What was forgotten because there was too much comes back as a tombstone, and is collected anew.
 */
export class CollectedTombstones {
  readonly #limit: number;
  /** By slot and hash in one number. Keys that share a hash push each other out, which costs a collection. */
  readonly #versions = new Map<number, KnownVersion>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#versions.size;
  }

  add(slot: number, hash: number, version: KnownVersion): void {
    const id = idOf(slot, hash);
    this.#versions.delete(id);
    this.#versions.set(id, version);
    if (this.#versions.size <= this.#limit) return;
    for (const oldest of this.#versions.keys()) {
      this.#versions.delete(oldest);
      return;
    }
  }

  has(slot: number, hash: number, version: KnownVersion): boolean {
    const known = this.#versions.get(idOf(slot, hash));
    return known !== undefined && isSameVersion(known, version);
  }
}

function idOf(slot: number, hash: number): number {
  return hash * SLOT_COUNT + slot;
}

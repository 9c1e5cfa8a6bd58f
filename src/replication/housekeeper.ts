import { SLOT_COUNT } from '../lib/slots.ts';
import type { Keyspace } from './keyspace.ts';

/** Records that one kind of work looks at in one tick: half a millisecond of it. */
const BUDGET = 2000;

/** The background work on one keyspace's store, a little at every tick, so that memory comes back. */
export class Housekeeper {
  readonly #keyspace: Keyspace;
  #slot = 0;
  #hash = 0;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  tick(wallMs: number): void {
    const { store, isSoleReplica } = this.#keyspace;
    store.sweepExpired(wallMs, BUDGET);
    store.compact(BUDGET);
    if (isSoleReplica && store.tombstoneCount > 0) this.#forgetTombstones();
  }

  /** Where a key has one replica, what an expired value leaves behind protects against nothing. */
  #forgetTombstones(): void {
    const { store } = this.#keyspace;
    let left = BUDGET;
    for (let slots = 0; slots < SLOT_COUNT && left > 0; slots++) {
      const hasTombstones = store.slotRecords(this.#slot) > store.slotCount(this.#slot);
      if (hasTombstones) left -= this.#forgetSome(left);
      else this.#hash = 0;
      if (this.#hash === 0) this.#slot = (this.#slot + 1) % SLOT_COUNT;
    }
  }

  /** One step through the present slot; `#hash` is 0 again at its end. @returns how many records were looked at. */
  #forgetSome(limit: number): number {
    const { store } = this.#keyspace;
    const dead: { hash: number; key: Buffer }[] = [];
    let visited = 0;
    const next = store.scan(this.#slot, this.#hash, limit, (ref, hash) => {
      visited++;
      if (store.isTombstone(ref)) dead.push({ hash, key: store.keyOf(ref) });
    });
    for (const { hash, key } of dead) store.remove(this.#slot, hash, key);
    this.#hash = Math.max(0, next);
    return visited;
  }
}

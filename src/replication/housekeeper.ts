import type { ClockGuard } from './clock-guard.ts';
import type { Keyspace } from './keyspace.ts';

/** Records that one kind of work looks at in one step: a tenth of a millisecond. */
const STEP = 500;
/** Steps go on for so long in one turn of the event loop, in ms, a tenth of the time, and are at most so many. */
const TURN_MS = 2;
const MAX_STEPS = 16;

type HousekeepersClock = Pick<ClockGuard, 'wallMs' | 'monotonicMs' | 'mayDropExpired'>;

/** The background work on one keyspace's store, a little at every tick, so that memory comes back. */
export class Housekeeper {
  readonly #keyspace: Keyspace;
  readonly #clock: HousekeepersClock;
  /** Where to go on to forget. */
  #slot = 0;
  #hash = 0;

  constructor(keyspace: Keyspace, clock: HousekeepersClock) {
    this.#keyspace = keyspace;
    this.#clock = clock;
  }

  tick(): void {
    const endMs = this.#clock.monotonicMs() + TURN_MS;
    const wallMs = this.#clock.wallMs();
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      if (!this.#step(wallMs) || this.#clock.monotonicMs() >= endMs) return;
    }
  }

  /** @returns whether there was anything to do, so that there may be more. */
  #step(wallMs: number): boolean {
    const { store, placement, durability } = this.#keyspace;
    const freed = store.freeDropped(STEP);
    // What the disk would have to follow waits for it.
    const mayChange = durability.refusal === undefined;
    const dropped = mayChange && this.#clock.mayDropExpired ? store.sweepExpired(wallMs, STEP) : 0;
    const moved = store.compact(STEP);
    const forgets = mayChange && placement.isAlone && store.tombstoneCount > 0;
    if (forgets) this.#forgetTombstones();
    return freed > 0 || dropped > 0 || moved > 0 || forgets;
  }

  /** Where there is one member, what an expired value leaves behind protects against nothing. */
  #forgetTombstones(): void {
    const { store } = this.#keyspace;
    let left = STEP;
    while (left > 0) {
      const next = store.tombstoneSlotFrom(this.#slot);
      const slot = next < 0 ? store.tombstoneSlotFrom(0) : next;
      if (slot < 0) return;
      if (slot !== this.#slot) this.#hash = 0;
      this.#slot = slot;
      left -= this.#forgetSome(left);
      if (this.#hash === 0) this.#slot++;
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

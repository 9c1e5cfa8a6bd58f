import type { Held, SimKey } from '../stored-key.ts';
import type { Report } from '../violation.ts';

/** What was once held by all replicas of a key at one moment. */
interface Floor {
  /** The least stamp that any of them held. */
  stamp: number;
  /** Since then all of them have held nothing at one moment: it was collected. */
  isGone: boolean;
}

/**
 * A deleted key returns only by a later SET (invariant 5). Looks at what the replicas of a key hold; once all of them
 * have held a version, or newer ones, at one moment, that version is the key's *floor*.
 *
 *     n1 ── v1 ────── T ─────────────┐
 *     n2 ── v1 ──────────── T ───────┤ floor: T      collected ── v1 on any of them is a key come back
 *     n3 ── v1 ──────────────── T ───┘
 *
 * - While nobody holds the floor or anything newer, no replica holds anything older. Who owned the slot before the last change of the ring,
 *   or will own it, counts as somebody: with W = 1 the new owners may have missed for a while what all of the old ones hold.
 * - When all have held nothing since, nobody holds a value that is not newer.
 *
 * **Why correct code cannot trip it.** But for power cuts, processes are lost one at a time, and the next only when all are whole again, so
 * what all replicas held stays on one of them at least, unless it is collected. It is collected only if nothing older
 * is anywhere that it could come back from. What may come back is the tombstone itself, in a copy of a message.
 */
export class Deletions {
  readonly #report: Report;
  readonly #floors = new Map<string, Floor>();
  #collected = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  /** All are lost at once, and what they held is what their disks have of it; but what was collected was on all disks. */
  forgetHeld(): void {
    for (const [id, { isGone }] of this.#floors) if (!isGone) this.#floors.delete(id);
  }

  /** How many times a key that was deleted everywhere was found to be gone everywhere. */
  get collected(): number {
    return this.#collected;
  }

  /**
   * @param held what the running replicas hold.
   * @param replicas how many they are if all of them run, otherwise undefined.
   * @param newestElsewhere the greatest stamp held by others; 0 for none.
   */
  look(key: SimKey, held: readonly Held[], replicas: number | undefined, newestElsewhere = 0): void {
    const floor = this.#floors.get(key.id);
    if (floor !== undefined) this.#check(key, floor, held, newestElsewhere);
    if (replicas !== undefined) this.#raise(key, floor, held, replicas);
  }

  #check({ db, name }: SimKey, floor: Floor, held: readonly Held[], newestElsewhere: number): void {
    const newest = Math.max(newestElsewhere, ...held.map(({ stamp }) => stamp));
    const back = held.find(({ stamp, hasValue }) =>
      floor.isGone ? hasValue && stamp <= floor.stamp : stamp < floor.stamp && newest < floor.stamp,
    );
    if (back === undefined) return;
    const what = `${back.process.name} holds ${back.hasValue ? 'a value' : 'a tombstone'} of ${name} stamped ${back.stamp}, but all replicas have held ${floor.stamp}${floor.isGone ? ' and collected it' : ''}`;
    this.#report({ kind: 'come-back', what, key: { db, name } });
  }

  /** All replicas run. */
  #raise({ id }: SimKey, floor: Floor | undefined, held: readonly Held[], replicas: number): void {
    if (held.length === 0 && floor !== undefined && !floor.isGone) {
      floor.isGone = true;
      this.#collected++;
    }
    if (held.length < replicas) return;
    const stamp = Math.min(...held.map(each => each.stamp));
    if (floor === undefined) this.#floors.set(id, { stamp, isGone: false });
    else if (stamp > floor.stamp) {
      floor.stamp = stamp;
      floor.isGone = false;
    }
  }
}

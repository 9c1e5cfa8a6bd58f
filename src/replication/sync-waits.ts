import type { SyncSchedule } from './sync-schedule.ts';

/** Why it did not come to a round with every co-replica; undefined when it did. */
export type SyncDone = (unavailable?: string) => void;

interface Wait {
  /** Which round each schedule must come to. */
  readonly rounds: ReadonlyMap<SyncSchedule, number>;
  readonly done: SyncDone;
}

/** Who may wait at once. */
const MAX_WAITS = 64;

/** Those who wait for a whole round with each co-replica, begun after they asked (`COTERIE SYNC`). */
export class SyncWaits {
  readonly #waits = new Set<Wait>();

  /** Calls for a round of each schedule as soon as it can begin. @param done is called once, perhaps at once. */
  add(schedules: readonly SyncSchedule[], done: SyncDone): void {
    if (this.#waits.size >= MAX_WAITS) return done('too many are under way');
    for (const schedule of schedules) schedule.dueMs = 0;
    this.#waits.add({ rounds: new Map(schedules.map(schedule => [schedule, schedule.next])), done });
    this.settle();
  }

  /** Only these schedules are left: who waits for another is told that it cannot come through. */
  forget(left: ReadonlySet<SyncSchedule>): void {
    for (const wait of this.#waits) {
      if ([...wait.rounds.keys()].every(schedule => left.has(schedule))) continue;
      this.#waits.delete(wait);
      wait.done('the ring has changed');
    }
  }

  /** Whether somebody waits for a round of it that has not begun. */
  areFor(schedule: SyncSchedule): boolean {
    for (const { rounds } of this.#waits) if ((rounds.get(schedule) ?? 0) >= schedule.next) return true;
    return false;
  }

  /** Tells those whose rounds have all come through, or cannot. */
  settle(): void {
    for (const wait of this.#waits) {
      const open = [...wait.rounds].filter(([schedule, round]) => !schedule.isThrough(round));
      const failure = open.map(([schedule, round]) => schedule.whyNot(round)).find(reason => reason !== undefined);
      if (open.length > 0 && failure === undefined) continue;
      this.#waits.delete(wait);
      wait.done(failure);
    }
  }
}

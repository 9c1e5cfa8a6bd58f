import { MAX_STAMP, type Stamp, stampAt, wallMsOf } from '../clock/hybrid-clock.ts';
import type { Clock } from '../ports/clock.ts';

/** How this node's wall clock stands among the members' (`membership/clock-judge.ts`). */
export interface ClockStanding {
  /** `unknown` while too few clocks have been seen to say who is wrong. */
  readonly state: 'unknown' | 'ok' | 'off';
  /** How far it is ahead of the median. */
  readonly offsetMs: number;
}

/**
 * A broken clock must not own the future (DESIGN §3): a node whose clock is off stamps nothing, and what others have
 * stamped too far ahead is held back. Judged by the median of the members' clocks, and so the same on every node,
 * whatever its own clock shows. While that is not known nothing is refused.
 */
export class ClockGuard {
  readonly #clock: Clock;
  readonly #maxDriftMs: number;
  #standing: ClockStanding = { state: 'unknown', offsetMs: 0 };
  #stepsBack: string | undefined;
  /** No stamp up to this one was too far ahead when the clock was last judged, and so none is now: time only passes. */
  #surelyFine: Stamp = MAX_STAMP;

  constructor(clock: Clock, maxDriftMs: number) {
    this.#clock = clock;
    this.#maxDriftMs = maxDriftMs;
  }

  /** Why this node must not stamp, as the end of "the clock of n1 …"; undefined when it may. */
  get stepsBack(): string | undefined {
    return this.#stepsBack;
  }

  /** @param lastStamp the greatest that this node has issued or seen: its next one is above. */
  judged(standing: ClockStanding, lastStamp: Stamp): void {
    this.#standing = standing;
    const medianMs = this.#clock.wallMs() - standing.offsetMs;
    this.#surelyFine = standing.state === 'unknown' ? MAX_STAMP : stampAt(medianMs + this.#maxDriftMs);
    const offMs = Math.round(standing.offsetMs);
    if (standing.state === 'off') this.#stepsBack = `is off by ${offMs} ms`;
    else if (this.isTooFarAhead(lastStamp))
      this.#stepsBack = `was off, and its stamps are ${this.aheadMs(lastStamp)} ms ahead`;
    else this.#stepsBack = undefined;
  }

  /** How far a stamp is ahead of the median clock; negative for the past. */
  aheadMs(stamp: Stamp): number {
    return Math.round(wallMsOf(stamp) - this.#clock.wallMs() + this.#standing.offsetMs);
  }

  isTooFarAhead(stamp: Stamp): boolean {
    if (stamp <= this.#surelyFine) return false;
    return this.#standing.state !== 'unknown' && this.aheadMs(stamp) > this.#maxDriftMs;
  }
}

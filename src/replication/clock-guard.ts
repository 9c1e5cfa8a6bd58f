import { MAX_STAMP, type Stamp, stampAt, wallMsOf } from '../clock/hybrid-clock.ts';
import type { Clock } from '../ports/clock.ts';

/** How this node's wall clock stands among the members' (`membership/clock-judge.ts`). */
export interface ClockStanding {
  /** `unknown` while too few clocks have been seen to say who is wrong. */
  readonly state: 'unknown' | 'ok' | 'off';
  /** How far it is ahead of the median. */
  readonly offsetMs: number;
  /** The latest time that members know of, by the median of them: of a clock or of a stamp, Unix ms. */
  readonly latestMs: number;
}

/** A wall clock that has moved by more than this since it was last judged may have been set. */
const LOOK_AGAIN_MS = 100;

/**
 * A broken clock must not own the future (DESIGN §3): a node whose clock is off stamps nothing, and what others have
 * stamped too far ahead is held back. Judged by the median of the members' clocks, and so the same on every node,
 * whatever its own clock shows. While that is not known nothing is refused. Nor is what most members have stamped up to
 * already: when most clocks are set back together, stamps go on from where they were.
 *
 * It is the clock that the node goes by, too: while its own is off it shows the median, so that keys expire when they
 * should. A clock that is set is judged before its time is used.
 */
export class ClockGuard implements Clock {
  readonly #clock: Clock;
  readonly #maxDriftMs: number;
  readonly #judge: () => void;
  #standing: ClockStanding = { state: 'unknown', offsetMs: 0, latestMs: 0 };
  #correctionMs = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #stepsBack: string | undefined;
  /** No stamp up to this one was too far ahead when the clock was last judged, and so none is now: time only passes. */
  #surelyFine: Stamp = MAX_STAMP;

  /**
   * @param clock the machine's.
   * @param judge finds the standing anew and tells it to `judged`, if there is one yet.
   */
  constructor(clock: Clock, maxDriftMs: number, judge: () => void) {
    this.#clock = clock;
    this.#maxDriftMs = maxDriftMs;
    this.#judge = judge;
  }

  wallMs(): number {
    const wallMs = this.#clock.wallMs();
    const movedMs = wallMs - this.#lookedAtMs;
    if (movedMs > LOOK_AGAIN_MS || movedMs < 0) {
      this.#lookedAtMs = wallMs;
      this.#judge();
    }
    return wallMs - this.#correctionMs;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Why this node must not stamp, as the end of "the clock of n1 …"; undefined when it may. */
  get stepsBack(): string | undefined {
    return this.#stepsBack;
  }

  /** @param lastStamp the greatest that this node has issued or seen: its next one is above. */
  judged(standing: ClockStanding, lastStamp: Stamp): void {
    this.#standing = standing;
    this.#surelyFine = standing.state === 'unknown' ? MAX_STAMP : stampAt(this.#presentMs + this.#maxDriftMs);
    const offMs = Math.round(standing.offsetMs);
    this.#correctionMs = standing.state === 'off' ? offMs : 0;
    if (standing.state === 'off') this.#stepsBack = `is off by ${offMs} ms`;
    else if (this.isTooFarAhead(lastStamp))
      this.#stepsBack = `was off, and its stamps are ${this.aheadMs(lastStamp)} ms ahead`;
    else this.#stepsBack = undefined;
  }

  /** How far a stamp is ahead of the present; negative for the past. */
  aheadMs(stamp: Stamp): number {
    return Math.round(wallMsOf(stamp) - this.#presentMs);
  }

  isTooFarAhead(stamp: Stamp): boolean {
    if (stamp <= this.#surelyFine) return false;
    return this.#standing.state !== 'unknown' && this.aheadMs(stamp) > this.#maxDriftMs;
  }

  /** By the median clock, or by what most members have stamped if that is later. */
  get #presentMs(): number {
    return Math.max(this.#clock.wallMs() - this.#standing.offsetMs, this.#standing.latestMs);
  }
}

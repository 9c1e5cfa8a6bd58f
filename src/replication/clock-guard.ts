import { MAX_STAMP, type Stamp, stampAt, wallMsOf } from '../clock/hybrid-clock.ts';
import type { Clock } from '../ports/clock.ts';

/** How this node's wall clock stands among the members' (`membership/clock-judge.ts`). */
export interface ClockStanding {
  /** `unknown` while too few clocks have been seen to say who is wrong; `doubtful` while none of those agrees. */
  readonly state: 'unknown' | 'doubtful' | 'ok' | 'off';
  /** How far it is ahead of the median; while doubtful, of the earliest seen. */
  readonly offsetMs: number;
  /** The time that most members' stamps have reached, Unix ms. */
  readonly latestMs: number;
}

/** A wall clock that has moved by more than this since it was last judged may have been set. */
const LOOK_AGAIN_MS = 100;

/**
 * A broken clock must not own the future (DESIGN §3): a node whose clock is off stamps nothing, and what others have
 * stamped too far ahead is held back. Judged by the median of the members' clocks, and so the same on every node,
 * whatever its own clock shows. While that is not known no stamp is too far ahead. Nor is one that most members' stamps
 * have reached: when most clocks are set back together, stamps go on from where they were. And a node stamps nothing
 * before another's clock has agreed with its own, where others could tell that it is off.
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

  /**
   * The time to stamp by: this clock's, and 0 while it is in doubt, so that a stamp is just above all others. A node asks whether it may
   * stamp before it begins a write; that its clock has been set it may find only now.
   */
  stampMs(): number {
    const wallMs = this.wallMs();
    return this.#standing.state === 'doubtful' ? 0 : wallMs;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  /**
   * Whether what has expired by this clock may be dropped for good. In doubt it is only not served: a clock that is found to be wrong gives it back,
   * and another replica may still have it under the same version, so that nothing would bring it here again.
   */
  get mayDropExpired(): boolean {
    return this.#standing.state !== 'doubtful';
  }

  /** Why this node must not stamp, as the end of "the clock of n1 …"; undefined when it may. */
  get stepsBack(): string | undefined {
    return this.#stepsBack;
  }

  /** @param lastStamp the greatest that this node has issued or seen: its next one is above. */
  judged(standing: ClockStanding, lastStamp: Stamp): void {
    this.#standing = standing;
    this.#surelyFine = this.#isJudged ? stampAt(this.#presentMs + this.#maxDriftMs) : MAX_STAMP;
    this.#correctionMs = correctionFor(standing);
    this.#stepsBack = this.#whyNotStamp(lastStamp);
  }

  #whyNotStamp(lastStamp: Stamp): string | undefined {
    const { state, offsetMs } = this.#standing;
    if (state === 'off') return `is off by ${offsetMs} ms`;
    if (state === 'doubtful' && offsetMs === 0) return 'has not been compared with that of another node yet';
    if (state === 'doubtful')
      return `differs by ${offsetMs} ms from another, and too few are seen to tell which is right`;
    if (this.isTooFarAhead(lastStamp)) return `was off, and its stamps are ${this.aheadMs(lastStamp)} ms ahead`;
    return undefined;
  }

  /** How far a stamp is ahead of the present; negative for the past. */
  aheadMs(stamp: Stamp): number {
    return Math.round(wallMsOf(stamp) - this.#presentMs);
  }

  isTooFarAhead(stamp: Stamp): boolean {
    if (stamp <= this.#surelyFine) return false;
    return this.#isJudged && this.aheadMs(stamp) > this.#maxDriftMs;
  }

  /** Whether enough clocks have been seen to know the present. */
  get #isJudged(): boolean {
    return this.#standing.state === 'ok' || this.#standing.state === 'off';
  }

  /** By the median clock, or by what most members have stamped if that is later. */
  get #presentMs(): number {
    return Math.max(this.#clock.wallMs() - this.#standing.offsetMs, this.#standing.latestMs);
  }
}

/** While it is in doubt the earlier of two clocks is right: what expires late can still expire, and not the other way round. */
function correctionFor({ state, offsetMs }: ClockStanding): number {
  if (state === 'off') return offsetMs;
  return state === 'doubtful' ? Math.max(0, offsetMs) : 0;
}

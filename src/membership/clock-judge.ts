import type { NodeName } from '../ports/outbox.ts';

/** How a node's wall clock stands among those of the members. */
export interface ClockVerdict {
  /** `unknown`: too few clocks were seen to tell which of them are right. `off`: this node must not coordinate. */
  readonly state: 'unknown' | 'ok' | 'off';
  /** This node's wall clock less the median of all that are known, its own among them; 0 while unknown. */
  readonly offsetMs: number;
}

/** What is known before any other clock was seen. */
export const CLOCK_UNKNOWN: ClockVerdict = { state: 'unknown', offsetMs: 0 };

/** With two clocks nobody can say which of them is wrong. */
const LEAST_CLOCKS = 3;
/** In a large cluster a sample is enough, or a node would be judged only after it has probed half of it. */
const ENOUGH_CLOCKS = 7;
/** What a clock has to move against this node's monotonic clock before the verdict is found anew. */
const UNREMARKABLE_MS = 20;

/**
 * Judges this node's wall clock by the median of the members' (DESIGN §3): as long as fewer than half of those seen are
 * wrong, the median lies among the right ones, whatever the others show (K. Marzullo, S. Owicki, "Maintaining the Time
 * in a Distributed System", 1983, has the argument).
 *
 * A clock is kept as its distance from this node's *monotonic* clock. So when this node's own wall clock is set, all
 * estimates stay good and the node knows of it at once, without a single probe.
 */
export class ClockJudge {
  readonly #maxDriftMs: number;
  /** Of each member: its wall time at some instant less this node's monotonic time at the same instant. */
  readonly #basesMs = new Map<NodeName, number>();
  /** The latest time that each member knew of when it was last seen: its wall clock's or a stamp's, Unix ms. */
  readonly #latestMs = new Map<NodeName, number>();
  #members = 1;
  #verdict = CLOCK_UNKNOWN;
  /** What the verdict was found from; NaN: there is something new. */
  #judgedBaseMs = Number.NaN;
  #medianMs = 0;

  constructor(maxDriftMs: number) {
    this.#maxDriftMs = maxDriftMs;
  }

  /** The members from now on, this node among them or not. */
  setMembers(names: ReadonlySet<NodeName>): void {
    this.#members = names.size;
    for (const known of [this.#basesMs, this.#latestMs])
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    this.#judgedBaseMs = Number.NaN;
  }

  /**
   * A member showed `wallMs` and the latest time that it knows of between `sentMs` and `heardMs` of this node's monotonic
   * clock. The middle is wrong by half the round trip at most (D. Mills, NTP); the caller leaves out round trips that took
   * long.
   */
  saw(name: NodeName, wallMs: number, latestMs: number, sentMs: number, heardMs: number): void {
    this.#latestMs.set(name, latestMs);
    const baseMs = wallMs - (sentMs + heardMs) / 2;
    const knownMs = this.#basesMs.get(name);
    if (knownMs !== undefined && Math.abs(baseMs - knownMs) < UNREMARKABLE_MS) return;
    this.#basesMs.set(name, baseMs);
    this.#judgedBaseMs = Number.NaN;
  }

  /** @param wallMs this node's own clocks, both at this instant. */
  judge(wallMs: number, monotonicMs: number): ClockVerdict {
    const baseMs = wallMs - monotonicMs;
    if (Math.abs(baseMs - this.#judgedBaseMs) < UNREMARKABLE_MS) return this.#verdict;
    this.#judgedBaseMs = baseMs;
    const clocks = this.#basesMs.size + 1;
    const majority = Math.floor(this.#members / 2) + 1;
    if (clocks < Math.max(LEAST_CLOCKS, Math.min(majority, ENOUGH_CLOCKS))) {
      this.#verdict = CLOCK_UNKNOWN;
      return this.#verdict;
    }
    this.#medianMs = median([...this.#basesMs.values(), baseMs]);
    const offsetMs = Math.round(baseMs - this.#medianMs);
    this.#verdict = { state: this.#stateAt(Math.abs(offsetMs)), offsetMs };
    return this.#verdict;
  }

  /**
   * The median of the latest times that members know of. It is ahead of the median clock after most clocks were set
   * back: what has been stamped by then is nobody's fault, and stamps go on from there.
   *
   * @param ownMs this node's.
   */
  latestMs(ownMs: number): number {
    return median([...this.#latestMs.values(), ownMs]);
  }

  /** How far a member's clock was ahead of the median when it was last seen; undefined while that is unknown. */
  offsetOf(name: NodeName): number | undefined {
    const baseMs = this.#basesMs.get(name);
    if (baseMs === undefined || this.#verdict.state === 'unknown') return undefined;
    return Math.round(baseMs - this.#medianMs);
  }

  /** A clock that was off is trusted again at half the limit, so that one at the limit does not go to and fro. */
  #stateAt(distanceMs: number): ClockVerdict['state'] {
    const limitMs = this.#verdict.state === 'off' ? this.#maxDriftMs / 2 : this.#maxDriftMs;
    return distanceMs > limitMs ? 'off' : 'ok';
  }
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}

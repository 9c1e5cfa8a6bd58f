import type { NodeName } from '../ports/outbox.ts';

/** How a node's wall clock stands among those of the members. */
export interface ClockVerdict {
  /**
   * `unknown`: too few clocks were seen to tell which of them are right, and nothing speaks against this one.
   * `doubtful`: neither, but in a cluster where others could tell none has agreed with this one so far.
   * `off`: it is wrong. With the last two this node must not stamp.
   */
  readonly state: 'unknown' | 'doubtful' | 'ok' | 'off';
  /** This node's wall clock less the median; while doubtful, less the earliest seen if that is earlier; else 0. */
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

/** A member's clock as it was seen last. */
interface Sighting {
  /** Its wall time at some instant less this node's monotonic time at the same instant. */
  baseMs: number;
  /** This node's monotonic time at that instant. */
  seenMs: number;
}

export interface ClockJudgeOptions {
  /** How far this node's wall clock may be from the median. */
  readonly maxDriftMs: number;
  /** How long a clock that was seen counts: later it may have been set. By the number of members. */
  freshMs(members: number): number;
}

/**
 * Judges this node's wall clock by the median of the members' (DESIGN §3): as long as fewer than half of those seen are
 * wrong, the median lies among the right ones, whatever the others show (K. Marzullo, S. Owicki, "Maintaining the Time
 * in a Distributed System", 1983, has the argument).
 *
 * A clock is kept as its distance from this node's *monotonic* clock. So when this node's own wall clock is set, all
 * estimates stay good and the node knows of it at once, without a single probe. And a median that was found once stays
 * good while other members cannot be seen, or those that can be do not agree: it is given up for another only when a
 * majority of the members, or seven, show that one.
 */
export class ClockJudge {
  readonly #options: ClockJudgeOptions;
  readonly #sightings = new Map<NodeName, Sighting>();
  /** Of each member: the latest stamp's time that it knew of when it was last seen, Unix ms. */
  readonly #latestMs = new Map<NodeName, number>();
  #members = 1;
  #verdict = CLOCK_UNKNOWN;
  /** This node's own clock as it was judged last. */
  #ownBaseMs = Number.NaN;
  /** When it was found to have been set, by more than clocks may differ: what was seen before says nothing about it. */
  #setMs = Number.NEGATIVE_INFINITY;
  #somethingIsNew = true;
  /** When the first of the sightings judged by will be too old. */
  #staleFromMs = Number.POSITIVE_INFINITY;
  /** Of the clocks; undefined before there was one that enough of them agreed with. */
  #medianMs: number | undefined;

  constructor(options: ClockJudgeOptions) {
    this.#options = options;
  }

  /** The members from now on, this node among them or not. */
  setMembers(names: ReadonlySet<NodeName>): void {
    this.#members = names.size;
    for (const known of [this.#sightings, this.#latestMs])
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    this.#somethingIsNew = true;
  }

  /** Whether more clocks have to be seen before there can be a first verdict. */
  get needsMore(): boolean {
    return this.#medianMs === undefined && this.#members >= LEAST_CLOCKS;
  }

  /**
   * A member showed `wallMs` and the time of the latest stamp that it knows of, between `sentMs` and `heardMs` of this
   * node's monotonic clock. The middle is wrong by half the round trip at most (D. Mills, NTP); the caller leaves out
   * round trips that took long.
   */
  saw(name: NodeName, wallMs: number, latestMs: number, sentMs: number, heardMs: number): void {
    this.#latestMs.set(name, latestMs);
    const seenMs = (sentMs + heardMs) / 2;
    const baseMs = wallMs - seenMs;
    const known = this.#sightings.get(name);
    const isAsBefore = known !== undefined && Math.abs(baseMs - known.baseMs) < UNREMARKABLE_MS;
    if (isAsBefore && this.#isFresh(known, seenMs) && this.#speaksFor(known)) {
      known.seenMs = seenMs;
      return;
    }
    this.#sightings.set(name, { baseMs, seenMs });
    this.#somethingIsNew = true;
  }

  /** @param wallMs this node's own clocks, both at this instant. */
  judge(wallMs: number, monotonicMs: number): ClockVerdict {
    const baseMs = wallMs - monotonicMs;
    const movedMs = Math.abs(baseMs - this.#ownBaseMs);
    if (movedMs < UNREMARKABLE_MS && !this.#somethingIsNew && monotonicMs < this.#staleFromMs) return this.#verdict;
    if (movedMs > this.#options.maxDriftMs) this.#setMs = monotonicMs;
    this.#ownBaseMs = baseMs;
    this.#somethingIsNew = false;
    const fresh = this.#freshSightings(monotonicMs);
    const others = fresh.filter(sighting => this.#speaksFor(sighting)).map(sighting => sighting.baseMs);
    this.#findMedian([...others, baseMs]);
    if (this.#medianMs !== undefined) this.#verdict = this.#against(this.#medianMs);
    else if (!this.needsMore || others.some(other => this.#isNear(other, baseMs))) this.#verdict = CLOCK_UNKNOWN;
    else this.#verdict = { state: 'doubtful', offsetMs: aheadOfEarliest(baseMs, fresh) };
    return this.#verdict;
  }

  /**
   * The time that most members' stamps have reached. It is ahead of the median clock after most clocks were set back:
   * what has been stamped by then is nobody's fault, and stamps go on from there.
   *
   * @param ownMs this node's.
   */
  latestMs(ownMs: number): number {
    const all = [...this.#latestMs.values(), ownMs].sort((a, b) => a - b);
    return all[(all.length - 1) >> 1]!;
  }

  /** How far a member's clock was ahead of the median when it was last seen; undefined while that is unknown. */
  offsetOf(name: NodeName): number | undefined {
    const sighting = this.#sightings.get(name);
    if (sighting === undefined || this.#medianMs === undefined) return undefined;
    return Math.round(sighting.baseMs - this.#medianMs);
  }

  #isFresh({ seenMs }: Sighting, nowMs: number): boolean {
    return nowMs < seenMs + this.#options.freshMs(this.#members);
  }

  #freshSightings(nowMs: number): Sighting[] {
    const fresh = [...this.#sightings.values()].filter(sighting => this.#isFresh(sighting, nowMs));
    const oldestMs = fresh.reduce((least, { seenMs }) => Math.min(least, seenMs), Number.POSITIVE_INFINITY);
    this.#staleFromMs = oldestMs + this.#options.freshMs(this.#members);
    return fresh;
  }

  /** Whether it can agree with this node's clock as that is now. */
  #speaksFor({ seenMs }: Sighting): boolean {
    return seenMs >= this.#setMs;
  }

  #findMedian(clocks: number[]): void {
    if (clocks.length < LEAST_CLOCKS) return;
    const found = median(clocks);
    const agreeing = clocks.filter(clock => this.#isNear(clock, found)).length;
    const majority = Math.floor(this.#members / 2) + 1;
    if (agreeing >= Math.min(majority, ENOUGH_CLOCKS)) this.#medianMs = found;
  }

  /** A clock that was off is trusted again at half the limit, so that one at the limit does not go to and fro. */
  #against(medianMs: number): ClockVerdict {
    const { maxDriftMs } = this.#options;
    const offsetMs = Math.round(this.#ownBaseMs - medianMs);
    const limitMs = this.#verdict.state === 'off' ? maxDriftMs / 2 : maxDriftMs;
    return { state: Math.abs(offsetMs) > limitMs ? 'off' : 'ok', offsetMs };
  }

  #isNear(clock: number, other: number): boolean {
    return Math.abs(clock - other) <= this.#options.maxDriftMs;
  }
}

function aheadOfEarliest(ownMs: number, others: readonly Sighting[]): number {
  return Math.round(ownMs - others.reduce((least, { baseMs }) => Math.min(least, baseMs), ownMs));
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}

import type { Configuration, MemberId } from './configuration.ts';

/** Reads of a member: all those of this process of it up to this number. */
export interface ReadRequest {
  readonly member: MemberId;
  readonly origin: string;
  readonly number: number;
}

/** Requests and the commit index that they may be answered at, if this leader still led after they had come. */
export interface ReadRound {
  readonly round: number;
  readonly index: number;
  readonly requests: readonly ReadRequest[];
}

/** Rounds that wait for their acknowledgements; further requests wait for these. */
const MAX_ROUNDS = 8;

/**
 * ReadIndex (thesis §6.4): a read is answered at the commit index of the moment it came, once a majority has acknowledged that this leader
 * still led after that moment. All requests since the last round share the next one.
 *
 * The commit index is good for that only from the leader's first commit of its own term on: an earlier leader may have committed more than
 * this one knows. Requests that come before wait for it.
 */
export class ReadIndex {
  readonly #self: MemberId;
  /** By member. Numbers are cumulative, so the last request of one says everything. */
  #waiting = new Map<MemberId, ReadRequest>();
  #rounds: ReadRound[] = [];
  #lastRound = 0;
  readonly #acknowledged = new Map<MemberId, number>();

  constructor(self: MemberId) {
    this.#self = self;
  }

  /** The last round begun: every heartbeat carries it, so that a lost one costs time only. */
  get lastRound(): number {
    return this.#lastRound;
  }

  request(request: ReadRequest): void {
    const waiting = this.#waiting.get(request.member);
    if (waiting?.origin === request.origin && waiting.number >= request.number) return;
    this.#waiting.set(request.member, request);
  }

  /**
   * Begins a round for the requests that wait, if there are any.
   *
   * @returns whether heartbeats with the new `lastRound` are to be sent.
   */
  begin(commit: number, hasCommittedOwnTerm: boolean): boolean {
    if (!hasCommittedOwnTerm || this.#waiting.size === 0 || this.#rounds.length >= MAX_ROUNDS) return false;
    this.#lastRound++;
    this.#rounds.push({ round: this.#lastRound, index: commit, requests: [...this.#waiting.values()] });
    this.#waiting = new Map();
    return true;
  }

  acknowledge(member: MemberId, round: number): void {
    this.#acknowledged.set(member, Math.max(round, this.#acknowledged.get(member) ?? 0));
  }

  /** Rounds that a majority has acknowledged. */
  takeConfirmed(configuration: Configuration): ReadRound[] {
    if (this.#rounds.length === 0) return [];
    const confirmed = configuration.reachedByMajority(member => {
      return member === this.#self ? this.#lastRound : (this.#acknowledged.get(member) ?? 0);
    });
    const rounds = this.#rounds.filter(({ round }) => round <= confirmed);
    this.#rounds = this.#rounds.filter(({ round }) => round > confirmed);
    return rounds;
  }
}

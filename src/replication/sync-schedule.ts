import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import type { SyncPair } from './sync-responder.ts';
import type { SyncRound } from './sync-round.ts';

/**
 * An offer of slots has ended: `wanted` are those of which the peer lacked something that it was sent, if it has heard all of the offer,
 * and undefined if it has not.
 */
export type OfferEnded = (wanted: ReadonlySet<number> | undefined) => void;

/** The rounds with one peer over one keyspace: the one under way, when the next is due, and what became of the last. */
export class SyncSchedule implements SyncPair {
  readonly keyspace: Keyspace;
  readonly peer: Peer;
  readonly slots: Uint16Array;
  /** Told when a round that offers has ended; undefined where the slots are held at both ends. */
  readonly offered: OfferEnded | undefined;
  /** Monotonic milliseconds. */
  dueMs = 0;
  /** How many rounds in a row have ended because the peer fell silent, as far as that is counted. */
  silences = 0;
  #round: SyncRound | undefined;
  /** How many rounds were begun, and which of them was the last to come through, and to fail, and why. */
  #begun = 0;
  #completed = 0;
  #failed = 0;
  #failure = '';

  constructor(keyspace: Keyspace, peer: Peer, slots: Uint16Array, offered?: OfferEnded) {
    this.offered = offered;
    this.keyspace = keyspace;
    this.peer = peer;
    this.slots = slots;
  }

  get round(): SyncRound | undefined {
    return this.#round;
  }

  /** Number of the round that will be begun next. */
  get next(): number {
    return this.#begun + 1;
  }

  begin(round: SyncRound): void {
    this.#round = round;
    this.#begun++;
  }

  /** The round is through, or has failed: what did the peer do, or what is it? */
  end(failure: string | undefined): void {
    this.#round = undefined;
    if (failure === undefined) {
      this.#completed = this.#begun;
      this.silences = 0;
    } else {
      this.#failed = this.#begun;
      this.#failure = failure;
    }
  }

  /** Whether this round, or a later one, came through. */
  isThrough(round: number): boolean {
    return this.#completed >= round;
  }

  /** Why this round cannot come through; undefined while it may. */
  whyNot(round: number): string | undefined {
    if (this.#failed >= round) return `${this.peer.name} ${this.#failure}`;
    if (this.#round === undefined && !this.peer.reachable) return `${this.peer.name} cannot be reached`;
    return undefined;
  }
}

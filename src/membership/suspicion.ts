import type { NodeName } from '../ports/outbox.ts';
import { MAX_WITNESSES } from './swim-messages.ts';

/** How often a suspect is asked at most. */
const MOST_QUESTIONS = 3;

/**
 * How long after its begin a suspicion becomes a death: from `maxMs` without confirmation down to `minMs` with all
 * that are expected, each counting less than the one before (Lifeguard §IV.B; memberlist's `remainingSuspicionTime`).
 *
 *     timeout = max(min, max − (max − min) · log(C + 1) / log(K + 1))
 *
 * @param confirmations C, independent ones beyond the first accuser.
 * @param expected K; with 0 there is nobody to wait for.
 * @returns milliseconds.
 */
export function suspicionTimeoutMs(confirmations: number, expected: number, minMs: number, maxMs: number): number {
  if (expected < 1) return minMs;
  const fraction = Math.log(confirmations + 1) / Math.log(expected + 1);
  return Math.max(minMs, Math.floor(maxMs - fraction * (maxMs - minMs)));
}

/** One member under suspicion: since when, and by whose own probes. */
export class Suspicion {
  #startedMs: number;
  readonly #witnesses = new Set<NodeName>();
  #timesAsked = 0;

  constructor(startedMs: number, witnesses: readonly NodeName[]) {
    this.#startedMs = startedMs;
    for (const witness of witnesses) this.confirm(witness);
  }

  get witnesses(): readonly NodeName[] {
    return [...this.#witnesses];
  }

  /** @returns whether this witness is news that the others should hear, too. */
  confirm(witness: NodeName): boolean {
    if (this.#witnesses.has(witness) || this.#witnesses.size >= MAX_WITNESSES) return false;
    this.#witnesses.add(witness);
    return true;
  }

  /**
   * Whether it is time to ask the suspect itself: 1/2, 3/4 and 7/8 on the way to the minimum timeout. Rumours reach
   * everyone with high probability; whoever the refutation missed gets it this way, also when one question is lost.
   */
  isTimeToAsk(nowMs: number, minMs: number): boolean {
    const waitMs = minMs * (1 - 0.5 ** (this.#timesAsked + 1));
    if (this.#timesAsked === MOST_QUESTIONS || nowMs < this.#startedMs + waitMs) return false;
    this.#timesAsked++;
    return true;
  }

  /** When the member is to be declared dead. */
  deadlineMs(expected: number, minMs: number, maxMs: number): number {
    return this.#startedMs + suspicionTimeoutMs(this.#witnesses.size - 1, expected, minMs, maxMs);
  }

  /** Time in which this node could not have heard a refutation does not count. */
  shift(ms: number): void {
    this.#startedMs += ms;
  }
}

import { drawChance, drawFraction } from '../lib/draw.ts';
import type { Random } from '../ports/random.ts';
import type { FaultCounts, FaultRates } from './faults.ts';

/** The network as it is when nothing is wrong: one way, uniform in [base, base + jitter). */
const BASE_DELAY_MS = 0.2;
const JITTER_MS = 0.4;
/** A long delay is up to this, mostly much less. */
const LONG_DELAY_MS = 2_000;
/** How far a message may be overtaken. */
const REORDERING_MS = 150;
/** A storm has the rates times up to this; with the square of a uniform draw the mean is the rate itself. */
const STORM = 3;

/** What becomes of one message: a lost one arrives never, a duplicated one twice. */
export interface MessageFate {
  /** Milliseconds under way, for each copy that arrives. */
  readonly delaysMs: readonly number[];
  /** Whether it may overtake, and be overtaken by, others of its link. */
  readonly inOrder: boolean;
}

/** Draws what happens to each message. Storms come and go: `stir` draws how bad the weather is from now on. */
export class MessageFaults {
  readonly #random: Random;
  readonly #rates: FaultRates;
  readonly #counts: FaultCounts;
  #severity = 0;

  constructor(random: Random, rates: FaultRates, counts: FaultCounts) {
    this.#random = random;
    this.#rates = rates;
    this.#counts = counts;
  }

  /** Average weather, with which a storm begins: so every kind that was asked for comes in even the shortest one. */
  begin(): void {
    this.#severity = 1;
  }

  stir(): void {
    this.#severity = STORM * drawFraction(this.#random) ** 2;
  }

  calm(): void {
    this.#severity = 0;
  }

  /** One way, in fair weather. */
  latencyMs(): number {
    return BASE_DELAY_MS + JITTER_MS * drawFraction(this.#random);
  }

  fate(): MessageFate {
    const latencyMs = this.latencyMs();
    if (this.#severity === 0) return { delaysMs: [latencyMs], inOrder: true };
    if (this.#strikes('loss')) return LOST;
    let delayMs = latencyMs;
    if (this.#strikes('delay')) delayMs += LONG_DELAY_MS * drawFraction(this.#random) ** 3;
    const overtaken = this.#strikes('reordering');
    if (overtaken) delayMs += REORDERING_MS * drawFraction(this.#random) ** 2;
    if (!this.#strikes('duplication')) return { delaysMs: [delayMs], inOrder: !overtaken };
    return { delaysMs: [delayMs, delayMs + LONG_DELAY_MS * drawFraction(this.#random) ** 4], inOrder: !overtaken };
  }

  #strikes(kind: 'loss' | 'delay' | 'reordering' | 'duplication'): boolean {
    const rate = this.#rates[kind];
    if (rate === 0 || !drawChance(this.#random, Math.min(0.9, rate * this.#severity))) return false;
    this.#counts[kind]++;
    return true;
  }
}

const LOST: MessageFate = { delaysMs: [], inOrder: true };

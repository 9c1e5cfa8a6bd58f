import { drawBelow, drawChance, drawFraction, shuffled } from '../lib/draw.ts';
import type { Random } from '../ports/random.ts';
import type { FaultCounts, FaultRates } from './faults.ts';
import type { MessageFaults } from './message-faults.ts';
import type { SimProcess } from './sim-process.ts';
import type { SkewedClock, VirtualTime } from './virtual-clock.ts';
import type { VirtualNetwork } from './virtual-network.ts';

/** What faults are done to. */
export interface Victims {
  readonly time: VirtualTime;
  readonly network: VirtualNetwork;
  readonly messages: MessageFaults;
  readonly nodes: number;
  readonly clocks: readonly SkewedClock[];
  processAt(index: number): SimProcess | undefined;
  /** Whether every node runs and all see each other alive, linked and whole: then one may be lost. */
  isWhole(): boolean;
  crash(index: number, silently: boolean): void;
  start(index: number): void;
  say(line: string): void;
}

type EpisodeKind = 'partition' | 'one-way' | 'crash' | 'slow' | 'skew';
const EPISODES: readonly EpisodeKind[] = ['partition', 'one-way', 'crash', 'slow', 'skew'];

/** In virtual milliseconds. */
const STIR_MS = 4_000;
const CUT_MIN_MS = 200;
const CUT_MAX_MS = 6_000;
const DOWN_MIN_MS = 300;
const DOWN_MAX_MS = 6_000;
const STILL_MIN_MS = 50;
const STILL_MAX_MS = 2_500;
const RETRY_MS = 250;
/** Clocks are set so many times a minute where they may be wrong. */
const SKEWS_A_MINUTE = 10;

/**
 * Brings the faults about while a storm lasts, every kind that was asked for at least once, and takes them back.
 *
 * A node is lost only while all others are whole and see each other: W − 1 = 1 loss is what a quorum of two promises to
 * survive, so a second must wait until what the first took with it has been refilled.
 */
export class Nemesis {
  readonly #victims: Victims;
  readonly #random: Random;
  readonly #rates: FaultRates;
  readonly #counts: FaultCounts;
  /** Takes back what is still in force, in the order it came. */
  readonly #undo = new Set<() => void>();
  /** Counts storms, so that what was planned in an earlier one is not done in a later. */
  #storm = 0;

  constructor(victims: Victims, random: Random, rates: FaultRates, counts: FaultCounts) {
    this.#victims = victims;
    this.#random = random;
    this.#rates = rates;
    this.#counts = counts;
  }

  /** Lets everything loose. @param lengthMs how long it will last: every kind comes in its first half. */
  begin(lengthMs: number): void {
    const storm = ++this.#storm;
    this.#stir(storm);
    const kinds = shuffled(
      this.#random,
      EPISODES.filter(kind => this.#rates[kind] > 0),
    );
    for (const [i, kind] of kinds.entries()) {
      // A crash needs a cluster that is whole, so it comes first.
      const firstMs = kind === 'crash' ? 0 : (lengthMs * (i + this.#fraction())) / (2 * kinds.length);
      this.#victims.time.in(firstMs, () => this.#strike(storm, kind));
    }
  }

  /** Takes everything back: cuts are mended, who is down is started, who stands still goes on in a moment. */
  end(): void {
    this.#storm++;
    this.#victims.messages.calm();
    for (const undo of [...this.#undo]) undo();
  }

  #stir(storm: number): void {
    if (storm !== this.#storm) return;
    this.#victims.messages.stir();
    this.#victims.time.in(STIR_MS * (0.5 + this.#fraction()), () => this.#stir(storm));
  }

  #strike(storm: number, kind: EpisodeKind): void {
    if (storm !== this.#storm) return;
    const { time } = this.#victims;
    if (!this.#bring(kind)) return time.in(RETRY_MS, () => this.#strike(storm, kind));
    this.#counts[kind]++;
    const perMinute = kind === 'skew' ? SKEWS_A_MINUTE : this.#rates[kind];
    const meanMs = 60_000 / perMinute;
    time.in(-Math.log(1 - this.#fraction()) * meanMs, () => this.#strike(storm, kind));
  }

  /** @returns false when it cannot be done now. */
  #bring(kind: EpisodeKind): boolean {
    switch (kind) {
      case 'partition':
        return this.#partition(true);
      case 'one-way':
        return this.#partition(false);
      case 'crash':
        return this.#crash();
      case 'slow':
        return this.#slow();
      case 'skew':
        return this.#setClock();
    }
  }

  #partition(bothWays: boolean): boolean {
    const { nodes, network, say } = this.#victims;
    const order = shuffled(
      this.#random,
      Array.from({ length: nodes }, (_, i) => i),
    );
    const size = 1 + drawBelow(this.#random, nodes - 1);
    const side = order.slice(0, size);
    const other = order.slice(size);
    const each = (change: (from: number, to: number) => void): void => {
      for (const a of side) {
        for (const b of other) {
          change(a, b);
          if (bothWays) change(b, a);
        }
      }
    };
    const names = (group: readonly number[]): string => group.map(index => `n${index + 1}`).join(' ');
    say(`cut ${names(side)} ${bothWays ? '|' : '→'} ${names(other)}`);
    each((from, to) => network.cut(from, to));
    this.#later(CUT_MIN_MS + (CUT_MAX_MS - CUT_MIN_MS) * this.#fraction(), () => {
      say(`mended ${names(side)} ${bothWays ? '|' : '→'} ${names(other)}`);
      each((from, to) => network.mend(from, to));
    });
    return true;
  }

  #crash(): boolean {
    if (!this.#victims.isWhole()) return false;
    const index = drawBelow(this.#random, this.#victims.nodes);
    this.#victims.crash(index, drawChance(this.#random, 0.3));
    const downMs = DOWN_MIN_MS + (DOWN_MAX_MS - DOWN_MIN_MS) * this.#fraction() ** 2;
    this.#later(downMs, () => this.#victims.start(index));
    return true;
  }

  #slow(): boolean {
    const process = this.#victims.processAt(drawBelow(this.#random, this.#victims.nodes));
    if (process === undefined) return false;
    const ms = STILL_MIN_MS + (STILL_MAX_MS - STILL_MIN_MS) * this.#fraction() ** 3;
    this.#victims.say(`${process.name} stands still for ${ms.toFixed(0)} ms`);
    process.standStill(ms);
    return true;
  }

  #setClock(): boolean {
    const index = drawBelow(this.#random, this.#victims.nodes);
    const aheadMs = this.#rates.skew * (2 * this.#fraction() - 1);
    this.#victims.say(`the clock of n${index + 1} is set to be ahead by ${aheadMs.toFixed(0)} ms`);
    this.#victims.clocks[index]!.set(aheadMs);
    return true;
  }

  /** Does it after so long, or at the end of the storm if that comes first. */
  #later(ms: number, action: () => void): void {
    const once = (): void => {
      if (this.#undo.delete(once)) action();
    };
    this.#undo.add(once);
    this.#victims.time.in(ms, once);
  }

  #fraction(): number {
    return drawFraction(this.#random);
  }
}

import { drawBelow, drawChance, drawFraction, drawOne, shuffled } from '../lib/draw.ts';
import { freshClockMs, LAN_TIMINGS } from '../membership/swim-options.ts';
import type { Random } from '../ports/random.ts';
import { AilingDisks, type Ailment } from './ailing-disks.ts';
import type { FaultCounts, FaultRates } from './faults.ts';
import { nameOf, type SimProcess } from './sim-process.ts';
import type { DiskMoment } from './simulated-drive.ts';
import type { Ending, Victims } from './victims.ts';

/** Whether an episode has come; is staged and will come; has come where nobody runs to see it; or cannot come now. */
type Outcome = 'came' | 'staged' | 'unseen' | 'not now';

type EpisodeKind =
  | Ending
  | 'partition'
  | 'one-way'
  | 'suspend'
  | 'slow'
  | 'jumps'
  | 'broken-clock'
  | 'churn'
  | Ailment
  | 'power-cut';
const EPISODES: readonly EpisodeKind[] = [
  'partition',
  'one-way',
  'crash',
  'suspend',
  'slow',
  'jumps',
  'broken-clock',
  'churn',
  'restart',
  'torn-batch',
  'lost-tail',
  'damage',
  'power-cut',
  'full-disk',
  'slow-flush',
];

/** In virtual milliseconds. */
const STIR_MS = 4_000;
const CUT_MIN_MS = 200;
const CUT_MAX_MS = 6_000;
/** The witness of a crash is cut off for so long before it, and the lost node from the others for so long after its return. */
const LEAD_MIN_MS = 500;
const LEAD_MAX_MS = 3_000;
const DOWN_MIN_MS = 100;
const DOWN_MAX_MS = 5_000;
const STILL_MIN_MS = 50;
const STILL_MAX_MS = 2_500;
const RETRY_MS = 250;
const SUSPENDED_MIN_MS = 2_500;
const SUSPENDED_MAX_MS = 15_000;
/** A clock is set to be wrong by up to this, or by `skew` if that is more. */
const JUMP_MS = 500;
/** A broken clock is ahead or behind by this, for so long. */
const BROKEN_BY_MS = 3_600_000;
const BROKEN_MIN_MS = 500;
const BROKEN_MAX_MS = 10_000;
/** A disk is full, or slow, for so long. */
const DISK_MIN_MS = 200;
const DISK_MAX_MS = 8_000;
/** Shorter than any flush. */
const INTO_FLUSH_MS = 0.2;

/**
 * Brings the faults about while a storm lasts, every kind that was asked for at least once, and takes them back.
 *
 * A node is lost only while all are running and whole, be they cut from each other or not: W − 1 = 1 loss is what a
 * quorum of two promises to survive, so a second must wait until what the first took with it has been refilled. When the power is cut all that run
 * are lost, with their memory only: of at most one, and only while all are whole, the disk loses something, too.
 */
export class Nemesis {
  readonly #victims: Victims;
  readonly #disks: AilingDisks;
  readonly #random: Random;
  readonly #rates: FaultRates;
  readonly #counts: FaultCounts;
  /** Takes back what is still in force, in the order it came. */
  readonly #undo = new Set<() => void>();
  /** Counts storms, so that what was planned in an earlier one is not done in a later. */
  #storm = 0;
  /** What this storm has not brought yet. */
  #due = new Set<EpisodeKind>();
  /** Whether the storm goes on only for what is due. */
  #isOvertime = false;
  /** Whose clock is an hour off, or was and may be thought to be. */
  #broken: number | undefined;

  constructor(victims: Victims, random: Random, rates: FaultRates, counts: FaultCounts) {
    this.#victims = victims;
    this.#disks = new AilingDisks(victims);
    this.#random = random;
    this.#rates = rates;
    this.#counts = counts;
  }

  /** Lets everything loose. @param lengthMs how long it will last: every kind comes in its first half. */
  begin(lengthMs: number): void {
    const storm = ++this.#storm;
    this.#victims.messages.begin();
    this.#victims.time.in(STIR_MS * (0.5 + this.#fraction()), () => this.#stir(storm));
    const kinds = shuffled(
      this.#random,
      EPISODES.filter(kind => this.#rates[kind] > 0),
    );
    this.#due = new Set(kinds);
    this.#isOvertime = false;
    for (const [i, kind] of kinds.entries()) {
      const firstMs = (lengthMs * (i + this.#fraction())) / (2 * kinds.length);
      this.#victims.time.in(firstMs, () => this.#strike(storm, kind));
    }
  }

  /** The kinds that were asked for and have not come in this storm. */
  get due(): readonly string[] {
    return [...this.#due];
  }

  /**
   * The storm goes on for what is due. Until that has come nothing else begins anew, and messages arrive: a node may be lost only while all
   * are whole, which in a ring that changes all the time, or among nodes that are always cut from each other, they hardly ever are.
   */
  prolong(): void {
    this.#isOvertime = true;
    this.#victims.messages.calm();
  }

  /** Takes everything back: cuts are mended, who is down is started, who stands still goes on in a moment. */
  end(): void {
    this.#storm++;
    this.#victims.messages.calm();
    for (const undo of [...this.#undo]) undo();
  }

  #stir(storm: number): void {
    if (storm !== this.#storm) return;
    if (!this.#isOvertime) this.#victims.messages.stir();
    this.#victims.time.in(STIR_MS * (0.5 + this.#fraction()), () => this.#stir(storm));
  }

  #strike(storm: number, kind: EpisodeKind): void {
    if (storm !== this.#storm) return;
    const { time } = this.#victims;
    const mustWait = this.#isOvertime && !this.#due.has(kind);
    const outcome = mustWait ? 'not now' : this.#bring(kind);
    if (outcome === 'not now') return time.in(RETRY_MS, () => this.#strike(storm, kind));
    if (outcome === 'came') this.#brought(kind);
    else if (outcome === 'unseen' && this.#due.has(kind)) return time.in(RETRY_MS, () => this.#strike(storm, kind));
    const meanMs = 60_000 / this.#rates[kind];
    time.in(-Math.log(1 - this.#fraction()) * meanMs, () => this.#strike(storm, kind));
  }

  #brought(kind: EpisodeKind): void {
    this.#counts[kind]++;
    this.#due.delete(kind);
    if (!this.#isOvertime || this.#due.size > 0) return;
    this.#isOvertime = false;
    this.#victims.messages.begin();
  }

  #bring(kind: EpisodeKind): Outcome {
    switch (kind) {
      case 'partition':
        return this.#partition(true);
      case 'one-way':
        return this.#partition(false);
      case 'crash':
      case 'restart':
      case 'torn-batch':
      case 'lost-tail':
      case 'damage':
        return this.#end(kind);
      case 'power-cut':
        return this.#cutPower();
      case 'full-disk':
      case 'slow-flush':
        return this.#ail(kind);
      case 'suspend':
        return this.#suspend();
      case 'slow':
        return this.#slow();
      case 'jumps':
        return this.#setClock();
      case 'broken-clock':
        return this.#breakClock();
      case 'churn':
        return this.#victims.churn() ? 'came' : 'not now';
    }
  }

  /** Somebody runs on both sides; the machines on which nobody does are on one of them too, for whoever comes up there. */
  #partition(bothWays: boolean): Outcome {
    const order = shuffled(this.#random, this.#running());
    if (order.length < 2) return 'not now';
    const size = 1 + drawBelow(this.#random, order.length - 1);
    const sides = [order.slice(0, size), order.slice(size)] as const;
    for (const index of this.#others(-1)) if (!order.includes(index)) drawOne(this.#random, sides)!.push(index);
    this.#cut(...sides, bothWays, this.#mostlyShort(CUT_MIN_MS, CUT_MAX_MS));
    return 'came';
  }

  /**
   * A node is lost and comes back, empty or with what its disk has. Mostly another, the witness, is cut from all a while before, so that it misses
   * what is written, and is all that the lost node meets for a while when it is back. Nothing keeps the two from a lie
   * but that one of them knows that it does not know.
   */
  #end(ending: Ending): Outcome {
    const { wanted, mayLoseOne } = this.#victims;
    if (!mayLoseOne()) return 'not now';
    const index = drawOne(this.#random, wanted())!;
    const downMs = this.#mostlyShort(DOWN_MIN_MS, DOWN_MAX_MS);
    if (this.#rates.partition === 0 || drawChance(this.#random, 0.3)) {
      this.#loseOnceAllowed(ending, index, downMs, () => {});
      return 'staged';
    }
    const witness = drawOne(
      this.#random,
      this.#running().filter(each => each !== index),
    );
    if (witness === undefined) return 'not now';
    const rest = this.#others(index).filter(each => each !== witness);
    const leadMs = this.#between(LEAD_MIN_MS, LEAD_MAX_MS);
    const backMs = this.#between(LEAD_MIN_MS, LEAD_MAX_MS);
    this.#counts.partition++;
    this.#cut([witness], [index], true, leadMs);
    this.#cut([witness], rest, true, leadMs + downMs + backMs);
    const storm = this.#storm;
    this.#victims.time.in(leadMs, () => {
      if (storm !== this.#storm) return;
      this.#loseOnceAllowed(ending, index, downMs, () => this.#cut([index], rest, true, backMs));
    });
    return 'staged';
  }

  /** @param whenBack what comes over it as soon as it is back, unless another was lost in its place. */
  #loseOnceAllowed(ending: Ending, index: number, downMs: number, whenBack: () => void): void {
    const { time, wanted, mayLoseOne } = this.#victims;
    const storm = this.#storm;
    const lose = (index: number, whenBack: () => void): void => {
      if (storm !== this.#storm) return;
      if (mayLoseOne()) this.#lose(ending, index, downMs, whenBack);
      else time.in(RETRY_MS, attempt);
    };
    const attempt = (): void => {
      if (storm !== this.#storm) return;
      if (!mayLoseOne()) return time.in(RETRY_MS, attempt);
      const isWanted = wanted().includes(index);
      const victim = isWanted ? index : drawOne(this.#random, wanted())!;
      const back = isWanted ? whenBack : () => {};
      if (ending === 'torn-batch') this.#whileFlushing(victim, () => lose(victim, back));
      else lose(victim, back);
    };
    attempt();
  }

  #lose(ending: Ending, index: number, downMs: number, whenBack: () => void): void {
    this.#victims.end(index, ending, ending !== 'restart' && drawChance(this.#random, 0.3));
    this.#brought(ending);
    this.#startLater(index, downMs, whenBack);
  }

  /** @param whenBack is not called when the storm is over by then. */
  #startLater(index: number, downMs: number, whenBack: () => void): void {
    const storm = this.#storm;
    this.#later(downMs, () => {
      if (!this.#victims.wanted().includes(index)) return;
      this.#victims.start(index);
      if (storm === this.#storm) whenBack();
    });
  }

  /** Does it in the middle of the next flush of that machine. */
  #whileFlushing(index: number, action: () => void): void {
    const { watchers } = this.#victims.drives!.at(index);
    const watcher = (moment: DiskMoment): void => {
      if (moment !== 'flush') return;
      watchers.delete(watcher);
      this.#victims.time.in(INTO_FLUSH_MS, action);
    };
    watchers.add(watcher);
  }

  #cutPower(): Outcome {
    const flushing = drawOne(this.#random, this.#running());
    if (flushing === undefined) return 'not now';
    const storm = this.#storm;
    this.#whileFlushing(flushing, () => {
      if (storm === this.#storm) this.#cutPowerNow();
    });
    return 'staged';
  }

  /** Whose disk loses something is the last to end: the others lose what they have in memory only. */
  #cutPowerNow(): void {
    const order = shuffled(this.#random, this.#running());
    const losses = (['lost-tail', 'damage'] as const).filter(kind => this.#rates[kind] > 0);
    const loss = this.#victims.mayLoseOne() ? drawOne(this.#random, losses) : undefined;
    this.#victims.say(`the power is cut for ${namesOf(order)}`);
    this.#victims.powerIsCut();
    for (const [i, index] of order.entries()) {
      const isTorn = this.#rates['torn-batch'] > 0 && drawChance(this.#random, 0.5);
      const isLast = i === order.length - 1;
      const ending = isLast && loss !== undefined ? loss : isTorn ? 'torn-batch' : 'crash';
      this.#victims.end(index, ending, true);
      this.#startLater(index, this.#mostlyShort(DOWN_MIN_MS, DOWN_MAX_MS), () => {});
    }
    this.#brought('power-cut');
  }

  #ail(ailment: Ailment): Outcome {
    const index = drawOne(this.#random, this.#running());
    const end = index === undefined ? undefined : this.#disks.begin(ailment, index);
    if (end === undefined) return 'not now';
    this.#later(this.#between(DISK_MIN_MS, DISK_MAX_MS), end);
    return 'came';
  }

  #cut(side: readonly number[], other: readonly number[], bothWays: boolean, ms: number): void {
    const { network, say } = this.#victims;
    const each = (change: (from: number, to: number) => void): void => {
      for (const a of side) {
        for (const b of other) {
          change(a, b);
          if (bothWays) change(b, a);
        }
      }
    };
    const names = `${namesOf(side)} ${bothWays ? '|' : '→'} ${namesOf(other)}`;
    say(`cut ${names}`);
    each((from, to) => network.cut(from, to));
    this.#later(ms, () => {
      say(`mended ${names}`);
      each((from, to) => network.mend(from, to));
    });
  }

  #running(): number[] {
    return this.#victims.running().map(({ index }) => index);
  }

  /** All nodes but this one. */
  #others(index: number): number[] {
    return Array.from({ length: this.#victims.nodes }, (_, i) => i).filter(i => i !== index);
  }

  #slow(): Outcome {
    const process = this.#drawProcess();
    if (process === undefined) return 'not now';
    const ms = this.#mostlyShort(STILL_MIN_MS, STILL_MAX_MS);
    this.#victims.say(`${process.name} stands still for ${ms.toFixed(0)} ms`);
    process.standStill(ms);
    return 'came';
  }

  /** As when a virtual machine is moved: it knows nothing of the time in which it was not there. */
  #suspend(): Outcome {
    const process = this.#drawProcess();
    if (process === undefined) return 'not now';
    const { index } = process;
    const ms = this.#mostlyShort(SUSPENDED_MIN_MS, SUSPENDED_MAX_MS);
    this.#victims.say(`${process.name} is suspended for ${ms.toFixed(0)} ms`);
    this.#cut([index], this.#others(index), true, ms);
    process.standStill(ms);
    return 'came';
  }

  /** One that runs and goes on. */
  #drawProcess(): SimProcess | undefined {
    return drawOne(
      this.#random,
      this.#victims.running().filter(({ isStill }) => !isStill),
    );
  }

  /** A node that is down sees nothing of what its clock shows meanwhile; one that is started yet begins with it. */
  #seenAt(index: number): Outcome {
    return this.#victims.running().some(process => process.index === index) ? 'came' : 'unseen';
  }

  #setClock(): Outcome {
    const index = drawOne(this.#random, this.#victims.wanted())!;
    if (index === this.#broken) return 'not now';
    const aheadMs = Math.max(JUMP_MS, this.#rates.skew) * (2 * this.#fraction() - 1);
    this.#victims.say(`the clock of n${index + 1} is set to be ahead by ${aheadMs.toFixed(0)} ms`);
    this.#victims.clocks[index]!.set(aheadMs);
    return this.#seenAt(index);
  }

  /**
   * As with a wrong time zone: one clock is an hour off, also while its machine starts, and the others outvote it. The
   * next one is left alone until they have seen this one again.
   */
  #breakClock(): Outcome {
    if (this.#broken !== undefined) return 'not now';
    const { time, nodes, wanted, clocks } = this.#victims;
    const index = drawOne(this.#random, wanted())!;
    const clock = clocks[index]!;
    const byMs = drawChance(this.#random, 0.5) ? BROKEN_BY_MS : -BROKEN_BY_MS;
    this.#broken = index;
    this.#victims.say(`the clock of ${nameOf(index)} is set ${byMs > 0 ? 'an hour ahead' : 'an hour behind'}`);
    clock.set(clock.aheadMs + byMs);
    this.#later(this.#between(BROKEN_MIN_MS, BROKEN_MAX_MS), () => {
      time.in(freshClockMs(LAN_TIMINGS, nodes), () => {
        this.#broken = undefined;
      });
      this.#victims.say(`the clock of ${nameOf(index)} is set right`);
      clock.set(clock.aheadMs - byMs);
    });
    return this.#seenAt(index);
  }

  /** Does it after so long, or at the end of the storm if that comes first. */
  #later(ms: number, action: () => void): void {
    const once = (): void => {
      if (this.#undo.delete(once)) action();
    };
    this.#undo.add(once);
    this.#victims.time.in(ms, once);
  }

  #between(leastMs: number, mostMs: number): number {
    return leastMs + (mostMs - leastMs) * this.#fraction();
  }

  #mostlyShort(leastMs: number, mostMs: number): number {
    return leastMs + (mostMs - leastMs) * this.#fraction() ** 3;
  }

  #fraction(): number {
    return drawFraction(this.#random);
  }
}

function namesOf(group: readonly number[]): string {
  return group.map(nameOf).join(' ');
}

import { drawBelow, drawOne, shuffled } from '../lib/draw.ts';
import { isMember, type Topology } from '../membership/topology.ts';
import type { NodeName } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import type { RequestDone } from '../topology/agent.ts';
import type { Machines } from './machines.ts';
import { nameOf, type SimProcess } from './sim-process.ts';
import type { VirtualTime } from './virtual-clock.ts';

/** How often each kind of change was begun. */
export interface ChurnCounts {
  join: number;
  leave: number;
  forget: number;
  replace: number;
}

export const NO_CHURN: Readonly<ChurnCounts> = { join: 0, leave: 0, forget: 0, replace: 0 };

const CHURN_KINDS = Object.keys(NO_CHURN) as readonly (keyof ChurnCounts)[];

export interface ChurnWorld {
  readonly time: VirtualTime;
  readonly machines: Machines;
  /** Fewer owners there shall not be. */
  readonly leastMembers: number;
  crash(index: number, silently: boolean): void;
  say(line: string): void;
}

/** Virtual milliseconds. */
const ASK_AGAIN_MS = 3_000;
const PATIENCE_MS = 20_000;

/** What is drawn how often while the ring is to grow, and while it is to shrink, of what is possible. */
const FLOOD: Readonly<ChurnCounts> = { join: 9, leave: 1, forget: 1, replace: 2 };
const EBB: Readonly<ChurnCounts> = { join: 1, leave: 6, forget: 6, replace: 2 };
/** Joins at flood, and leaves at ebb, come in bursts: of up to one in so many of those that are still to come, and no more than these. */
const BURST_ONE_IN = 2;
const LARGEST_BURST = 8;

/** Something that was asked for and is not known to be done. */
interface Wish {
  readonly kind: 'leave' | 'forget' | 'replace';
  readonly index: number;
  readonly begunMs: number;
  askedMs: number;
}

const WHAT = { leave: 'leave', forget: 'be forgotten', replace: 'be replaced' } as const;

/**
 * Operators who let machines join, leave, be forgotten and be replaced, and see to it that it comes about. There is a tide in it: the ring
 * mostly grows until all machines have been owners at once, then mostly shrinks to the least size, then grows again.
 */
export class Churn {
  readonly counts: ChurnCounts = { ...NO_CHURN };
  readonly #world: ChurnWorld;
  readonly #random: Random;
  #wishes: Wish[] = [];
  /** Nodes that are to take the place of others, and whose. */
  readonly #replacements = new Map<number, number>();
  #isFlood = true;
  #tides = 0;

  constructor(world: ChurnWorld, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** Whether nothing is left to be done. */
  get isQuiet(): boolean {
    return this.#wishes.length === 0;
  }

  /** Whether a member is gone for good, and others have not come to own what it did. */
  get hasLost(): boolean {
    return this.#wishes.some(({ kind }) => kind !== 'leave');
  }

  /** How often the tide has turned: at its first turn all machines were owners at once, at its second as few as may be. */
  get tides(): number {
    return this.#tides;
  }

  /** What is left to be done, for people. */
  unfinished(): string {
    return this.#wishes.map(({ kind, index }) => `${nameOf(index)} is still to ${WHAT[kind]}`).join(', ');
  }

  /** Begins a change, or several of one kind. @returns false when none can be begun now. */
  stir(): boolean {
    const { machines, leastMembers } = this.#world;
    const members = machines.wanted().filter(index => this.#isMember(index));
    const spare = machines.spare().filter(index => !this.#isWished(index));
    const surplus = Math.max(0, members.length - this.#wishes.length - leastMembers);
    const left = this.#isFlood ? spare.length : surplus;
    if (members.length === 0 || left === 0) return false;
    const mayLoseOne = machines.mayLoseOne() && !this.hasLost;
    const kind = this.#drawKind({
      join: spare.length > 0,
      leave: surplus > 0,
      forget: surplus > 0 && mayLoseOne,
      replace: spare.length > 0 && mayLoseOne,
    });
    const burst = 1 + drawBelow(this.#random, Math.min(LARGEST_BURST, Math.ceil(left / BURST_ONE_IN)));
    const victims = shuffled(this.#random, members);
    const newcomers = shuffled(this.#random, spare);
    if (kind === 'join') for (const index of newcomers.slice(0, this.#isFlood ? burst : 1)) this.#join(index);
    else if (kind === 'leave') for (const index of victims.slice(0, this.#isFlood ? 1 : burst)) this.#leave(index);
    else if (kind === 'forget') this.#forget(victims[0]!);
    else this.#replace(victims[0]!, newcomers[0]!);
    return true;
  }

  /** To be called a few times a second: asks again for what has not come about, and ends the processes of those who have left. */
  tick(): void {
    const { time, machines } = this.#world;
    for (const index of machines.wanted()) if (machines.at(index)?.node.hasLeft === true) this.#end(index);
    for (const [index, replaced] of this.#replacements) this.#lookAfter(index, replaced);
    this.#wishes = this.#wishes.filter(({ index }) => !this.#isGone(index));
    this.#turnTide();
    for (const wish of this.#wishes) {
      if (time.nowMs - wish.askedMs < ASK_AGAIN_MS) continue;
      wish.askedMs = time.nowMs;
      this.#ask(wish);
    }
  }

  #drawKind(possible: Readonly<Record<keyof ChurnCounts, boolean>>): keyof ChurnCounts {
    const weights = this.#isFlood ? FLOOD : EBB;
    const kinds = CHURN_KINDS.filter(kind => possible[kind]);
    return drawOne(
      this.#random,
      kinds.flatMap(kind => new Array<keyof ChurnCounts>(weights[kind]).fill(kind)),
    )!;
  }

  #join(index: number): void {
    this.counts.join++;
    this.#world.say(`${nameOf(index)} is to join`);
    this.#start(index, undefined);
  }

  #start(index: number, replaces: NodeName | undefined): void {
    const { machines } = this.#world;
    machines.want(index);
    machines.start(index, replaces);
  }

  #replace(victim: number, spare: number): void {
    this.counts.replace++;
    this.#lose(victim);
    this.#wish('replace', victim);
    this.#replacements.set(spare, victim);
    this.#world.say(`${nameOf(spare)} is to join in the place of ${nameOf(victim)}`);
    this.#start(spare, nameOf(victim));
  }

  /** There may be no such place any more: then the node is started again without being told to take it. */
  #lookAfter(index: number, replaced: number): void {
    const { machines, crash, say } = this.#world;
    const process = machines.at(index);
    if (process?.node.cluster !== undefined || !machines.wanted().includes(index)) this.#replacements.delete(index);
    else if (process !== undefined && !process.isStill && this.#isGone(replaced)) {
      this.#replacements.delete(index);
      say(`${nameOf(index)} is to join in nobody's place`);
      machines.dismiss(index);
      crash(index, false);
      this.#start(index, undefined);
    }
  }

  #leave(index: number): void {
    this.counts.leave++;
    this.#wish('leave', index);
  }

  #forget(index: number): void {
    this.counts.forget++;
    this.#lose(index);
    this.#wish('forget', index);
  }

  /** Its machine is gone for good, with what it held. */
  #lose(index: number): void {
    this.#world.machines.dismiss(index);
    this.#world.crash(index, true);
  }

  #wish(kind: Wish['kind'], index: number): void {
    this.#world.say(`${nameOf(index)} is to ${WHAT[kind]}`);
    this.#wishes.push({ kind, index, begunMs: this.#world.time.nowMs, askedMs: Number.NEGATIVE_INFINITY });
  }

  /** Asks any member but the one it is about. Whoever replaces a node asks by itself: when it does not come to that the node is forgotten. */
  #ask({ kind, index, begunMs }: Wish): void {
    if (kind === 'replace' && this.#world.time.nowMs - begunMs < PATIENCE_MS) return;
    const others = this.#members().filter(process => process.index !== index && !process.isStill);
    if (others.length === 0) return;
    const name = nameOf(index);
    const process = drawOne(this.#random, others)!;
    const done: RequestDone = error => {
      if (error !== undefined) this.#world.say(`${process.name} answers about ${name}: ${error}`);
    };
    process.enter(() => process.node.ringChanges?.[kind === 'leave' ? 'leave' : 'forget'](name, done));
  }

  /** A member that has left is switched off: it may join again later. */
  #end(index: number): void {
    const { machines, crash } = this.#world;
    machines.dismiss(index);
    crash(index, false);
  }

  /** Whether the newest ring that anybody knows is without it. */
  #isGone(index: number): boolean {
    const newest = this.#newest();
    return newest !== undefined && !isMember(newest, nameOf(index));
  }

  /** The newest topology that anybody goes by. */
  #newest(): Topology | undefined {
    const topologies = this.#members().map(({ node }) => node.ringChanges!.agent.topology);
    return topologies.reduce<Topology | undefined>(
      (a, b) => (a !== undefined && a.epoch >= b.epoch ? a : b),
      undefined,
    );
  }

  #turnTide(): void {
    const { machines, leastMembers } = this.#world;
    const owners = this.#newest()?.members.length;
    if (owners === undefined || (this.#isFlood ? owners < machines.count : owners > leastMembers)) return;
    this.#isFlood = !this.#isFlood;
    this.#tides++;
  }

  #isMember(index: number): boolean {
    const process = this.#world.machines.at(index);
    return !this.#isWished(index) && process?.node.ringChanges !== undefined && !process.node.hasLeft;
  }

  #isWished(index: number): boolean {
    return this.#wishes.some(wish => wish.index === index);
  }

  #members(): SimProcess[] {
    return this.#world.machines.running().filter(({ node }) => node.ringChanges !== undefined && !node.hasLeft);
  }
}

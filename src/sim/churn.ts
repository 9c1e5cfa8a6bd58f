import { drawOne } from '../lib/draw.ts';
import { isMember } from '../membership/topology.ts';
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

/** Something that was asked for and is not known to be done. */
interface Wish {
  readonly kind: 'leave' | 'forget' | 'replace';
  readonly index: number;
  readonly begunMs: number;
  askedMs: number;
}

const WHAT = { leave: 'leave', forget: 'be forgotten', replace: 'be replaced' } as const;

/** Operators who let machines join, leave, be forgotten and be replaced, and see to it that it comes about. */
export class Churn {
  readonly counts: ChurnCounts = { ...NO_CHURN };
  readonly #world: ChurnWorld;
  readonly #random: Random;
  #wishes: Wish[] = [];
  /** Nodes that are to take the place of others, and whose. */
  readonly #replacements = new Map<number, number>();

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

  /** What is left to be done, for people. */
  unfinished(): string {
    return this.#wishes.map(({ kind, index }) => `${nameOf(index)} is still to ${WHAT[kind]}`).join(', ');
  }

  /** Begins a change. @returns false when none can be begun now. */
  stir(): boolean {
    const { machines } = this.#world;
    const members = machines.wanted().filter(index => this.#isMember(index));
    const spare = machines.spare().filter(index => !this.#isWished(index));
    const kinds: (keyof ChurnCounts)[] = [];
    if (spare.length > 0) kinds.push('join');
    const maySpareOne = members.length - this.#wishes.length > this.#world.leastMembers;
    if (maySpareOne) kinds.push('leave');
    if (machines.mayLoseOne() && !this.hasLost) {
      if (maySpareOne) kinds.push('forget');
      if (spare.length > 0) kinds.push('replace');
    }
    if (kinds.length === 0 || members.length === 0) return false;
    const kind = drawOne(this.#random, kinds)!;
    this.counts[kind]++;
    const victim = drawOne(this.#random, members)!;
    if (kind === 'join') this.#join(drawOne(this.#random, spare)!, undefined);
    else if (kind === 'replace') this.#replace(victim, drawOne(this.#random, spare)!);
    else this.#wish(kind, victim);
    return true;
  }

  /** To be called a few times a second: asks again for what has not come about, and ends the processes of those who have left. */
  tick(): void {
    const { time, machines } = this.#world;
    for (const index of machines.wanted()) if (machines.at(index)?.node.hasLeft === true) this.#end(index);
    for (const [index, replaced] of this.#replacements) this.#lookAfter(index, replaced);
    this.#wishes = this.#wishes.filter(wish => !this.#isDone(wish));
    for (const wish of this.#wishes) {
      if (time.nowMs - wish.askedMs < ASK_AGAIN_MS) continue;
      wish.askedMs = time.nowMs;
      this.#ask(wish);
    }
  }

  #join(index: number, replaces: NodeName | undefined): void {
    const { machines, say } = this.#world;
    say(`${nameOf(index)} is to join${replaces === undefined ? '' : ` in the place of ${replaces}`}`);
    machines.want(index);
    machines.start(index, replaces);
  }

  #replace(victim: number, spare: number): void {
    const { machines, crash } = this.#world;
    machines.dismiss(victim);
    crash(victim, true);
    this.#wishes.push({ kind: 'replace', index: victim, begunMs: this.#world.time.nowMs, askedMs: 0 });
    this.#replacements.set(spare, victim);
    this.#join(spare, nameOf(victim));
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
      this.#join(index, undefined);
    }
  }

  #wish(kind: 'leave' | 'forget', index: number): void {
    const { machines, say, crash } = this.#world;
    say(`${nameOf(index)} is to ${WHAT[kind]}`);
    if (kind === 'forget') {
      machines.dismiss(index);
      crash(index, true);
    }
    this.#wishes.push({ kind, index, begunMs: this.#world.time.nowMs, askedMs: Number.NEGATIVE_INFINITY });
  }

  /** Asks any member but the one it is about. */
  /** Whoever replaces a node asks by itself. When it does not come to that the node is forgotten. */
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

  #isDone({ index }: Wish): boolean {
    return this.#isGone(index);
  }

  /** Whether the newest ring that anybody knows is without it. */
  #isGone(index: number): boolean {
    const name = nameOf(index);
    const topologies = this.#members().map(({ node }) => node.ringChanges!.agent.topology);
    const newest = topologies.sort((a, b) => b.epoch - a.epoch)[0];
    return newest !== undefined && !isMember(newest, name);
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

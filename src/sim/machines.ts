import { drawFraction } from '../lib/draw.ts';
import type { Random } from '../ports/random.ts';
import { ReplicationCounters } from '../replication/counters.ts';
import type { FaultRates } from './faults.ts';
import type { CounterTotals } from './report.ts';
import { nameOf, SimProcess, type World } from './sim-process.ts';
import { SkewedClock, type VirtualTime } from './virtual-clock.ts';

/** The machines that nodes run on, each with its clock; a machine's node runs, or is down. */
export class Machines {
  readonly clocks: readonly SkewedClock[];
  readonly #world: World;
  /** One fork for each process that is started. */
  readonly #random: { fork(): Random };
  readonly #processes: (SimProcess | undefined)[];
  /** Of the processes that are no more. */
  readonly #counters = new ReplicationCounters() as CounterTotals;

  constructor(world: World, clocks: readonly SkewedClock[], random: { fork(): Random }) {
    this.#world = world;
    this.clocks = clocks;
    this.#random = random;
    this.#processes = new Array(world.nodes).fill(undefined);
  }

  at(index: number): SimProcess | undefined {
    return this.#processes[index];
  }

  running(): readonly SimProcess[] {
    return this.#processes.filter(process => process !== undefined);
  }

  start(index: number): void {
    this.#world.say(nameOf(index), 'starts');
    this.#processes[index] = new SimProcess(index, this.#world, this.clocks[index]!, this.#random.fork());
  }

  /** @param silently the machine goes too, so that nobody is told. @returns the process that is no more. */
  crash(index: number, silently: boolean): SimProcess {
    const process = this.#processes[index]!;
    this.#world.say(process.name, `is lost${silently ? ' with its machine' : ''}`);
    this.#processes[index] = undefined;
    addCounters(this.#counters, process);
    process.crash(silently);
    return process;
  }

  /** Whether every node runs and has all its data: W − 1 = 1 loss is what quorums promise to survive. */
  mayLoseOne(): boolean {
    return this.#processes.every(process => process?.node.cluster?.refillingSlots === 0);
  }

  /** Whether, besides, all see each other alive, linked and whole, and trust their clocks. */
  isSettled(): boolean {
    if (!this.mayLoseOne()) return false;
    return this.running().every(
      process => !process.isStill && this.#unseenBy(process).length === 0 && !distrustsClock(process),
    );
  }

  /** What is missing for that, for people. */
  unsettled(): string {
    const parts: string[] = [];
    for (const process of this.running()) {
      const unseen = this.#unseenBy(process);
      const slots = process.node.cluster?.refillingSlots;
      const clock = distrustsClock(process) ? ', does not trust its clock' : '';
      if (unseen.length === 0 && slots === 0 && clock === '') continue;
      const data = slots === undefined ? 'no cluster' : `${slots} slots to refill`;
      parts.push(`${process.name} (${data}${clock}) misses ${unseen.map(nameOf).join(' ') || 'nobody'}`);
    }
    return parts.join('; ');
  }

  /** What the clock shows that is furthest ahead. */
  fastestWallMs(): number {
    return this.#world.time.wallMs + Math.max(...this.clocks.map(({ aheadMs }) => aheadMs));
  }

  /** Tombstones that all nodes hold in these keyspaces. */
  tombstones(dbs: readonly number[]): number {
    let count = 0;
    for (const { node } of this.running()) {
      for (const db of dbs) count += node.cluster?.keyspaces.get(db)?.store.tombstoneCount ?? 0;
    }
    return count;
  }

  /** What replication has done on all nodes, former ones included. */
  counters(): CounterTotals {
    const totals = { ...this.#counters };
    for (const process of this.running()) addCounters(totals, process);
    return totals;
  }

  #unseenBy(process: SimProcess): number[] {
    const unseen: number[] = [];
    for (let index = 0; index < this.#processes.length; index++) {
      if (index !== process.index && !this.#sees(process, index)) unseen.push(index);
    }
    return unseen;
  }

  #sees(process: SimProcess, index: number): boolean {
    const other = this.#processes[index];
    if (other === undefined || !this.#world.network.isLinked(process.index, index)) return false;
    const member = process.node.memberOf(other.name);
    return member?.status === 'alive' && member.actor === other.node.actor && !member.refilling;
  }
}

/** Clocks that are wrong by up to `skew` ms and run off by up to `drift` ms a second. */
export function drawClocks(
  count: number,
  time: VirtualTime,
  random: Random,
  { skew, drift }: Pick<FaultRates, 'skew' | 'drift'>,
): readonly SkewedClock[] {
  const draw = (): number => 2 * drawFraction(random) - 1;
  return Array.from({ length: count }, () => new SkewedClock(time, skew * draw(), (drift / 1000) * draw()));
}

function addCounters(totals: CounterTotals, { node }: SimProcess): void {
  for (const name of Object.keys(totals) as (keyof CounterTotals)[]) totals[name] += node.counters[name];
}

/** Whether it stamps nothing because of its clock. */
function distrustsClock({ node }: SimProcess): boolean {
  return node.cluster?.context.guard.stepsBack !== undefined;
}

import { drawFraction } from '../lib/draw.ts';
import type { NodeName } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import { ReplicationCounters } from '../replication/counters.ts';
import { votersWanted } from '../topology/voters.ts';
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
  /** Those whose nodes are to be members. */
  readonly #wanted = new Set<number>();
  /** Whose place the node of a machine is to take. */
  readonly #replaces = new Map<number, NodeName>();
  /** Of the processes that are no more. */
  readonly #counters = new ReplicationCounters() as CounterTotals;

  constructor(world: World, clocks: readonly SkewedClock[], random: { fork(): Random }) {
    this.#world = world;
    this.clocks = clocks;
    this.#random = random;
    this.#processes = new Array(world.machines).fill(undefined);
    for (let index = 0; index < world.nodes; index++) this.#wanted.add(index);
  }

  /** How many there are, those included that nothing runs on. */
  get count(): number {
    return this.#processes.length;
  }

  /** The machines whose nodes are to be members, whether they run or not. */
  wanted(): readonly number[] {
    return [...this.#wanted];
  }

  /** The machines that nothing runs on, and nothing is to. */
  spare(): readonly number[] {
    return [...this.#processes.keys()].filter(index => !this.#wanted.has(index) && this.at(index) === undefined);
  }

  want(index: number): void {
    this.#wanted.add(index);
  }

  /** Its node is to be a member no more. */
  dismiss(index: number): void {
    this.#wanted.delete(index);
    this.#world.drives?.renew(index);
    this.#replaces.delete(index);
  }

  at(index: number): SimProcess | undefined {
    return this.#processes[index];
  }

  running(): readonly SimProcess[] {
    return this.#processes.filter(process => process !== undefined);
  }

  /** @param replaces said once; a process that is started again takes that place, too. */
  start(index: number, replaces?: NodeName): void {
    this.#world.say(nameOf(index), 'starts');
    if (replaces !== undefined) this.#replaces.set(index, replaces);
    const place = this.#replaces.get(index);
    this.#processes[index] = new SimProcess(index, this.#world, this.clocks[index]!, this.#random.fork(), place);
  }

  /** @param silently the machine goes too, so that nobody is told. @returns the process that is no more. */
  crash(index: number, silently: boolean, isTorn = false): SimProcess {
    const process = this.#take(index, `is lost${silently ? ' with its machine' : ''}`);
    process.crash(silently, isTorn);
    return process;
  }

  /** Lets the process end in order. @returns it. */
  stop(index: number): SimProcess {
    const process = this.#take(index, 'ends in order');
    process.stop();
    return process;
  }

  #take(index: number, why: string): SimProcess {
    const process = this.#processes[index]!;
    this.#world.say(process.name, why);
    this.#processes[index] = undefined;
    addCounters(this.#counters, process);
    return process;
  }

  /**
   * Whether every node runs and has all its data: W − 1 = 1 loss is what quorums promise to survive. And whether the placement group has
   * got over the last loss, so that it survives this one.
   */
  mayLoseOne(): boolean {
    return this.#wantedProcesses().every(process => isWhole(process)) && this.#mayLoseVoter();
  }

  /** Whether, besides, all see each other alive, linked and whole, trust their clocks, and the ring stands still. */
  isSettled(): boolean {
    if (!this.mayLoseOne()) return false;
    const epochs = new Set(this.running().map(({ node }) => node.cluster?.topology.epoch));
    return (
      epochs.size === 1 &&
      this.running().every(
        process =>
          !process.isStill &&
          this.#unseenBy(process).length === 0 &&
          !distrustsClock(process) &&
          isRingStill(process) &&
          !process.node.hasLeft,
      )
    );
  }

  /** What is missing for that, for people. */
  unsettled(): string {
    const parts: string[] = [];
    for (const process of this.running()) {
      const unseen = this.#unseenBy(process);
      const slots = process.node.cluster?.refillingSlots;
      const clock = distrustsClock(process) ? ', does not trust its clock' : '';
      if (unseen.length === 0 && slots === 0 && clock === '' && isRingStill(process)) continue;
      const data = slots === undefined ? 'no cluster' : `${slots} slots to refill`;
      const ring = isRingStill(process) ? '' : `, ${ringOf(process)}`;
      parts.push(`${process.name} (${data}${clock}${ring}) misses ${unseen.map(nameOf).join(' ') || 'nobody'}`);
    }
    const epochs = this.running().map(({ name, node }) => `${name} ${node.cluster?.topology.epoch}`);
    if (parts.length === 0) parts.push(`epochs ${epochs.join(', ')}`);
    if (!this.#mayLoseVoter()) parts.push(`the placement group is not whole: ${this.#group()}`);
    const missing = this.wanted().filter(index => this.at(index) === undefined);
    if (missing.length > 0) parts.push(`${missing.map(nameOf).join(' ')} do not run`);
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
    return this.wanted().filter(index => index !== process.index && !this.#sees(process, index));
  }

  #wantedProcesses(): readonly (SimProcess | undefined)[] {
    return this.wanted().map(index => this.at(index));
  }

  /** Whether somebody leads the placement group, and all its voters live and are as many as can be. */
  #mayLoseVoter(): boolean {
    const ids = new Set(this.running().map(({ node }) => node.ringChanges?.agent.group.id));
    return this.running().some(({ node }) => {
      const group = node.ringChanges?.agent.group;
      const voters = group?.leads === true ? (group.configuration?.voters ?? []) : [];
      const members = node.ringChanges?.agent.topology.members.length ?? 0;
      return voters.length >= votersWanted(members) && voters.every(voter => ids.has(voter));
    });
  }

  #group(): string {
    return this.running()
      .map(({ name, node }) => {
        const group = node.ringChanges?.agent.group;
        const voters = group?.configuration?.voters.join(' ') ?? 'nobody';
        return `${name} ${group?.leads === true ? 'leads' : `follows ${group?.leader ?? 'nobody'}`} in term ${group?.term ?? 0} (${voters})`;
      })
      .join(', ');
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

function isWhole(process: SimProcess | undefined): boolean {
  const { cluster, hasLeft } = process?.node ?? {};
  return (
    cluster !== undefined &&
    cluster.refillingSlots === 0 &&
    hasLeft === false &&
    (cluster.topology.change?.lost ?? []).length === 0
  );
}

/** Whether nothing moves, and this node holds nothing of what it does not own. */
function isRingStill({ node }: SimProcess): boolean {
  const { change, departing } = node.cluster?.topology ?? {};
  return change === undefined && departing?.length === 0 && !node.cluster!.leftovers.any;
}

function ringOf({ node }: SimProcess): string {
  if (node.cluster === undefined) return 'no ring';
  const { epoch, change, departing } = node.cluster.topology;
  const { left, all, leftovers } = node.cluster.progress();
  const phase = change === undefined ? 'settled' : change.phase;
  return `epoch ${epoch} ${phase}, ${departing.length} departing, ${left} of ${all} slots to merge, ${leftovers} to hand over`;
}

function addCounters(totals: CounterTotals, { node }: SimProcess): void {
  for (const name of Object.keys(totals) as (keyof CounterTotals)[]) totals[name] += node.counters[name];
}

/** Whether it stamps nothing because of its clock. */
function distrustsClock({ node }: SimProcess): boolean {
  return node.cluster?.context.guard.stepsBack !== undefined;
}

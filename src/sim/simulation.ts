import { drawFraction, drawOne } from '../lib/draw.ts';
import { SeededRandom } from '../lib/seeded-random.ts';
import type { Topology } from '../membership/topology.ts';
import { RingCache } from '../node/ring-cache.ts';
import type { SurveyResult } from '../replication/survey.ts';
import { idleness } from './checkers/idleness.ts';
import { Churn } from './churn.ts';
import { SimClient } from './client.ts';
import { Drives, STORE } from './drives.ts';
import { type FaultCounts, NO_FAULTS } from './faults.ts';
import { drawClocks, Machines } from './machines.ts';
import { MessageFaults } from './message-faults.ts';
import { Nemesis } from './nemesis.ts';
import { onDiskOf, type SimulationOptions } from './options.ts';
import type { SimulationReport } from './report.ts';
import type { SimProcess } from './sim-process.ts';
import { Trace } from './trace.ts';
import type { Ending, Victims } from './victims.ts';
import { VirtualTime } from './virtual-clock.ts';
import { VirtualNetwork } from './virtual-network.ts';
import { Watch } from './watch.ts';
import { keyNames, Workload } from './workload.ts';

/** Virtual milliseconds. A round is calm, then one node is down, then everything goes wrong, then everything heals. */
const ROUND_MS = 120_000;
const CALM_SHARE = 0.15;
const ONE_DOWN_SHARE = 0.2;
/** After a process is killed, how long until the others must do without it; after a machine fell silent. */
const NOTICE_KILL_MS = 2_000;
const NOTICE_SILENCE_MS = 8_000;
/** A storm that has not brought every kind lasts longer, but no longer than this for each, and then goes on for a while. */
const OVERTIME_BOUND_MS = 30_000;
const AFTERMATH_MS = 6_000;
/** Within so long nodes that can talk see each other alive and whole, and trust their clocks. */
const SETTLE_BOUND_MS = 60_000;
/** Within so long replicas that are written no more become equal: some rounds of anti-entropy and what goes with them. */
const CONVERGE_BOUND_MS = 45_000;
/** Within so long all tombstones are collected: some rounds of collection. */
const COLLECT_BOUND_MS = 60_000;
/** Within so long digests are equal as well as what they stand for. */
const CONVERGED_BOUND_MS = 30_000;
/** The last answers come within so long. */
const ANSWER_BOUND_MS = 5_000;
const POLL_MS = 50;
/** All stores are looked at so often, besides the touched keys at each answer. */
const LOOK_MS = 250;
/** Fewer owners than N are not left: a slot's third replica would have nowhere to go. */
const LEAST_MEMBERS = 3;
/** The operators' luck is their own, so that it does not change that of a run without them. */
const CHURN_SALT = 0x5eed;
/** So is that of the drives. */
const DISK_SALT = 0xd15c;
/** Connections of a process that ended are reset within so long. */
const RESET_MS = 20;
const LINES_KEPT = 2_000;
const LINES_TOLD = 400;

/** One simulated cluster with its clients and its bad luck, from founding to the report. Runs once. */
export class Simulation {
  readonly #options: SimulationOptions;
  readonly #time = new VirtualTime();
  readonly #trace = new Trace();
  readonly #faults: FaultCounts = { ...NO_FAULTS };
  readonly #random: SeededRandom;
  readonly #network: VirtualNetwork;
  readonly #drives: Drives | undefined;
  readonly #machines: Machines;
  readonly #churn: Churn;
  readonly #nemesis: Nemesis;
  readonly #watch: Watch;
  readonly #clients: readonly SimClient[];
  readonly #lines: (readonly [atMs: number, line: string])[] = [];
  #activeMs = 0;
  #convergenceMs = 0;
  #settlingMs = 0;
  #overtimeMs = 0;
  #collectionMs = 0;
  #rounds = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const { seed, nodes, clients, keyspaces, keys, faults } = options;
    const machines = faults.churn > 0 ? Math.max(nodes, options.machines) : nodes;
    const root = new SeededRandom(seed);
    this.#random = root.fork();
    const processRandom = root.fork();
    const messages = new MessageFaults(root.fork(), faults, this.#faults);
    this.#network = new VirtualNetwork(machines, this.#time, root.fork(), messages, this.#trace);
    if (onDiskOf(keyspaces) !== 'nothing')
      this.#drives = new Drives(machines, this.#time, new SeededRandom(seed + DISK_SALT));
    const world = {
      time: this.#time,
      network: this.#network,
      trace: this.#trace,
      rings: new RingCache(),
      drives: this.#drives,
      nodes,
      machines,
      keyspaces,
      say: (who: string, line: string) => this.#say(`${who} ${line}`),
      adopted: (process: SimProcess, topology: Topology) => this.#watch.epochs.adopted(process, topology),
      threw: (who: string, error: unknown) => this.#threw(who, error),
    };
    this.#machines = new Machines(world, drawClocks(machines, this.#time, this.#random, faults), processRandom);
    for (const kind of ['skew', 'drift'] as const) if (faults[kind] > 0) this.#faults[kind] = nodes;
    this.#churn = new Churn(
      {
        time: this.#time,
        machines: this.#machines,
        leastMembers: LEAST_MEMBERS,
        crash: (index, silently) => this.#crash(index, silently),
        say: line => this.#say(line),
      },
      new SeededRandom(seed + CHURN_SALT),
    );
    this.#nemesis = new Nemesis(this.#victims(messages, machines), root.fork(), faults, this.#faults);

    const names = keyNames(keys, options.workload);
    this.#watch = new Watch(this.#machines, keyspaces, names);
    const { history } = this.#watch;
    const running = () => this.#machines.running();
    const clientWorld = { time: this.#time, trace: this.#trace, history, running };
    this.#clients = Array.from({ length: clients }, (_, i) => {
      const onlyReads = Math.floor(i / keyspaces.length) % 2 === 1;
      const workload = new Workload(root.fork(), names, `c${i}`, onlyReads);
      return new SimClient(i, keyspaces[i % keyspaces.length]!, clientWorld, root.fork(), workload);
    });
  }

  run(): SimulationReport {
    const { durationMs, nodes } = this.#options;
    for (let index = 0; index < nodes; index++) this.#machines.start(index);
    this.#settle('founding');
    this.#lookAround();
    while (this.#activeMs < durationMs && !this.#isOver) this.#round(Math.min(ROUND_MS, durationMs - this.#activeMs));
    if (!this.#isOver) {
      const { report, availability, acknowledged } = this.#watch;
      availability.check(report);
      idleness(this.#options, this.#summary(), this.#activeMs, acknowledged, report);
    }
    return this.#summary();
  }

  get #isOver(): boolean {
    return this.#watch.violation !== undefined;
  }

  // A round

  #round(lengthMs: number): void {
    this.#rounds++;
    this.#activeMs += lengthMs;
    const { faults } = this.#options;
    const hasFaults = Object.values(faults).some(rate => rate > 0);
    const downMs = faults.crash > 0 ? lengthMs * ONE_DOWN_SHARE : 0;
    const calmMs = hasFaults ? lengthMs * CALM_SHARE : lengthMs;
    for (const client of this.#clients) client.start();
    this.#calm(calmMs);
    if (downMs > 0) this.#oneDown(downMs);
    if (hasFaults) this.#storm(lengthMs - calmMs - downMs);
    this.#heal();
  }

  #calm(ms: number): void {
    const { availability } = this.#watch;
    availability.open('fault-free');
    this.#pass(ms);
    availability.close(this.#time.nowMs);
  }

  #oneDown(ms: number): void {
    if (this.#isOver) return;
    const { availability } = this.#watch;
    const silently = ms > 2 * NOTICE_SILENCE_MS && drawFraction(this.#random) < 0.5;
    const graceMs = Math.min(ms / 2, silently ? NOTICE_SILENCE_MS : NOTICE_KILL_MS);
    const index = drawOne(this.#random, this.#machines.wanted())!;
    this.#crash(index, silently);
    this.#pass(graceMs);
    availability.open('one-down');
    this.#pass(ms - graceMs);
    availability.close(this.#time.nowMs);
    this.#machines.start(index);
    this.#settle('a restart');
  }

  #storm(ms: number): void {
    if (this.#isOver) return;
    this.#say('the storm begins');
    this.#nemesis.begin(ms);
    this.#pass(ms);
    if (this.#nemesis.due.length > 0) this.#prolongStorm();
    this.#nemesis.end();
    this.#say('the storm is over');
    this.#settle('the storm');
  }

  #prolongStorm(): void {
    this.#nemesis.prolong();
    const boundMs = OVERTIME_BOUND_MS * this.#nemesis.due.length;
    const tookMs = this.#passUntil(() => this.#nemesis.due.length === 0, boundMs);
    this.#overtimeMs = Math.max(this.#overtimeMs, tookMs ?? boundMs);
    if (tookMs !== undefined) return this.#pass(AFTERMATH_MS);
    const what = `${this.#nemesis.due.join(', ')} did not occur in a storm, nor ${boundMs} ms later: ${this.#unfinished()}`;
    this.#watch.report({ kind: 'idle', what });
  }

  /** Clients fall silent; from then on replicas have a bound to become equal in. */
  #heal(): void {
    const { history, convergence } = this.#watch;
    for (const client of this.#clients) client.stop();
    this.#passUntil(() => history.pending === 0, ANSWER_BOUND_MS);
    for (const client of this.#clients) client.giveUp();
    if (this.#isOver) return;
    const processes = this.#machines.running();
    const difference = () => convergence.firstDifference(processes, this.#machines.fastestWallMs());
    const tookMs = this.#passUntil(() => difference() === undefined, CONVERGE_BOUND_MS);
    if (this.#isOver) return;
    if (tookMs !== undefined) {
      this.#convergenceMs = Math.max(this.#convergenceMs, tookMs);
      this.#watch.checkAgreed();
      this.#awaitCollection();
      return this.#awaitConverged();
    }
    const { db, key, held } = difference()!;
    const what = `replicas of ${key} in db ${db} differ ${CONVERGE_BOUND_MS} ms after the last write: ${held}`;
    this.#watch.report({ kind: 'divergence', what, key: { db, name: key } });
  }

  /** While everyone is here tombstones go. Expired values become some meanwhile, so their number is what falls to nothing. */
  #awaitCollection(): void {
    const { keyspaces } = this.#options;
    const tookMs = this.#passUntil(() => this.#machines.tombstones(keyspaces) === 0, COLLECT_BOUND_MS);
    if (tookMs !== undefined) this.#collectionMs = Math.max(this.#collectionMs, tookMs);
    else if (!this.#isOver) {
      const what = `${COLLECT_BOUND_MS} ms after replicas became equal nodes hold ${this.#machines.tombstones(keyspaces)} tombstones`;
      this.#watch.report({ kind: 'not-collected', what });
    }
  }

  /** What the cluster says of itself is true, too. */
  #awaitConverged(): void {
    for (const db of this.#options.keyspaces) {
      if (this.#isOver) return;
      const cluster = this.#machines.running()[0]!.node.cluster!;
      let result: SurveyResult | undefined;
      const ask = (): void => {
        result = undefined;
        cluster.survey.run(cluster.keyspaces.get(db)!, each => {
          result = each;
        });
      };
      const isConverged = (): boolean => {
        if (result === undefined) return false;
        if ('differing' in result && result.differing === 0) return true;
        ask();
        return false;
      };
      ask();
      if (this.#passUntil(isConverged, CONVERGED_BOUND_MS) !== undefined || this.#isOver) continue;
      const what = `replicas are equal, and ${CONVERGED_BOUND_MS} ms later CONVERGED says of db ${db}: ${JSON.stringify(result)}`;
      this.#watch.report({ kind: 'not-converged', what });
    }
  }

  // Time

  #pass(ms: number): void {
    if (!this.#isOver) this.#time.run(this.#time.nowMs + ms, () => this.#isOver);
  }

  /** @returns how long it took until the condition held, or undefined when it did not in time. */
  #passUntil(holds: () => boolean, boundMs: number): number | undefined {
    const startMs = this.#time.nowMs;
    while (!holds()) {
      if (this.#isOver || this.#time.nowMs - startMs >= boundMs) return undefined;
      this.#pass(POLL_MS);
    }
    return this.#time.nowMs - startMs;
  }

  #settle(after: string): void {
    const tookMs = this.#passUntil(() => this.#churn.isQuiet && this.#machines.isSettled(), SETTLE_BOUND_MS);
    if (tookMs !== undefined) this.#settlingMs = Math.max(this.#settlingMs, tookMs);
    else if (!this.#isOver) {
      const what = `${SETTLE_BOUND_MS} ms after ${after} nodes do not see each other alive, linked and whole, or distrust their clocks: ${this.#unfinished()}`;
      this.#watch.report({ kind: 'not-settled', what });
    }
  }

  /** What keeps the cluster from being settled, for people. */
  #unfinished(): string {
    return [this.#machines.unsettled(), this.#churn.unfinished()].filter(part => part !== '').join('; ');
  }

  #lookAround(): void {
    this.#churn.tick();
    this.#watch.lookAround();
    this.#time.in(LOOK_MS, () => this.#lookAround());
  }

  // Faults

  #crash(index: number, silently: boolean): void {
    this.#end(index, 'crash', silently);
  }

  #end(index: number, ending: Ending, silently: boolean): void {
    const isTorn = ending === 'torn-batch';
    const process = ending === 'restart' ? this.#machines.stop(index) : this.#machines.crash(index, silently, isTorn);
    this.#watch.ceased(process, this.#damage(index, ending));
    if (silently) return;
    for (const client of this.#clients) {
      this.#time.in(RESET_MS * drawFraction(this.#random), () => client.lost(process));
    }
  }

  /** @returns whether the disk has lost what had been durable. */
  #damage(index: number, ending: Ending): boolean {
    const drive = this.#drives?.at(index);
    if (ending === 'lost-tail') return drive!.loseTail(STORE);
    return ending === 'damage' && drive!.damageOne(STORE);
  }

  #victims(messages: MessageFaults, machines: number): Victims {
    return {
      time: this.#time,
      network: this.#network,
      messages,
      drives: this.#drives,
      nodes: machines,
      wanted: () => this.#machines.wanted(),
      running: () => this.#machines.running(),
      churn: () => this.#churn.stir(),
      clocks: this.#machines.clocks,
      mayLoseOne: () => this.#machines.mayLoseOne() && !this.#churn.hasLost,
      end: (index, ending, silently) => this.#end(index, ending, silently),
      powerIsCut: () => this.#watch.deletions.forgetHeld(),
      start: index => this.#machines.start(index),
      say: line => this.#say(line),
    };
  }

  #threw(who: string, error: unknown): void {
    const what = `${who} threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    this.#watch.report({ kind: 'exception', what });
  }

  // Telling

  #say(line: string): void {
    const { nowMs } = this.#time;
    this.#options.log?.(nowMs, line);
    this.#lines.push([nowMs, line]);
    if (this.#lines.length > 2 * LINES_KEPT) this.#lines.splice(0, LINES_KEPT);
  }

  #summary(): SimulationReport {
    const { violation, operations, acknowledged, order, lostWrites, dots, availability } = this.#watch;
    return {
      options: this.#options,
      violation,
      story: this.#story(),
      virtualMs: this.#time.nowMs,
      trace: this.#trace.hash,
      events: this.#trace.events,
      messages: this.#network.messages,
      operations,
      acknowledgedWrites: [...acknowledged.values()].reduce((sum, count) => sum + count, 0),
      answersChecked: order.checked,
      writesFoundAgain: lostWrites.checked,
      writesSeenInStores: dots.writesSeen,
      faults: this.#faults,
      churn: this.#churn.counts,
      tides: this.#churn.tides,
      owners: this.#watch.epochs.owners,
      epoch: this.#watch.epochs.latest,
      counters: this.#machines.counters(),
      availability: availability.conditions,
      convergenceMs: this.#convergenceMs,
      settlingMs: this.#settlingMs,
      overtimeMs: this.#overtimeMs,
      collectionMs: this.#collectionMs,
      collected: this.#watch.deletions.collected,
      rounds: this.#rounds,
    };
  }

  #story(): readonly string[] {
    const { violation, history } = this.#watch;
    if (violation === undefined) return [];
    const operations = violation.key === undefined ? [] : history.linesOf(violation.key.db, violation.key.name);
    const lines = [...operations, ...this.#lines].sort(([a], [b]) => a - b);
    return lines.slice(-LINES_TOLD).map(([atMs, line]) => `${(atMs / 1000).toFixed(4).padStart(10)}  ${line}`);
  }
}

import { drawBelow, drawFraction } from '../lib/draw.ts';
import { SeededRandom } from '../lib/seeded-random.ts';
import { ReplicationCounters } from '../replication/counters.ts';
import { AvailabilityCheck } from './checkers/availability.ts';
import { Convergence } from './checkers/convergence.ts';
import { Dots } from './checkers/dots.ts';
import { idleness } from './checkers/idleness.ts';
import { QuorumOrder } from './checkers/quorum-order.ts';
import { SimClient } from './client.ts';
import { type FaultCounts, NO_FAULTS } from './faults.ts';
import { History } from './history.ts';
import { MessageFaults } from './message-faults.ts';
import { Nemesis } from './nemesis.ts';
import { type Operation, type OperationOutcome, valueIdOf, writesValues } from './operation.ts';
import { SIMULATED_KEYSPACES, type SimulationOptions } from './options.ts';
import type { CounterTotals, SimulationReport } from './report.ts';
import { nameOf, SimProcess } from './sim-process.ts';
import { type SimKey, toSimKey } from './stored-key.ts';
import { Trace } from './trace.ts';
import type { Violation } from './violation.ts';
import { SkewedClock, VirtualTime } from './virtual-clock.ts';
import { VirtualNetwork } from './virtual-network.ts';
import { keyNames, Workload } from './workload.ts';

/** Virtual milliseconds. A round is calm, then one node is down, then everything goes wrong, then everything heals. */
const ROUND_MS = 120_000;
const CALM_SHARE = 0.15;
const ONE_DOWN_SHARE = 0.2;
/** After a process is killed, how long until the others must do without it; after a machine fell silent. */
const NOTICE_KILL_MS = 2_000;
const NOTICE_SILENCE_MS = 8_000;
/** Within so long nodes that can talk see each other alive and whole. */
const SETTLE_BOUND_MS = 60_000;
/** Within so long replicas that are written no more become equal: three rounds of anti-entropy and what goes with them. */
const CONVERGE_BOUND_MS = 45_000;
/** The last answers come within so long. */
const ANSWER_BOUND_MS = 5_000;
const POLL_MS = 50;
/** All stores are looked at so often, besides the touched key at each answer. */
const LOOK_MS = 250;
/** Clocks run off by up to this, where they may be wrong. */
const MAX_DRIFT = 2e-4;
const LINES_KEPT = 2_000;

/** One simulated cluster with its clients and its bad luck, from founding to the report. Runs once. */
export class Simulation {
  readonly #options: SimulationOptions;
  readonly #time = new VirtualTime();
  readonly #trace = new Trace();
  readonly #faults: FaultCounts = { ...NO_FAULTS };
  readonly #processRandom: SeededRandom;
  readonly #random: SeededRandom;
  readonly #network: VirtualNetwork;
  readonly #clocks: readonly SkewedClock[];
  readonly #processes: (SimProcess | undefined)[];
  readonly #clients: readonly SimClient[];
  readonly #nemesis: Nemesis;
  readonly #history: History;
  readonly #keys: readonly SimKey[];
  readonly #keysByName: ReadonlyMap<string, SimKey>;
  readonly #order: QuorumOrder;
  readonly #dots: Dots;
  readonly #convergence: Convergence;
  readonly #availability = new AvailabilityCheck();
  readonly #operations: Record<OperationOutcome, number> = { ok: 0, unavailable: 0, refused: 0, lost: 0 };
  readonly #counters = new ReplicationCounters() as CounterTotals;
  readonly #lines: (readonly [atMs: number, line: string])[] = [];
  readonly #acknowledged = new Map<number, number>();
  #violation: Violation | undefined;
  #activeMs = 0;
  #convergenceMs = 0;
  #settlingMs = 0;
  #rounds = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const { seed, nodes, clients, keyspaces, faults } = options;
    const root = new SeededRandom(seed);
    this.#random = root.fork();
    this.#processRandom = root.fork();
    const messages = new MessageFaults(root.fork(), faults, this.#faults);
    this.#network = new VirtualNetwork(nodes, this.#time, root.fork(), messages, this.#trace);
    this.#clocks = Array.from({ length: nodes }, () => this.#drawClock());
    this.#processes = new Array(nodes).fill(undefined);
    this.#nemesis = new Nemesis(this.#victims(messages), root.fork(), faults, this.#faults);

    const names = keyNames(options.keys);
    this.#keys = names.map(toSimKey);
    this.#keysByName = new Map(this.#keys.map(key => [key.name, key]));
    const report = (violation: Violation): void => {
      this.#violation ??= violation;
    };
    const strict = SIMULATED_KEYSPACES.filter(({ policy }) => policy === 'quorum').map(({ db }) => db);
    this.#order = new QuorumOrder(new Set(strict), report);
    this.#dots = new Dots(report);
    this.#convergence = new Convergence(this.#keys, keyspaces);
    const self = { began: () => {}, ended: (operation: Operation) => this.#ended(operation) };
    this.#history = new History([this.#order, this.#availability, self]);
    const world = {
      time: this.#time,
      trace: this.#trace,
      history: this.#history,
      running: () => this.#running(),
    };
    this.#clients = Array.from({ length: clients }, (_, i) => {
      const turn = Math.floor(i / keyspaces.length);
      const workload = new Workload(root.fork(), names, `c${i}`, turn % 2 === 1);
      return new SimClient(i, keyspaces[i % keyspaces.length]!, world, root.fork(), workload);
    });
  }

  run(): SimulationReport {
    for (let index = 0; index < this.#options.nodes; index++) this.#start(index);
    this.#settle('founding');
    this.#lookAround();
    while (this.#activeMs < this.#options.durationMs && !this.#isOver) {
      this.#round(Math.min(ROUND_MS, this.#options.durationMs - this.#activeMs));
    }
    if (!this.#isOver) {
      const report = (violation: Violation): void => {
        this.#violation ??= violation;
      };
      this.#availability.check(report);
      idleness(this.#options, this.#summary(), this.#activeMs, this.#acknowledged, report);
    }
    return this.#summary();
  }

  get #isOver(): boolean {
    return this.#violation !== undefined;
  }

  // A round

  #round(lengthMs: number): void {
    this.#rounds++;
    const { faults } = this.#options;
    const hasFaults = Object.values(faults).some(rate => rate > 0);
    const downMs = faults.crash > 0 ? lengthMs * ONE_DOWN_SHARE : 0;
    const calmMs = hasFaults ? lengthMs * CALM_SHARE : lengthMs;
    this.#activeMs += lengthMs;
    for (const client of this.#clients) client.start();
    this.#calm(calmMs);
    if (downMs > 0) this.#oneDown(downMs);
    if (hasFaults) this.#stormy(lengthMs - calmMs - downMs);
    this.#heal();
  }

  #calm(ms: number): void {
    this.#availability.open('fault-free', this.#time.nowMs);
    this.#pass(ms);
    this.#availability.close(this.#time.nowMs);
  }

  #oneDown(ms: number): void {
    const silently = ms > 2 * NOTICE_SILENCE_MS && drawFraction(this.#random) < 0.5;
    const graceMs = Math.min(ms / 2, silently ? NOTICE_SILENCE_MS : NOTICE_KILL_MS);
    const index = drawBelow(this.#random, this.#options.nodes);
    this.#crash(index, silently);
    this.#faults.crash++;
    this.#pass(graceMs);
    this.#availability.open('one-down', this.#time.nowMs);
    this.#pass(ms - graceMs);
    this.#availability.close(this.#time.nowMs);
    this.#start(index);
    this.#settle('a restart');
  }

  #stormy(ms: number): void {
    this.#say('the storm begins');
    this.#nemesis.begin(ms);
    this.#pass(ms);
    this.#nemesis.end();
    this.#say('the storm is over');
    this.#settle('the storm');
  }

  /** Clients fall silent; from then on replicas have a bound to become equal in. */
  #heal(): void {
    for (const client of this.#clients) client.stop();
    this.#passUntil(() => this.#history.pending === 0, ANSWER_BOUND_MS);
    for (const client of this.#clients) client.giveUp();
    if (this.#isOver) return;
    const processes = this.#running();
    const difference = () => this.#convergence.firstDifference(processes, this.#fastestWallMs());
    const tookMs = this.#passUntil(() => difference() === undefined, CONVERGE_BOUND_MS);
    if (this.#isOver) return;
    if (tookMs === undefined) {
      const { db, key, held } = difference()!;
      const what = `replicas of ${key} in db ${db} differ ${CONVERGE_BOUND_MS} ms after the last write: ${held}`;
      this.#violation = { kind: 'divergence', what, key: { db, name: key } };
      return;
    }
    this.#convergenceMs = Math.max(this.#convergenceMs, tookMs);
    this.#checkAgreed(processes);
  }

  #checkAgreed(processes: readonly SimProcess[]): void {
    this.#convergence.checkPlaces(processes, violation => {
      this.#violation ??= violation;
    });
    const wallMs = this.#fastestWallMs();
    for (const db of this.#options.keyspaces) {
      for (const key of this.#keys) {
        for (const process of processes) this.#dots.look(process, db, key);
        const value = this.#convergence.agreed(processes, db, key, wallMs)?.value;
        this.#order.checkFinal(db, key.name, value && valueIdOf(value));
      }
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
    const tookMs = this.#passUntil(() => this.#isSettled(), SETTLE_BOUND_MS);
    if (tookMs !== undefined) this.#settlingMs = Math.max(this.#settlingMs, tookMs);
    else if (!this.#isOver) {
      const what = `${SETTLE_BOUND_MS} ms after ${after} nodes do not see each other alive, linked and whole: ${this.#unsettled()}`;
      this.#violation = { kind: 'not-settled', what };
    }
  }

  // Nodes

  #running(): readonly SimProcess[] {
    return this.#processes.filter(process => process !== undefined);
  }

  #start(index: number): void {
    if (this.#isOver) return;
    this.#say(`${nameOf(index)} starts`);
    const world = {
      time: this.#time,
      network: this.#network,
      trace: this.#trace,
      nodes: this.#options.nodes,
      say: (who: string, line: string) => this.#say(`${who}: ${line}`),
      threw: (process: SimProcess, error: unknown) => this.#threw(process, error),
    };
    this.#processes[index] = new SimProcess(index, world, this.#clocks[index]!, this.#processRandom.fork());
  }

  #crash(index: number, silently: boolean): void {
    const process = this.#processes[index]!;
    this.#say(`${process.name} is lost${silently ? ' with its machine' : ''}`);
    this.#processes[index] = undefined;
    this.#collect(process);
    process.crash(silently);
    if (silently) return;
    for (const client of this.#clients) this.#time.in(20 * drawFraction(this.#random), () => client.lost(process));
  }

  /** Whether every node runs and has all its data: W − 1 = 1 loss is what quorums promise to survive. */
  #mayLoseOne(): boolean {
    return this.#processes.every(process => process?.node.cluster?.refillingSlots === 0);
  }

  /** Whether, besides, all see each other alive, linked and whole. */
  #isSettled(): boolean {
    if (!this.#mayLoseOne()) return false;
    const { nodes } = this.#options;
    for (let i = 0; i < nodes; i++) {
      const process = this.#processes[i]!;
      if (process.isStill) return false;
      for (let j = 0; j < nodes; j++) if (i !== j && !this.#sees(process, j)) return false;
    }
    return true;
  }

  #sees(process: SimProcess, index: number): boolean {
    const other = this.#processes[index];
    if (other === undefined || !this.#network.isLinked(process.index, index)) return false;
    const member = process.node.memberOf(other.name);
    return member?.status === 'alive' && member.actor === other.node.actor && !member.refilling;
  }

  #unsettled(): string {
    const { nodes } = this.#options;
    const parts: string[] = [];
    for (const process of this.#running()) {
      const unseen = Array.from({ length: nodes }, (_, j) => j).filter(
        j => j !== process.index && !this.#sees(process, j),
      );
      const slots = process.node.cluster?.refillingSlots;
      if (unseen.length === 0 && slots === 0) continue;
      parts.push(`${process.name} (${slots ?? 'no cluster, '} slots to refill) misses ${unseen.map(nameOf).join(' ')}`);
    }
    return parts.join('; ');
  }

  #drawClock(): SkewedClock {
    const { skew } = this.#options.faults;
    const draw = (): number => 2 * drawFraction(this.#random) - 1;
    return new SkewedClock(this.#time, skew * draw(), skew === 0 ? 0 : MAX_DRIFT * draw());
  }

  #fastestWallMs(): number {
    return this.#time.wallMs + Math.max(...this.#clocks.map(({ aheadMs }) => aheadMs));
  }

  #victims(messages: MessageFaults): ConstructorParameters<typeof Nemesis>[0] {
    return {
      time: this.#time,
      network: this.#network,
      messages,
      nodes: this.#options.nodes,
      clocks: this.#clocks,
      processAt: index => this.#processes[index],
      mayLoseOne: () => this.#mayLoseOne(),
      crash: (index, silently) => this.#crash(index, silently),
      start: index => this.#start(index),
      say: line => this.#say(line),
    };
  }

  // Watching

  #ended(operation: Operation): void {
    const { outcome, db, keys } = operation;
    this.#operations[outcome!]++;
    if (outcome === 'ok' && writesValues(operation) && operation.applied) {
      this.#acknowledged.set(db, (this.#acknowledged.get(db) ?? 0) + 1);
    }
    for (const name of keys) this.#look(db, this.#keysByName.get(name)!);
  }

  #look(db: number, key: SimKey): void {
    for (const process of this.#processes) if (process !== undefined) this.#dots.look(process, db, key);
  }

  #lookAround(): void {
    for (const db of this.#options.keyspaces) for (const key of this.#keys) this.#look(db, key);
    this.#time.in(LOOK_MS, () => this.#lookAround());
  }

  #threw(process: SimProcess, error: unknown): void {
    const what = `${process.name} threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    this.#violation ??= { kind: 'exception', what };
  }

  #say(line: string): void {
    const { nowMs } = this.#time;
    this.#options.log?.(nowMs, line);
    this.#lines.push([nowMs, line]);
    if (this.#lines.length > 2 * LINES_KEPT) this.#lines.splice(0, LINES_KEPT);
  }

  #collect(process: SimProcess): void {
    const { counters } = process.node;
    for (const name of Object.keys(this.#counters) as (keyof CounterTotals)[]) this.#counters[name] += counters[name];
  }

  #summary(): SimulationReport {
    const counters = { ...this.#counters };
    for (const { node } of this.#running()) {
      for (const name of Object.keys(counters) as (keyof CounterTotals)[]) counters[name] += node.counters[name];
    }
    let acknowledgedWrites = 0;
    for (const count of this.#acknowledged.values()) acknowledgedWrites += count;
    return {
      options: this.#options,
      violation: this.#violation,
      story: this.#story(),
      virtualMs: this.#time.nowMs,
      trace: this.#trace.hash,
      events: this.#trace.events,
      messages: this.#network.messages,
      operations: this.#operations,
      acknowledgedWrites,
      answersChecked: this.#order.checked,
      writesSeenInStores: this.#dots.writesSeen,
      faults: this.#faults,
      counters,
      availability: this.#availability.conditions,
      convergenceMs: this.#convergenceMs,
      settlingMs: this.#settlingMs,
      rounds: this.#rounds,
    };
  }

  #story(): readonly string[] {
    if (this.#violation === undefined) return [];
    const { key } = this.#violation;
    const operations = key === undefined ? [] : this.#history.linesOf(key.db, key.name);
    const lines = [...operations, ...this.#lines].sort(([a], [b]) => a - b);
    return lines.slice(-400).map(([atMs, line]) => `${(atMs / 1000).toFixed(4).padStart(10)}  ${line}`);
  }
}

import { assert } from '../lib/assert.ts';
import { drawBelow, shuffled } from '../lib/draw.ts';
import { MembershipNetwork, type Observed } from './membership-network.ts';

/** All have heard of each other by then, and the rumours about it have ended. */
const SETTLE_MS = 10_000;
/** A silent node is dead everywhere long before. */
const PATIENCE_MS = 60_000;

export interface DetectionOptions {
  readonly nodes: number;
  readonly seed: number;
  readonly crashes: number;
}

/** Virtual milliseconds from a crash, one entry a crash, ascending. */
export interface DetectionFigures {
  /** Until the first of the others suspects the node. */
  readonly suspectedMs: readonly number[];
  /** Until the last of the others holds it dead. */
  readonly deadEverywhereMs: readonly number[];
}

/** Crashes one node after another, silently: its machine is gone, and no connection is closed. Each comes back before the next. */
export function measureDetection({ nodes, seed, crashes }: DetectionOptions): DetectionFigures {
  const [suspectedMs, deadEverywhereMs]: [number[], number[]] = [[], []];
  let firstSuspicionMs = Number.NaN;
  const network = new MembershipNetwork({
    nodes,
    seed,
    encoded: false,
    observe: ({ type, nowMs }) => {
      if (type === 'suspect' && Number.isNaN(firstSuspicionMs)) firstSuspicionMs = nowMs;
    },
  });
  const random = network.random.fork();
  network.run(SETTLE_MS);
  for (let i = 0; i < crashes; i++) {
    network.run(SETTLE_MS + drawBelow(random, SETTLE_MS));
    const { name } = network.nodes[drawBelow(random, nodes)]!;
    const crashedMs = network.time.nowMs;
    firstSuspicionMs = Number.NaN;
    network.crash(name, 'silent');
    const deadMs = network.runUntil(() => network.allBelieve(name, 'dead'), PATIENCE_MS);
    assert(deadMs !== undefined, `${name} has crashed and is not dead everywhere after ${PATIENCE_MS} ms`);
    suspectedMs.push(firstSuspicionMs - crashedMs);
    deadEverywhereMs.push(deadMs);
    network.restart(name);
  }
  return { suspectedMs: ascending(suspectedMs), deadEverywhereMs: ascending(deadEverywhereMs) };
}

export interface HealthOptions {
  readonly nodes: number;
  readonly seed: number;
  readonly hours: number;
  /** Share of messages that vanish. */
  readonly loss: number;
  /** Nodes that stand still now and then, for up to `maxStallMs`. */
  readonly stalling: number;
  readonly maxStallMs: number;
}

export interface HealthFigures {
  readonly stalls: number;
  readonly stalledMs: number;
  readonly messages: number;
  /** Each by each node that came to believe it: all of them are errors, for no node crashes. */
  readonly suspicions: number;
  readonly deaths: number;
}

/** Between two stalls of one node: up to so long, and never less than a moment in which it can speak. */
const MAX_PAUSE_MS = 10_000;
const MIN_PAUSE_MS = 500;

/** Watches nodes that are well but for lost messages and stalls. @param tell is called every virtual hour. */
export function watchHealth(options: HealthOptions, tell: (hours: number) => void = () => {}): HealthFigures {
  const counts = { suspect: 0, dead: 0 };
  const observe = ({ type }: Observed): void => {
    if (type === 'suspect' || type === 'dead') counts[type]++;
  };
  const network = new MembershipNetwork({ ...options, encoded: false, observe });
  const random = network.random.fork();
  let [stalls, stalledMs] = [0, 0];
  for (const { name } of shuffled(random, network.nodes).slice(0, options.stalling)) {
    const stall = (): void => {
      const ms = 1 + drawBelow(random, options.maxStallMs);
      stalls++;
      stalledMs += ms;
      network.stall(name, ms);
      network.time.in(ms + MIN_PAUSE_MS + drawBelow(random, MAX_PAUSE_MS - MIN_PAUSE_MS), stall);
    };
    network.time.in(SETTLE_MS + drawBelow(random, MAX_PAUSE_MS), stall);
  }
  for (let left = options.hours; left > 0; left--) {
    network.run(Math.min(left, 1) * 3_600_000);
    tell(Math.min(options.hours, options.hours - left + 1));
  }
  return { stalls, stalledMs, messages: network.messages, suspicions: counts.suspect, deaths: counts.dead };
}

/** Bytes a second that each of so many nodes sends on the bus when nothing happens; frames included, TCP's headers not. */
export function measureIdleBytes(nodes: number, seed: number): number {
  const network = new MembershipNetwork({ nodes, seed });
  // Each node has told each other of itself by then, in pings that take their turn.
  network.run(SETTLE_MS + nodes * 1_000);
  const [before, seconds] = [network.bytes, 120];
  network.run(seconds * 1_000);
  return (network.bytes - before) / nodes / seconds;
}

/** The value that this share of the others does not exceed. @param values ascending, not empty. */
export function quantile(values: readonly number[], share: number): number {
  return values[Math.max(0, Math.ceil(values.length * share) - 1)]!;
}

function ascending(values: number[]): number[] {
  return values.sort((a, b) => a - b);
}

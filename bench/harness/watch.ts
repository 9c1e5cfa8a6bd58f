import { setTimeout as sleep } from 'node:timers/promises';
import { listNodes } from '../../src/cli/node-list.ts';
import type { Contestant } from './contestant.ts';
import type { LoadResult } from './load-plan.ts';
import { Noise } from './noise.ts';
import { memoryOf } from './proc.ts';
import { median } from './statistics.ts';

const INTERVAL_MS = 250;
const ASK_TIMEOUT_MS = 5000;

/** What was seen of a cluster while it was under load. */
export interface Watched {
  /** Resident memory of each node in bytes, sample by sample. */
  readonly residentBytes: Readonly<Record<string, readonly number[]>>;
  /** What others used of the machine, and when that was measured, Unix milliseconds; sample by sample. */
  readonly noise: ReadonlyArray<{ readonly atMs: number; readonly share: number }>;
  readonly polls: number;
  /** What each node said of another that it did not call alive, and how often; what a log says of a suspicion. */
  readonly notAlive: Readonly<Record<string, number>>;
  /** Polls that a node did not answer. */
  readonly failedPolls: Readonly<Record<string, number>>;
}

/** Looks at the nodes' memory and at what they say of each other, until it is stopped. */
export class Watch {
  readonly #cluster: Contestant;
  readonly #resident = new Map<string, number[]>();
  readonly #notAlive = new Map<string, number>();
  readonly #failed = new Map<string, number>();
  /** Lines of each node's log that had been written before. */
  readonly #linesBefore: readonly number[];
  readonly #noise: { atMs: number; share: number }[] = [];
  readonly #pids: readonly number[];
  #polls = 0;
  #isOver = false;
  readonly #ended: Promise<unknown>;

  /** @param clientPid of the process that makes the load: it is none of the others. */
  constructor(cluster: Contestant, clientPid: number) {
    this.#cluster = cluster;
    this.#pids = [...cluster.pids, clientPid];
    this.#linesBefore = cluster.servers.map(({ lines }) => lines.length);
    this.#ended = this.#run();
  }

  async stop(): Promise<Watched> {
    this.#isOver = true;
    await this.#ended;
    // A suspicion that was refuted between two polls is in the log.
    for (const [index, { name, lines }] of this.#cluster.servers.entries()) {
      for (const line of lines.slice(this.#linesBefore[index])) {
        if (/node is (suspect|dead)/.test(line)) count(this.#notAlive, `${name} logged: ${line}`);
      }
    }
    return {
      residentBytes: Object.fromEntries(this.#resident),
      noise: this.#noise,
      polls: this.#polls,
      notAlive: Object.fromEntries(this.#notAlive),
      failedPolls: Object.fromEntries(this.#failed),
    };
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const noise = new Noise(this.#pids);
      await Promise.all(this.#cluster.servers.map(server => this.#look(server.name, server.port, server.pid)));
      await sleep(INTERVAL_MS);
      if (!this.#isOver) this.#noise.push({ atMs: performance.timeOrigin + performance.now(), share: noise.share() });
    }
  }

  async #look(name: string, port: number, pid: number): Promise<void> {
    const series = this.#resident.get(name) ?? [];
    series.push(memoryOf(pid).residentBytes);
    this.#resident.set(name, series);
    this.#polls++;
    try {
      const nodes = await listNodes({ host: '127.0.0.1', port }, '', ASK_TIMEOUT_MS);
      for (const node of nodes) {
        const status = node.get('status');
        if (status !== 'alive') count(this.#notAlive, `${name} calls ${node.get('name')} ${status}`);
      }
    } catch (error) {
      count(this.#failed, `${name}: ${(error as Error).message}`);
    }
  }
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

/**
 * Whether memory has stopped to grow: the median of its last third is at most a tenth above that of the third before.
 * Memory that leaks grows from third to third; garbage only goes up and down.
 */
export function isBounded(series: readonly number[]): boolean {
  const third = Math.floor(series.length / 3);
  if (third === 0) return false;
  return median(series.slice(-third)) <= 1.1 * median(series.slice(-2 * third, -third));
}

/** The mean of what others used in the seconds in which some small operation was slow, and in the rest; undefined of none. */
export function noiseWhenSlow(
  { startedMs, worstSmallMs }: Pick<LoadResult, 'startedMs' | 'worstSmallMs'>,
  noise: Watched['noise'],
  slowMs: number,
): { readonly slowSeconds: number; readonly slow: number | undefined; readonly rest: number | undefined } {
  const [slow, rest]: [number[], number[]] = [[], []];
  for (const { atMs, share } of noise) {
    const worstMs = worstSmallMs[Math.floor((atMs - startedMs) / 1000)];
    if (worstMs !== undefined) (worstMs > slowMs ? slow : rest).push(share);
  }
  const mean = (shares: number[]) =>
    shares.length === 0 ? undefined : shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return { slowSeconds: worstSmallMs.filter(ms => ms > slowMs).length, slow: mean(slow), rest: mean(rest) };
}

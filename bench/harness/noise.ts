import { availableParallelism } from 'node:os';
import { endedChildrenSeconds, machineSeconds, processorSeconds } from './proc.ts';

/**
 * How much of the machine others used while something was measured: what the processors did, less what the benchmark,
 * its ended children and the servers under test did. A figure taken with much of it says little.
 */
export class Noise {
  readonly #pids: number[];
  readonly #startMs = performance.now();
  readonly #machine = machineSeconds();
  readonly #own: number;

  constructor(pids: readonly number[]) {
    this.#pids = [...pids];
    this.#own = this.#ownSeconds();
  }

  /** Takes in a server that was started after this was made. */
  add(pid: number): void {
    this.#pids.push(pid);
  }

  /** The share of all processors that others took since this was made, from 0 to 1. */
  share(): number {
    const elapsedSeconds = (performance.now() - this.#startMs) / 1000;
    const others = machineSeconds() - this.#machine - (this.#ownSeconds() - this.#own);
    return Math.min(1, Math.max(0, others / (elapsedSeconds * availableParallelism())));
  }

  #ownSeconds(): number {
    const servers = this.#pids.reduce((sum, pid) => sum + processorSeconds(pid), 0);
    return servers + processorSeconds('self') + endedChildrenSeconds();
  }
}

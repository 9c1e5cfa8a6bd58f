import { assert } from '../lib/assert.ts';
import type { Configuration } from './configuration.ts';
import type { Entry } from './entry.ts';

interface Step {
  readonly index: number;
  readonly configuration: Configuration;
}

/**
 * The configurations in a log. A member goes by the latest one in its log, committed or not (thesis §4.1), so what is truncated there
 * is taken back here.
 */
export class ConfigurationHistory {
  /** Ascending; the first is that of the snapshot, and stays. */
  #steps: Step[];

  constructor(index: number, configuration: Configuration) {
    this.#steps = [{ index, configuration }];
  }

  /** Begins again with a leader's snapshot. */
  restart(index: number, configuration: Configuration): void {
    this.#steps = [{ index, configuration }];
  }

  get latest(): Configuration {
    return this.#steps.at(-1)!.configuration;
  }

  /** The one before it; the latest where there is none. It is committed: the next is appended only then. */
  get previous(): Configuration {
    return (this.#steps.at(-2) ?? this.#steps[0]!).configuration;
  }

  get latestIndex(): number {
    return this.#steps.at(-1)!.index;
  }

  /** The one change that there may be between commit index and end of the log. */
  hasUncommitted(commitIndex: number): boolean {
    return this.latestIndex > commitIndex;
  }

  /** The configuration in force at an index from the snapshot's on. */
  at(index: number): Configuration {
    const step = this.#steps.findLast(candidate => candidate.index <= index);
    assert(step !== undefined, `Cannot tell the configuration at ${index}: the history begins behind it`);
    return step.configuration;
  }

  append(entry: Entry): void {
    if (entry.kind !== 'configuration') return;
    this.#steps.push({ index: entry.index, configuration: entry.configuration });
  }

  truncateFrom(index: number): void {
    this.#steps = this.#steps.filter(step => step.index < index);
  }

  /** A snapshot at `index` holds what came before. */
  compact(index: number): void {
    const configuration = this.at(index);
    this.#steps = [{ index, configuration }, ...this.#steps.filter(step => step.index > index)];
  }
}

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Log } from '../ports/log.ts';
import type { BusAddress } from '../ports/outbox.ts';

/** How often names are looked up again while the node has not found its cluster. */
const RETRY_MS = 1000;

/** Turns `--join` into addresses to dial: a name may stand for many, and for other ones a second later. */
export class SeedFinder {
  readonly #join: readonly BusAddress[];
  readonly #log: Log;
  readonly #found: (address: BusAddress) => void;
  #timer: NodeJS.Timeout | undefined;
  #lastProblem = '';

  constructor(join: readonly BusAddress[], log: Log, found: (address: BusAddress) => void) {
    this.#join = join;
    this.#log = log;
    this.#found = found;
  }

  /** Looks names up, now and again until `stop`. */
  start(): void {
    if (this.#join.length === 0) return;
    const round = (): void => void this.#lookUpAll();
    this.#timer = setInterval(round, RETRY_MS);
    round();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #lookUpAll(): Promise<void> {
    for (const { host, port } of this.#join) {
      for (const address of await this.#addressesOf(host)) this.#found({ host: address, port });
    }
  }

  async #addressesOf(host: string): Promise<string[]> {
    if (isIP(host) !== 0) return [host];
    try {
      const found = await lookup(host, { all: true });
      return found.map(({ address }) => address);
    } catch (error) {
      const problem = `${host}: ${(error as Error).message}`;
      if (problem !== this.#lastProblem) this.#log.warn('cannot look up a node to join', { host, reason: problem });
      this.#lastProblem = problem;
      return [];
    }
  }
}

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Log } from '../ports/log.ts';
import type { BusAddress } from '../ports/outbox.ts';

/** How often names are looked up again while the node has not found its cluster. */
const RETRY_MS = 1000;

/** All addresses of a name. @throws when there are none, or nobody can be asked. */
export type LookUp = (host: string) => Promise<readonly { readonly address: string }[]>;

/** Turns `--join` into addresses to dial: a name may stand for many, and for other ones a second later. */
export class SeedFinder {
  readonly #join: readonly BusAddress[];
  readonly #log: Log;
  readonly #found: (address: BusAddress) => void;
  readonly #lookUp: LookUp;
  readonly #underWay = new Set<BusAddress>();
  /** Runs from `start` to `stop`. */
  #timer: NodeJS.Timeout | undefined;
  /** What was last complained about, by host. */
  readonly #problems = new Map<string, string>();

  /** @param lookUp the system's, where none is given. */
  constructor(
    join: readonly BusAddress[],
    log: Log,
    found: (address: BusAddress) => void,
    lookUp: LookUp = host => lookup(host, { all: true }),
  ) {
    this.#join = join;
    this.#log = log;
    this.#found = found;
    this.#lookUp = lookUp;
  }

  /** Looks names up, now and again until `stop`. */
  start(): void {
    if (this.#join.length === 0) return;
    const round = (): void => {
      for (const place of this.#join) void this.#follow(place);
    };
    this.#timer = setInterval(round, RETRY_MS);
    round();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A name that is slow to look up keeps no other waiting, and is not looked up twice at once. */
  async #follow(place: BusAddress): Promise<void> {
    if (this.#underWay.has(place)) return;
    this.#underWay.add(place);
    const addresses = await this.#addressesOf(place.host);
    this.#underWay.delete(place);
    if (this.#timer !== undefined) for (const host of addresses) this.#found({ host, port: place.port });
  }

  async #addressesOf(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host];
    try {
      const found = await this.#lookUp(host);
      return found.map(({ address }) => address);
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== this.#problems.get(host)) this.#log.warn('cannot look up a node to join', { host, reason });
      this.#problems.set(host, reason);
      return [];
    }
  }
}

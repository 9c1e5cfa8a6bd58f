import { setTimeout as wait } from 'node:timers/promises';
import { formatAddress } from '../config/address.ts';
import type { BusAddress } from '../ports/outbox.ts';
import { Failure } from './failure.ts';
import { type Reply, type Request, RespConnection } from './resp-client.ts';

const TIMEOUT_MS = 60_000;
/** What goes out together, at most; a larger value goes alone. */
const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 1 << 20;
/** What may pass: a node that is starting, replicas that cannot be reached. It is tried again for a quarter of a minute. */
const MAY_PASS = /^(?:UNAVAILABLE|CLUSTERDOWN|LOADING) /;
const RETRY_MS = 250;
const MAX_TRIES = 60;

/** A cluster that keys are restored into, as a client of one of its nodes. A batch is under way while the next one is filled, and no more. */
export class RestoreTarget {
  readonly #place: string;
  readonly #connection: RespConnection;
  /** Names by number. */
  readonly keyspaces: ReadonlyMap<number, string>;
  /** Keys that the cluster has acknowledged, by keyspace. */
  readonly restored = new Map<number, number>();
  #batch: Request[] = [];
  #batchBytes = 0;
  #db = -1;
  #underWay: Promise<void> = Promise.resolve();
  #failure: unknown;

  private constructor(address: BusAddress, connection: RespConnection, keyspaces: ReadonlyMap<number, string>) {
    this.#place = formatAddress(address);
    this.#connection = connection;
    this.keyspaces = keyspaces;
  }

  /** @throws Failure */
  static async open(address: BusAddress, password: string): Promise<RestoreTarget> {
    const connection = new RespConnection(address);
    const login = password === '' ? [] : [['AUTH', password]];
    try {
      const replies = await connection.ask([...login, ['COTERIE', 'KEYSPACES']], TIMEOUT_MS);
      const refusal = replies.find(reply => reply instanceof Error);
      if (refusal !== undefined) throw refusal;
      return new RestoreTarget(address, connection, keyspacesIn(replies.at(-1)!));
    } catch (error) {
      connection.close();
      throw new Failure(1, `${formatAddress(address)} does not answer as a node: ${(error as Error).message}`);
    }
  }

  /** @param expiryAtMs Unix milliseconds; undefined for a key that lives for ever. @throws Failure of this or an earlier one */
  async set(db: number, key: Uint8Array, value: Uint8Array, expiryAtMs: number | undefined): Promise<void> {
    if (db !== this.#db) await this.#select(db);
    this.#batch.push(expiryAtMs === undefined ? ['SET', key, value] : ['SET', key, value, 'PXAT', String(expiryAtMs)]);
    this.#batchBytes += key.length + value.length;
    if (this.#batch.length >= MAX_BATCH || this.#batchBytes >= MAX_BATCH_BYTES) await this.#send();
  }

  /** Settles when everything has been acknowledged. @throws Failure */
  async finish(): Promise<void> {
    await this.#send();
    await this.#settle();
  }

  close(): void {
    this.#connection.close();
  }

  async #select(db: number): Promise<void> {
    await this.finish();
    await this.#runAll([['SELECT', String(db)]]);
    this.#db = db;
    this.restored.set(db, 0);
  }

  async #send(): Promise<void> {
    await this.#settle();
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (batch.length === 0) return;
    this.#underWay = this.#runAll(batch, done =>
      this.restored.set(this.#db, this.restored.get(this.#db)! + done),
    ).catch(error => {
      this.#failure = error;
    });
  }

  async #settle(): Promise<void> {
    await this.#underWay;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** @param acknowledged is told how many more have succeeded. @throws Failure */
  async #runAll(requests: readonly Request[], acknowledged: (count: number) => void = () => {}): Promise<void> {
    let left = requests;
    for (let tries = 1; ; tries++) {
      const replies = await this.#ask(left);
      const isRefused = (_: Request, i: number) => replies[i] instanceof Error;
      const refused = left.filter(isRefused);
      acknowledged(left.length - refused.length);
      if (refused.length === 0) return;
      const refusals = replies.filter(reply => reply instanceof Error);
      const final = refusals.find(({ message }) => !MAY_PASS.test(message)) ?? (tries === MAX_TRIES && refusals[0]);
      if (final) throw new Failure(1, `${this.#place} answered ${final.message}`);
      left = refused;
      await wait(RETRY_MS);
    }
  }

  async #ask(requests: readonly Request[]): Promise<readonly Reply[]> {
    try {
      return await this.#connection.ask(requests, TIMEOUT_MS);
    } catch (error) {
      throw new Failure(1, `${this.#place} answers no more: ${(error as Error).message}`);
    }
  }
}

/** The answer to `COTERIE KEYSPACES`: a list of fields for each. */
function keyspacesIn(reply: Reply): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  if (!Array.isArray(reply)) throw new Error('the answer to COTERIE KEYSPACES is no list');
  for (const fields of reply) {
    if (!Array.isArray(fields)) throw new Error('the answer to COTERIE KEYSPACES is no list of keyspaces');
    const [db, name] = ['db', 'name'].map(field => fields[fields.indexOf(field) + 1]);
    found.set(Number(db), String(name));
  }
  return found;
}

import RedisParser from 'redis-parser';
import type { ServerConnection } from './server-connection.ts';
import type { SimProcess } from './sim-process.ts';

/** A reply of Redis's protocol: bytes as text, nil as null. */
export type SimulatedReply = string | number | null | readonly SimulatedReply[];

/** What a client needs of the cluster that it belongs to. */
export interface ClientHost {
  /** The process that runs a node now; undefined while it is down. */
  processOf(node: string): SimProcess | undefined;
  /** Lets time pass until the condition holds. @returns whether it came to that within the bound. */
  passUntil(holds: () => boolean, boundMs: number): boolean;
}

/** Virtual milliseconds that a command may take. A node answers sooner, if only with an error. */
const PATIENCE_MS = 10_000;

/** A client of one node in one keyspace. It connects when it is first used, and again when its node was down. */
export class SimulatedClient {
  readonly #node: string;
  readonly #db: number;
  readonly #host: ClientHost;
  readonly #replies: (SimulatedReply | Error)[] = [];
  readonly #parser: RedisParser;
  #process: SimProcess | undefined;
  #connection: ServerConnection | undefined;

  constructor(node: string, db: number, host: ClientHost) {
    this.#node = node;
    this.#db = db;
    this.#host = host;
    this.#parser = new RedisParser({
      returnReply: reply => this.#replies.push(reply as SimulatedReply),
      returnError: error => this.#replies.push(error),
    });
  }

  /**
   * Runs a command, and lets time pass until its reply is there.
   *
   * @throws an Error with the text of an error reply, or when the node is down or does not answer.
   */
  call(...args: readonly (string | number)[]): SimulatedReply {
    this.#connect();
    const reply = this.#send(args.map(String));
    if (reply instanceof Error) throw reply;
    return reply;
  }

  #connect(): void {
    const process = this.#host.processOf(this.#node);
    if (process === undefined) throw new Error(`${this.#node} is down`);
    if (process === this.#process) return;
    this.#process = process;
    this.#parser.reset();
    this.#connection = process.accept('client:1', replies => this.#parser.execute(replies));
    if (this.#db === 0) return;
    const selected = this.#send(['SELECT', String(this.#db)]);
    if (selected instanceof Error) throw selected;
  }

  #send(args: readonly string[]): SimulatedReply | Error {
    const process = this.#process!;
    this.#replies.length = 0;
    process.enter(() => this.#connection!.request(args.map(arg => Buffer.from(arg))));
    const isAnswered = (): boolean => this.#replies.length > 0 || !process.running;
    this.#host.passUntil(isAnswered, PATIENCE_MS);
    const reply = this.#replies.shift();
    if (reply !== undefined) return reply;
    this.#process = undefined;
    return new Error(`${this.#node} did not answer in ${PATIENCE_MS} virtual ms`);
  }
}

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
  #link: Link | undefined;

  constructor(node: string, db: number, host: ClientHost) {
    this.#node = node;
    this.#db = db;
    this.#host = host;
  }

  /**
   * Runs a command, and lets time pass until its reply is there.
   *
   * @throws an Error with the text of an error reply, or when the node is down or does not answer.
   */
  call(...args: readonly (string | number)[]): SimulatedReply {
    const process = this.#host.processOf(this.#node);
    if (process === undefined) throw new Error(`${this.#node} is down`);
    if (this.#link?.process !== process) this.#connect(process);
    return this.#send(this.#link!, args.map(String));
  }

  #connect(process: SimProcess): void {
    const link = connect(process);
    if (this.#db !== 0) this.#select(link);
    this.#link = link;
  }

  #select(link: Link): void {
    try {
      this.#send(link, ['SELECT', String(this.#db)]);
    } catch (error) {
      disconnect(link);
      throw error;
    }
  }

  #send(link: Link, args: readonly string[]): SimulatedReply {
    const { process, replies } = link;
    process.enter(() => link.connection?.request(args.map(arg => Buffer.from(arg))));
    const isAnswered = (): boolean => replies.length > 0 || !process.running;
    this.#host.passUntil(isAnswered, PATIENCE_MS);
    const reply = replies.shift();
    if (reply instanceof Error) throw reply;
    if (reply !== undefined) return reply;
    // What it may still answer is none of the next command's.
    this.#link = undefined;
    disconnect(link);
    if (!process.running) throw new Error(`${this.#node} went down`);
    throw new Error(`${this.#node} did not answer in ${PATIENCE_MS} virtual ms`);
  }
}

/** A connection to one process, and what it has answered. */
interface Link {
  readonly process: SimProcess;
  readonly replies: (SimulatedReply | Error)[];
  /** Undefined while the process has not accepted it, for it stands still, and when it is over. */
  connection: ServerConnection | undefined;
}

function connect(process: SimProcess): Link {
  const replies: (SimulatedReply | Error)[] = [];
  const parser = new RedisParser({
    returnReply: reply => replies.push(reply as SimulatedReply),
    returnError: error => replies.push(error),
  });
  const link: Link = { process, replies, connection: undefined };
  process.enter(() => {
    link.connection = process.accept('client:1', bytes => parser.execute(bytes));
  });
  return link;
}

function disconnect(link: Link): void {
  const { process } = link;
  process.enter(() => {
    if (link.connection !== undefined) process.disconnect(link.connection);
    link.connection = undefined;
  });
}

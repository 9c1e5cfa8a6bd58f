import { connect, type Socket } from 'node:net';
import RedisParser from 'redis-parser';
import type { BusAddress } from '../ports/outbox.ts';
import { encodeRequest } from '../resp/request-encoder.ts';

/** A RESP2 reply; an error reply is an `Error` in its place. */
export type Reply = string | number | null | Error | readonly Reply[];

export type Request = readonly (string | Uint8Array)[];

/** Who waits for how many replies, and what has come of them. */
interface Asked {
  readonly count: number;
  readonly replies: Reply[];
  resolve(replies: readonly Reply[]): void;
  reject(error: Error): void;
}

/** A connection to a node. Requests that are asked together go out together; their replies come in order. */
export class RespConnection {
  readonly #socket: Socket;
  #asked: Asked | undefined;
  /** Why nothing more can be asked. */
  #failure: Error | undefined;

  constructor({ host, port }: BusAddress) {
    this.#socket = connect({ host, port });
    const receive = (reply: Reply) => this.#receive(reply);
    const fail = (error: Error) => this.#fail(error);
    const parser = new RedisParser({ returnReply: receive, returnError: receive, returnFatalError: fail });
    this.#socket.on('data', chunk => parser.execute(chunk));
    this.#socket.on('error', fail);
    this.#socket.on('close', () => fail(new Error('the connection was closed before the answer')));
  }

  /**
   * The replies, one for each request. Nothing else may be asked before they are there.
   *
   * @throws the socket's error, or an Error that says what was wrong with the answer.
   */
  ask(requests: readonly Request[], timeoutMs: number): Promise<readonly Reply[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const deadline = setTimeout(() => this.#fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      const settled = () => {
        clearTimeout(deadline);
        this.#asked = undefined;
      };
      this.#asked = {
        count: requests.length,
        replies: [],
        resolve: replies => {
          settled();
          resolve(replies);
        },
        reject: error => {
          settled();
          reject(error);
        },
      };
      this.#socket.write(Buffer.concat(requests.map(request => encodeRequest(request))));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(reply: Reply): void {
    const asked = this.#asked;
    if (asked === undefined) return this.#fail(new Error('an answer came to no question'));
    if (asked.replies.push(reply) === asked.count) asked.resolve(asked.replies);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
    this.#asked?.reject(error);
  }
}

/**
 * Sends requests on a connection of their own and returns their replies, one each and in order.
 *
 * @throws the socket's error, or an Error that says what was wrong with the answer.
 */
export async function ask(
  address: BusAddress,
  requests: readonly Request[],
  timeoutMs: number,
): Promise<readonly Reply[]> {
  const connection = new RespConnection(address);
  try {
    return await connection.ask(requests, timeoutMs);
  } finally {
    connection.close();
  }
}

import { connect } from 'node:net';
import RedisParser from 'redis-parser';
import type { BusAddress } from '../ports/outbox.ts';
import { encodeRequest } from '../resp/request-encoder.ts';

/** A RESP2 reply; an error reply is an `Error` in its place. */
export type Reply = string | number | null | Error | readonly Reply[];

/**
 * Sends requests on a connection of their own and returns their replies, one each and in order.
 *
 * @throws the socket's error, or an Error that says what was wrong with the answer.
 */
export function ask(
  { host, port }: BusAddress,
  requests: readonly (readonly string[])[],
  timeoutMs: number,
): Promise<readonly Reply[]> {
  return new Promise((resolve, reject) => {
    const replies: Reply[] = [];
    const socket = connect({ host, port });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const receive = (reply: Reply) => {
      if (replies.push(reply) < requests.length) return;
      socket.destroy();
      resolve(replies);
    };
    const parser = new RedisParser({ returnReply: receive, returnError: receive, returnFatalError: fail });
    const deadline = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    socket.on('connect', () => socket.write(Buffer.concat(requests.map(request => encodeRequest(request)))));
    socket.on('data', chunk => parser.execute(chunk));
    socket.on('error', fail);
    socket.on('close', () => {
      clearTimeout(deadline);
      reject(new Error('the connection was closed before the answer'));
    });
  });
}

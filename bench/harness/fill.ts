import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import RedisParser from 'redis-parser';
import { encodeRequest } from '../../src/resp/request-encoder.ts';

export interface Filling {
  readonly port: number;
  readonly db: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly keyOf: (index: number) => string;
  /** Seconds after which every key expires; undefined for never. */
  readonly ttlSeconds?: number;
}

/** Bytes that may be on the way before replies are waited for. */
const BATCH_BYTES = 128 * 1024;

/** The keys of redis-benchmark: 16 bytes. */
export const benchmarkKey = (index: number) => `key:${String(index).padStart(12, '0')}`;

/** Sets every key once, pipelined on one connection, to random bytes. @throws an error reply as an Error. */
export async function fill({ port, db, keys, valueBytes, keyOf, ttlSeconds }: Filling): Promise<void> {
  const expiry = ttlSeconds === undefined ? [] : ['EX', String(ttlSeconds)];
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  const random = randomBytes(valueBytes + 4096);
  let awaited = 0;
  let wake = () => {};
  let failure: Error | undefined;
  const receive = () => {
    awaited--;
    if (awaited === 0) wake();
  };
  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  const parser = new RedisParser({ returnReply: receive, returnError: fail, returnFatalError: fail });
  socket.on('data', chunk => parser.execute(chunk));
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('The connection was closed while keys were filled in')));
  const send = async (requests: Buffer[]) => {
    awaited = requests.length;
    const answered = new Promise<void>(resolve => {
      wake = resolve;
    });
    socket.write(Buffer.concat(requests));
    if (failure === undefined) await answered;
    if (failure !== undefined) throw failure;
  };
  try {
    await send([encodeRequest(['SELECT', String(db)])]);
    const perBatch = Math.max(1, Math.floor(BATCH_BYTES / (valueBytes + 50)));
    for (let first = 0; first < keys; first += perBatch) {
      const count = Math.min(perBatch, keys - first);
      await send(
        Array.from({ length: count }, (_, offset) => {
          const start = Math.floor(Math.random() * 4096);
          return encodeRequest(['SET', keyOf(first + offset), random.subarray(start, start + valueBytes), ...expiry]);
        }),
      );
    }
  } finally {
    socket.destroy();
  }
}

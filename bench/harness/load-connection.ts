import { connect, type Socket } from 'node:net';
import RedisParser from 'redis-parser';
import { encodeRequest } from '../../src/resp/request-encoder.ts';
import { type LoadPlan, largeKey, smallKey } from './load-plan.ts';

/** What all connections of the load report to. */
export interface LoadSink {
  answered(isLarge: boolean, isWrite: boolean, latencyMs: number): void;
  failed(error: string): void;
  planned(): void;
}

interface Operation {
  readonly intendedMs: number;
  readonly isLarge: boolean;
  readonly isWrite: boolean;
}

/**
 * One client connection with a timetable of its own: starts are drawn in advance, at random distances of the same mean
 * (a Poisson process), whatever the server does. An operation that cannot start in time, because the reply to the one before
 * it is not there, is counted from when it was to start; else a server that stands still would stop the clock with it
 * ("coordinated omission": G. Tene, How NOT to measure latency).
 */
export class LoadConnection {
  readonly #socket: Socket;
  readonly #plan: LoadPlan;
  readonly #sink: LoadSink;
  readonly #values: { readonly small: Buffer; readonly large: Buffer };
  readonly #meanDistanceMs: number;
  #nextMs = 0;
  #endMs = 0;
  #current: Operation | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Its end before anything is measured. */
  readonly #opening = Promise.withResolvers<void>();

  constructor(port: number, plan: LoadPlan, values: { small: Buffer; large: Buffer }, sink: LoadSink) {
    this.#plan = plan;
    this.#sink = sink;
    this.#values = values;
    this.#meanDistanceMs = (1000 * plan.connections) / plan.rate;
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const parser = new RedisParser({
      returnBuffers: true,
      returnReply: reply => this.#receive(reply as Buffer | null),
      returnError: error => this.#receiveError(error.message),
      returnFatalError: error => this.#lose(error.message),
    });
    this.#socket.on('data', chunk => parser.execute(chunk as Buffer));
    this.#socket.on('error', error => this.#lose(error.message));
    this.#socket.on('close', () => this.#lose('the connection was closed'));
    this.#opening.promise.catch(() => {}); // who waits for it is told
  }

  /** Settles when the connection is there and its keyspace has been selected. @throws why it never will be. */
  ready(): Promise<void> {
    this.#socket.write(encodeRequest(['SELECT', String(this.#plan.db)]));
    return this.#opening.promise;
  }

  /** Begins its timetable. */
  start(nowMs: number, endMs: number): void {
    this.#endMs = endMs;
    this.#nextMs = nowMs;
    this.#schedule();
  }

  /** Ends its timetable: what has started may still be answered. */
  stop(): void {
    this.#endMs = 0;
    clearTimeout(this.#timer);
  }

  /** Whether an operation is still without its reply. */
  get isWaiting(): boolean {
    return this.#current !== undefined;
  }

  close(): void {
    this.stop();
    if (this.#current !== undefined) this.#sink.failed('no reply by the end');
    this.#current = undefined;
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #schedule(): void {
    this.#nextMs -= Math.log(1 - Math.random()) * this.#meanDistanceMs;
    if (this.#nextMs >= this.#endMs) return;
    this.#sink.planned();
    const waitMs = this.#nextMs - performance.now();
    if (waitMs <= 0) this.#send();
    else this.#timer = setTimeout(() => this.#send(), waitMs);
  }

  #send(): void {
    const { largeShare, writeShare, largeKeys, smallKeys } = this.#plan;
    const isLarge = Math.random() < largeShare;
    const isWrite = Math.random() < writeShare;
    const key = isLarge ? largeKey(below(largeKeys)) : smallKey(below(smallKeys));
    // Timers may fire up to a millisecond early.
    this.#current = { intendedMs: Math.min(this.#nextMs, performance.now()), isLarge, isWrite };
    if (!isWrite) this.#socket.write(encodeRequest(['GET', key]));
    else if (!isLarge) this.#socket.write(encodeRequest(['SET', key, this.#values.small]));
    else this.#sendLarge(key);
  }

  /** Without a copy of the value. */
  #sendLarge(key: string): void {
    const { large } = this.#values;
    this.#socket.cork();
    this.#socket.write(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${large.length}\r\n`);
    this.#socket.write(large);
    this.#socket.write('\r\n');
    this.#socket.uncork();
  }

  #receive(reply: Buffer | null): void {
    const operation = this.#current;
    if (operation === undefined) return this.#opening.resolve();
    this.#current = undefined;
    const expected = operation.isWrite ? 2 : this.#values[operation.isLarge ? 'large' : 'small'].length;
    if (reply === null) this.#sink.failed('nil for a key that had been written');
    else if (reply.length !== expected) this.#sink.failed(`a reply of ${reply.length} bytes instead of ${expected}`);
    this.#sink.answered(operation.isLarge, operation.isWrite, performance.now() - operation.intendedMs);
    this.#schedule();
  }

  #receiveError(error: string): void {
    const operation = this.#current;
    this.#current = undefined;
    this.#sink.failed(error);
    if (operation === undefined) return this.#opening.reject(new Error(error));
    this.#sink.answered(operation.isLarge, operation.isWrite, performance.now() - operation.intendedMs);
    this.#schedule();
  }

  #lose(error: string): void {
    clearTimeout(this.#timer);
    this.#current = undefined;
    this.#sink.failed(error);
    this.#opening.reject(new Error(error));
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }
}

const below = (count: number) => Math.floor(Math.random() * count);

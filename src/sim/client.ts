import RedisParser from 'redis-parser';
import { drawFraction, drawOne } from '../lib/draw.ts';
import type { Random } from '../ports/random.ts';
import type { History } from './history.ts';
import { type Operation, valueIdOf } from './operation.ts';
import type { ServerConnection } from './server-connection.ts';
import type { SimProcess } from './sim-process.ts';
import { type Trace, TraceKind } from './trace.ts';
import type { VirtualTime } from './virtual-clock.ts';
import type { Workload } from './workload.ts';

/** The distance of two requests of one client: more than ten a second, whatever becomes of them. */
const INTERVAL_MIN_MS = 70;
const INTERVAL_MAX_MS = 120;
/** One way between client and node. */
const LATENCY_MIN_MS = 0.1;
const LATENCY_JITTER_MS = 0.2;
/** A client that has waited so long for an answer gives its connection up. */
const PATIENCE_MS = 3_000;
/** A client makes a new connection that often, when it waits for nothing. */
const STAY_MIN_MS = 200;
const STAY_MAX_MS = 2_500;

/** What clients live in. */
export interface ClientWorld {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly history: History;
  /** The processes that accept connections. */
  running(): readonly SimProcess[];
}

interface Connection {
  readonly process: SimProcess;
  readonly outstanding: Operation[];
  server: ServerConnection | undefined;
  /** The answer to `SELECT` is still to come. */
  selecting: boolean;
  open: boolean;
  untilMs: number;
  /** Bytes arrive in order both ways. */
  toServerMs: number;
  toClientMs: number;
}

/**
 * A Redis client: one connection to one node, requests one after another without waiting for answers, another node when
 * that one is gone. It never sends a request twice.
 */
export class SimClient {
  readonly #index: number;
  readonly #db: number;
  readonly #world: ClientWorld;
  readonly #random: Random;
  readonly #workload: Workload;
  readonly #parser: RedisParser;
  #connection: Connection | undefined;
  #issuing = false;
  #round = 0;

  constructor(index: number, db: number, world: ClientWorld, random: Random, workload: Workload) {
    this.#index = index;
    this.#db = db;
    this.#world = world;
    this.#random = random;
    this.#workload = workload;
    this.#parser = new RedisParser({
      returnBuffers: true,
      returnReply: reply => this.#answered(reply),
      returnError: error => this.#answered(error),
    });
  }

  /** Begins to send requests. */
  start(): void {
    this.#issuing = true;
    const round = ++this.#round;
    this.#world.time.in(drawFraction(this.#random) * INTERVAL_MAX_MS, () => this.#issue(round));
  }

  /** Sends no more; what is under way is still waited for. */
  stop(): void {
    this.#issuing = false;
  }

  /** The process is gone; if it was this client's, its kernel says so. */
  lost(process: SimProcess): void {
    if (this.#connection?.process === process) this.#disconnect();
  }

  #issue(round: number): void {
    const { time } = this.#world;
    this.#moveOn();
    if (!this.#issuing || round !== this.#round) return;
    if (this.#connection === undefined) this.#connect();
    if (this.#connection !== undefined) this.#send(this.#connection);
    const intervalMs = INTERVAL_MIN_MS + (INTERVAL_MAX_MS - INTERVAL_MIN_MS) * drawFraction(this.#random);
    time.in(intervalMs, () => this.#issue(round));
  }

  /** Ends what was never answered, for good. */
  giveUp(): void {
    if (this.#connection !== undefined && this.#connection.outstanding.length > 0) this.#disconnect();
  }

  /** Leaves a node that does not answer, or for no reason. */
  #moveOn(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const { nowMs } = this.#world.time;
    const oldest = connection.outstanding[0];
    const isDue = oldest === undefined ? nowMs > connection.untilMs : nowMs - oldest.startMs > PATIENCE_MS;
    if (isDue) this.#disconnect();
  }

  #connect(): void {
    const process = this.#leastLoaded();
    if (process === undefined) return;
    const { time } = this.#world;
    const connection: Connection = {
      process,
      outstanding: [],
      server: undefined,
      selecting: this.#db !== 0,
      open: true,
      untilMs: time.nowMs + STAY_MIN_MS + (STAY_MAX_MS - STAY_MIN_MS) * drawFraction(this.#random),
      toServerMs: 0,
      toClientMs: 0,
    };
    this.#connection = connection;
    connection.toServerMs = time.nowMs + this.#latencyMs();
    time.at(connection.toServerMs, () => process.enter(() => this.#accepted(connection)));
  }

  /** As a balancer that counts connections would choose: a node that has come back gets its share at once. */
  #leastLoaded(): SimProcess | undefined {
    const running = this.#world.running();
    const least = Math.min(...running.map(({ node }) => node.sessions.size));
    return drawOne(
      this.#random,
      running.filter(({ node }) => node.sessions.size === least),
    );
  }

  #accepted(connection: Connection): void {
    const { process } = connection;
    connection.server = process.accept(`client:${this.#index}`, replies => this.#reply(connection, replies));
    if (connection.selecting) connection.server.request([Buffer.from('select'), Buffer.from(String(this.#db))]);
  }

  #disconnect(): void {
    const connection = this.#connection!;
    const { process, outstanding } = connection;
    this.#connection = undefined;
    connection.open = false;
    const { time, history } = this.#world;
    for (const operation of outstanding) history.end(operation, 'lost', time.nowMs);
    time.in(this.#latencyMs(), () => process.enter(() => process.disconnect(connection.server!)));
  }

  #send(connection: Connection): void {
    const { time, trace, history } = this.#world;
    const request = this.#workload.next();
    const { process } = connection;
    connection.outstanding.push(history.begin(this.#index, process.name, this.#db, request, time.nowMs));
    connection.toServerMs = Math.max(connection.toServerMs, time.nowMs + this.#latencyMs());
    time.at(connection.toServerMs, () => {
      if (!process.running) return;
      trace.note(TraceKind.request, time.nowMs, this.#index, process.index);
      for (const arg of request.args) trace.bytes(arg);
      process.enter(() => connection.server!.request(request.args));
    });
  }

  /** Bytes from the node; they may arrive after it is gone, not after the connection is. */
  #reply(connection: Connection, replies: Buffer): void {
    const { time, trace } = this.#world;
    connection.toClientMs = Math.max(connection.toClientMs, time.nowMs + this.#latencyMs());
    time.at(connection.toClientMs, () => {
      if (!connection.open) return;
      trace.note(TraceKind.reply, time.nowMs, connection.process.index, this.#index, replies);
      this.#parser.execute(replies);
    });
  }

  #answered(reply: unknown): void {
    const { time, history } = this.#world;
    const connection = this.#connection!;
    if (connection.selecting) {
      connection.selecting = false;
      return;
    }
    const operation = connection.outstanding.shift()!;
    if (reply instanceof Error) {
      operation.error = reply.message;
      return history.end(operation, reply.message.startsWith('UNAVAILABLE') ? 'unavailable' : 'refused', time.nowMs);
    }
    readReply(operation, reply);
    history.end(operation, 'ok', time.nowMs);
  }

  #latencyMs(): number {
    return LATENCY_MIN_MS + LATENCY_JITTER_MS * drawFraction(this.#random);
  }
}

function readReply(operation: Operation, reply: unknown): void {
  switch (operation.command) {
    case 'get':
      operation.found = [found(reply)];
      return;
    case 'mget':
      operation.found = (reply as unknown[]).map(found);
      return;
    case 'nx':
      operation.applied = reply !== null;
      return;
    case 'del':
    case 'pexpire':
    case 'persist':
      operation.applied = reply === 1;
      return;
    default:
  }
}

function found(reply: unknown): string | undefined {
  return reply === null ? undefined : valueIdOf(reply as Buffer);
}

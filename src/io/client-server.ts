import { createServer, type Server, type Socket } from 'node:net';
import type { Node } from '../node/node.ts';
import type { Log } from '../ports/log.ts';
import type { BusAddress } from '../ports/outbox.ts';
import { type ClientLimits, type ClientSocketHost, ClientSocketPump } from './client-socket.ts';
import { FlushQueue } from './flush-queue.ts';
import { listen } from './listen.ts';

export interface ClientServerOptions {
  readonly listen: BusAddress;
  readonly maxClients: number;
  readonly limits: ClientLimits;
  readonly log: Log;
}

/** How often at most one kind of client's misbehaviour is logged. */
const LOG_INTERVAL_MS = 1000;

/** The port that Redis clients connect to. */
export class ClientServer {
  readonly #options: ClientServerOptions;
  readonly #server: Server;
  readonly #clients = new Set<ClientSocketPump>();
  readonly #flushQueue = new FlushQueue();
  readonly #loggedMs = new Map<string, number>();
  readonly #host: ClientSocketHost;
  #node: Node | undefined;
  #nextId = 1;
  #isHeldUp = false;
  #whenEmpty: () => void = () => {};

  constructor(options: ClientServerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, socket => this.#accept(socket));
    this.#host = {
      flushLater: client => this.#flushQueue.add(client),
      closed: client => this.#closed(client),
      log: (event, fields) => this.#logSparingly(event, fields),
    };
  }

  /** @returns where it listens. @throws the system's error when the address can't be had. */
  listen(): Promise<BusAddress> {
    return listen(this.#server, this.#options.listen);
  }

  /** Connections are served by this node from now on. Those that another has served end. */
  serve(node: Node): void {
    this.#node = node;
    for (const client of this.#clients) client.destroy();
  }

  /** Stops running clients' commands while the bus is congested. */
  holdUp(on: boolean): void {
    this.#isHeldUp = on;
    for (const client of this.#clients) client.holdUp(on);
  }

  /** Stops accepting, answers what is in flight, and closes every connection, by force after `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.#server.close();
    for (const client of this.#clients) client.drain();
    if (this.#clients.size === 0) return;
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => {
        for (const client of this.#clients) client.destroy();
        resolve();
      }, deadlineMs);
      this.#whenEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #accept(socket: Socket): void {
    const node = this.#node;
    if (node === undefined) {
      socket.destroy();
      return;
    }
    if (this.#clients.size >= this.#options.maxClients) {
      socket.on('error', () => socket.destroy());
      socket.end('-ERR max number of clients reached\r\n', () => socket.destroy());
      return;
    }
    const client = new ClientSocketPump(this.#nextId++, socket, this.#options.limits, this.#host);
    this.#clients.add(client);
    client.open(node.openSession(client, () => client.wake()));
    if (this.#isHeldUp) client.holdUp(true);
  }

  #closed(client: ClientSocketPump): void {
    this.#clients.delete(client);
    this.#node?.closeSession(client.id);
    if (this.#clients.size === 0) this.#whenEmpty();
  }

  #logSparingly(event: string, fields: Record<string, string | number>): void {
    const nowMs = performance.now();
    const last = this.#loggedMs.get(event);
    if (last !== undefined && nowMs - last < LOG_INTERVAL_MS) return;
    this.#loggedMs.set(event, nowMs);
    this.#options.log.warn(event, fields);
  }
}

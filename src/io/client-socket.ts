import type { Socket } from 'node:net';
import type { Session } from '../node/session.ts';
import { RequestDecoder } from '../resp/request-decoder.ts';
import type { RequestLimits } from '../resp/request-limits.ts';

/** The bounds of one client connection (invariant 10). */
export interface ClientLimits {
  readonly request: RequestLimits;
  /** A client that has left this many bytes of replies unread when there are more is disconnected. */
  readonly outputBufferLimitBytes: number;
  /** How long a client may take to authenticate where a password is set. */
  readonly authTimeoutMs: number;
}

/** With this much unread, a connection's next commands wait; far less than the limit at which it is closed. */
const OUTPUT_HIGH_WATER_BYTES = 1024 * 1024;

export interface ClientSocketHost {
  /** Call `flush` of this connection, not marked so far, when this turn of the event loop ends. */
  flushLater(client: ClientSocketPump): void;
  closed(client: ClientSocketPump): void;
  log(event: string, fields: Record<string, string | number>): void;
}

/**
 * Moves bytes between a client's socket and its session: decode and run to completion as they are read, and write what
 * came of it when the turn of the event loop ends. A reply wakes its reader, so all requests of a turn are run before
 * the first reply is written (docs/decisions/0008).
 * Reading stops while a command has to wait, while the client does not read its replies, and while the bus is congested.
 */
export class ClientSocketPump {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  readonly #socket: Socket;
  readonly #host: ClientSocketHost;
  readonly #limits: ClientLimits;
  readonly #decoder: RequestDecoder;
  #session!: Session;
  /** A command that has to wait. */
  #held: Buffer[] | undefined;
  #isHeldUp = false;
  #hasEnded = false;
  #willFlush = false;
  #authTimer: NodeJS.Timeout | undefined;

  constructor(id: number, socket: Socket, limits: ClientLimits, host: ClientSocketHost) {
    this.id = id;
    this.address = endpoint(socket.remoteAddress, socket.remotePort);
    this.localAddress = endpoint(socket.localAddress, socket.localPort);
    this.#socket = socket;
    this.#limits = limits;
    this.#host = host;
    this.#decoder = new RequestDecoder(limits.request);
  }

  /** Begins to read. */
  open(session: Session): void {
    this.#session = session;
    this.#authenticationChanged();
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 300_000);
    socket.on('data', chunk => {
      // What comes after QUIT or an error is never read, nor kept.
      if (this.#session.connection.isClosing) return;
      this.#decoder.push(chunk as Buffer);
      this.#runCommands();
      this.wake();
    });
    socket.on('drain', () => this.pump());
    socket.on('end', () => {
      this.#hasEnded = true;
      this.pump();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(this.#authTimer);
      this.#host.closed(this);
    });
  }

  get queuedBytes(): number {
    return this.#decoder.bufferedBytes + this.#socket.writableLength;
  }

  /** Stops or resumes running commands, for a reason outside this connection. */
  holdUp(on: boolean): void {
    this.#isHeldUp = on;
    if (!on) this.pump();
  }

  /** There are replies to write, or commands that could go on. */
  wake(): void {
    if (this.#willFlush) return;
    this.#willFlush = true;
    this.#host.flushLater(this);
  }

  flush(): void {
    this.#willFlush = false;
    this.pump();
  }

  /** Runs what can be run, writes what is ready, and reads on if there is room. */
  pump(): void {
    if (this.#socket.destroyed) return;
    const isCaughtUp = this.#runCommands();
    this.#flush();
    const isOver = this.#session.connection.isClosing || (this.#hasEnded && isCaughtUp);
    // The client may keep its side open as long as it likes; ours closes when its replies are written.
    if (isOver && !this.#session.isWaiting) this.#socket.destroySoon();
    else if (isCaughtUp) this.#socket.resume();
    else this.#socket.pause();
  }

  /** Answers what is in flight and nothing more. */
  drain(): void {
    this.#held = undefined;
    this.#session.connection.closeAfterReply();
    this.pump();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** @returns whether everything that has been read was run. */
  #runCommands(): boolean {
    const { connection } = this.#session;
    while (!connection.isClosing) {
      if (this.#isHeldUp || this.#outputIsFull()) return false;
      const args = this.#held ?? this.#decoder.next();
      if (args === undefined) {
        if (this.#decoder.error !== undefined) this.#refuse(this.#decoder.error);
        return true;
      }
      this.#held = this.#session.execute(args) ? undefined : args;
      if (this.#held !== undefined) return false;
      if (connection.authenticated !== this.#decoder.authenticated) this.#authenticationChanged();
    }
    return true;
  }

  /** Whether the client has to read before more is run for it; what is pending goes to the socket first. */
  #outputIsFull(): boolean {
    if (this.#session.output.byteLength >= OUTPUT_HIGH_WATER_BYTES) this.#flush();
    return this.#socket.writableLength >= OUTPUT_HIGH_WATER_BYTES;
  }

  #flush(): void {
    const { output } = this.#session;
    if (output.byteLength === 0) return;
    const socket = this.#socket;
    // One reply may be as large as a value; what counts is what was left unread before it.
    if (socket.writableLength > this.#limits.outputBufferLimitBytes) return this.#giveUpReader();
    const segments = output.takeSegments();
    if (segments.length === 1) {
      socket.write(segments[0]!);
    } else {
      socket.cork();
      for (const segment of segments) socket.write(segment);
      socket.uncork();
    }
    if (socket.writableLength === 0) output.recycle();
  }

  #refuse(error: string): void {
    if (this.#decoder.crossProtocol) {
      this.#host.log('closed a connection that speaks HTTP', { client: this.address });
      this.#socket.destroy();
    } else {
      this.#session.fail(`ERR ${error}`);
    }
  }

  #authenticationChanged(): void {
    const { authenticated } = this.#session.connection;
    this.#decoder.authenticated = authenticated;
    clearTimeout(this.#authTimer);
    if (authenticated) return;
    this.#authTimer = setTimeout(() => this.#giveUpWaiting(), this.#limits.authTimeoutMs).unref();
  }

  #giveUpWaiting(): void {
    this.#host.log('closed a connection that did not authenticate in time', { client: this.address });
    this.#socket.destroy();
  }

  #giveUpReader(): void {
    const { writableLength } = this.#socket;
    this.#host.log('closed a connection that does not read its replies', {
      client: this.address,
      bytes: writableLength,
    });
    this.#socket.destroy();
  }
}

function endpoint(host: string | undefined, port: number | undefined): string {
  return host?.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

import type { Node } from '../node/node.ts';
import type { Session } from '../node/session.ts';

/**
 * The node's end of a client's connection: what `io/client-socket.ts` is to a socket, without one. Runs requests in
 * order, holds one that has to wait, and hands out the bytes of what is ready.
 */
export class ServerConnection {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  readonly queuedBytes = 0;
  readonly #session: Session;
  readonly #deliver: (replies: Buffer) => void;
  /** Requests that have come and not been run. */
  #waiting: (readonly Buffer[])[] = [];
  #isOpen = true;

  constructor(
    id: number,
    address: string,
    node: Node,
    wake: (connection: ServerConnection) => void,
    deliver: (replies: Buffer) => void,
  ) {
    this.id = id;
    this.address = address;
    this.localAddress = 'simulated:6379';
    this.#deliver = deliver;
    this.#session = node.openSession(this, () => wake(this));
  }

  request(args: readonly Buffer[]): void {
    if (!this.#isOpen) return;
    this.#waiting.push(args);
    this.pump();
  }

  /** The client is gone: what has not been run never will be. */
  close(): void {
    this.#isOpen = false;
    this.#waiting = [];
  }

  /** Runs what can be run and sends what is ready. */
  pump(): void {
    if (!this.#isOpen) return;
    while (this.#waiting.length > 0 && this.#session.execute(this.#waiting[0]!)) this.#waiting.shift();
    const { output } = this.#session;
    if (output.byteLength === 0) return;
    const replies = Buffer.concat(output.takeSegments());
    output.recycle();
    this.#deliver(replies);
  }
}

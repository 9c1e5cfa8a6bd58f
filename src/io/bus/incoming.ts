import type { Socket } from 'node:net';
import type { PeerIdentity } from '../../ports/outbox.ts';
import { FrameReader } from './frame-reader.ts';
import { AcceptorHandshake, type HandshakeTerms } from './handshake.ts';
import type { BusLimits } from './limits.ts';
import { encodeReceipt, MAX_RECEIPT_BYTES } from './receipt.ts';

/** What is read from a refused dialler, and thrown away, while our sentence is on its way. */
const MAX_IGNORED_BYTES = 65_536;

/** What an accepted connection needs of its listener. */
export interface IncomingHost {
  readonly limits: BusLimits;
  terms(): HandshakeTerms;
  /** The dialler is who it says. */
  admitted(incoming: Incoming, peer: PeerIdentity): void;
  /**
   * It was turned away; the connection lives until the sentence has arrived, or its time is up.
   *
   * @param isMissed it is of another cluster, which has a member of this node's name.
   */
  refused(incoming: Incoming, reason: string, isMissed: boolean): void;
  message(incoming: Incoming, peer: PeerIdentity, message: Buffer): void;
  closed(incoming: Incoming, reason: string): void;
}

/** A connection that another node made: after the handshake it is read, and answered with receipts alone. */
export class Incoming {
  readonly #socket: Socket;
  readonly #host: IncomingHost;
  readonly #timer: NodeJS.Timeout;
  /** Present until it has ended, well or not. */
  #handshake: AcceptorHandshake | undefined;
  /** Present once the peer is authenticated. */
  #reader: FrameReader | undefined;
  #peer: PeerIdentity | undefined;
  #readBytes = 0;
  #confirmedBytes = 0;
  #ignoredBytes = 0;
  #closed = false;

  constructor(socket: Socket, host: IncomingHost) {
    this.#socket = socket;
    this.#host = host;
    this.#handshake = new AcceptorHandshake(host.terms());
    this.#timer = setTimeout(() => this.close('no handshake in time'), host.limits.handshakeTimeoutMs);
    socket.on('data', chunk => this.#receive(chunk));
    socket.on('error', error => this.close(error.message));
    socket.on('close', () => this.close('the connection closed'));
  }

  /** Defined once the dialler has authenticated itself. */
  get peer(): PeerIdentity | undefined {
    return this.#peer;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? 'unknown';
  }

  /** Writes the receipt that is due, if any. */
  tick(): void {
    // A dialler that doesn't read its receipts gets no more of them.
    if (this.#readBytes === this.#confirmedBytes || this.#socket.writableLength > 0) return;
    const bytes = Math.min(this.#readBytes - this.#confirmedBytes, MAX_RECEIPT_BYTES);
    this.#confirmedBytes += bytes;
    this.#socket.write(encodeReceipt(bytes));
  }

  /** Ends it at once. No message is handed on after this returns. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#reader?.stop();
    this.#socket.destroy();
    this.#host.closed(this, reason);
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return;
    if (this.#reader !== undefined) {
      this.#readBytes += chunk.length;
      const fault = this.#reader.push(chunk);
      if (fault !== undefined) this.close(fault);
    } else if (this.#handshake !== undefined) {
      this.#greet(this.#handshake, chunk);
    } else {
      this.#ignoredBytes += chunk.length;
      if (this.#ignoredBytes > MAX_IGNORED_BYTES) this.close('talks on after it was refused');
    }
  }

  #greet(handshake: AcceptorHandshake, chunk: Buffer): void {
    const outcome = handshake.receive(chunk);
    switch (outcome.kind) {
      case 'continue':
        if (outcome.reply !== undefined) this.#socket.write(outcome.reply);
        return;
      case 'done':
        this.#admit(outcome.link.peer, outcome.reply);
        return;
      case 'refused':
        this.#handshake = undefined;
        // Destroying it now could overtake the sentence: the timer does that if the dialler doesn't.
        if (outcome.reply !== undefined) this.#socket.write(outcome.reply);
        this.#socket.end();
        this.#host.refused(this, outcome.reason, outcome.isMissed === true);
        return;
      default:
        this.close('a stranger');
    }
  }

  #admit(peer: PeerIdentity, welcome: Buffer | undefined): void {
    clearTimeout(this.#timer);
    this.#handshake = undefined;
    this.#peer = peer;
    this.#reader = new FrameReader(this.#host.limits.maxMessageBytes, message =>
      this.#host.message(this, peer, message),
    );
    if (welcome !== undefined) this.#socket.write(welcome);
    this.#host.admitted(this, peer);
  }
}

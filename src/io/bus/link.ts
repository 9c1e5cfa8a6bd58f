import { connect, type Socket } from 'node:net';
import type { Log } from '../../ports/log.ts';
import type { BusAddress, NodeName, PeerIdentity } from '../../ports/outbox.ts';
import type { Random } from '../../ports/random.ts';
import { backoffMs } from './backoff.ts';
import { type Agreement, DiallerHandshake, type HandshakeTerms } from './handshake.ts';
import { ReceiptReader } from './receipt.ts';
import { Sender, type SenderContext } from './sender.ts';

/** What a link needs of its bus. */
export interface LinkHost {
  readonly context: SenderContext;
  readonly random: Random;
  readonly log: Log;
  terms(judge: (peer: PeerIdentity) => string | undefined): HandshakeTerms;
  /** May `link` be the one to this peer? Undefined makes it so until `release`; else why not. */
  claim(link: Link, peer: PeerIdentity): LinkVerdict | undefined;
  /** `link` no longer is the one to this peer. */
  release(link: Link, peer: PeerIdentity, wasUp: boolean): void;
  /** The link that claimed this peer can send. */
  up(agreement: Agreement, sender: Sender): void;
  refused(address: BusAddress, reason: string): void;
}

/** Why an address is not dialled although nothing is wrong: it is our own, or another address leads to the same peer. */
export type LinkVerdict = 'self' | 'covered';

type LinkState =
  | { readonly kind: 'resting'; readonly timer: NodeJS.Timeout }
  | {
      readonly kind: 'dialling';
      readonly socket: Socket;
      readonly handshake: DiallerHandshake;
      readonly timer: NodeJS.Timeout;
      /** Claimed at the bus. */
      peer: PeerIdentity | undefined;
      verdict: LinkVerdict | undefined;
    }
  | {
      readonly kind: 'up';
      readonly socket: Socket;
      readonly peer: PeerIdentity;
      readonly sender: Sender;
      readonly receipts: ReceiptReader;
      readonly sinceMs: number;
    }
  | { readonly kind: 'parked'; readonly behind: NodeName | undefined }
  | { readonly kind: 'closed' };

/**
 * The outgoing link to one address: dials it, greets, sends, and dials again after whatever happens, until `close`.
 * At every instant it is in one `LinkState`, and owns the socket or the timer of that state and no other.
 */
export class Link {
  readonly address: BusAddress;
  readonly #host: LinkHost;
  #state: LinkState = { kind: 'parked', behind: undefined };
  /** Failures since the last link that lasted. */
  #failures = 0;
  /** What was last complained about, so that a retry with the same end is not news. */
  #complaint: string | undefined;
  #lastName: NodeName | undefined;
  #draining = false;

  constructor(address: BusAddress, host: LinkHost) {
    this.address = address;
    this.#host = host;
  }

  /** The authenticated peer at the other end, of a link that is up or about to be. */
  get peer(): PeerIdentity | undefined {
    return this.#state.kind === 'up' || this.#state.kind === 'dialling' ? this.#state.peer : undefined;
  }

  /** Present while the link is up. */
  get sender(): Sender | undefined {
    return this.#state.kind === 'up' ? this.#state.sender : undefined;
  }

  /** The peer whose link by another address makes this one needless. */
  get behind(): NodeName | undefined {
    return this.#state.kind === 'parked' ? this.#state.behind : undefined;
  }

  /** Whether this address is, or was when last reached, the peer's. */
  leadsTo(peer: PeerIdentity): boolean {
    const { host, port } = this.address;
    return this.#lastName === peer.name || (host === peer.bus.host && port === peer.bus.port);
  }

  /** Dials at once, whatever the link was doing. */
  dial(why = 'dialled again'): void {
    const { host, port } = this.address;
    const { handshakeTimeoutMs, keepAliveMs } = this.#host.context.limits;
    let socket: Socket;
    try {
      socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs });
    } catch (error) {
      this.#rest(describe(error)); // a port that is none
      return;
    }
    const handshake = new DiallerHandshake(this.#host.terms(peer => this.#judge(peer)));
    const late = `no handshake within ${handshakeTimeoutMs} ms`;
    const timer = setTimeout(() => this.#fail(socket, late), handshakeTimeoutMs);
    this.#become({ kind: 'dialling', socket, handshake, timer, peer: undefined, verdict: undefined }, why);
    socket.on('connect', () => socket.write(handshake.start()));
    socket.on('data', chunk => this.#receive(socket, chunk));
    socket.on('error', error => this.#fail(socket, describe(error)));
    socket.on('end', () => this.#fail(socket, 'the peer ended the connection'));
    socket.on('close', () => this.#fail(socket, 'the connection closed'));
  }

  /** Dials at once if it waits for a back-off to pass. */
  hurry(): void {
    if (this.#state.kind === 'resting') this.dial();
  }

  /** Leaves the peer to another address. */
  park(behind: NodeName): void {
    this.#become({ kind: 'parked', behind }, 'another address leads there');
  }

  /** For good. */
  close(): void {
    this.#become({ kind: 'closed' }, 'given up');
  }

  /** Stops what is not up; an up link writes what it has and ends. */
  drain(): void {
    this.#draining = true;
    if (this.#state.kind === 'up') this.#state.sender.end();
    else this.close();
  }

  tick(elapsedMs: number): void {
    if (this.#state.kind !== 'up') return;
    const { sender, socket } = this.#state;
    sender.tick(elapsedMs);
    const limitMs = this.#host.context.limits.stallTimeoutMs;
    if (sender.stalledMs >= limitMs) this.#fail(socket, `no progress for ${limitMs} ms`);
  }

  #judge(peer: PeerIdentity): string | undefined {
    if (this.#state.kind !== 'dialling') return 'closed';
    const verdict = this.#host.claim(this, peer);
    this.#lastName = peer.name;
    if (verdict === undefined) this.#state.peer = peer;
    this.#state.verdict = verdict;
    return verdict;
  }

  #receive(socket: Socket, chunk: Buffer): void {
    const state = this.#state;
    if (state.kind === 'up' && state.socket === socket) {
      const confirmed = state.receipts.push(chunk);
      if (confirmed === undefined || !state.sender.confirm(confirmed)) this.#fail(socket, 'the peer sent no receipt');
    } else if (state.kind === 'dialling' && state.socket === socket) {
      this.#greet(state, chunk);
    }
  }

  #greet(state: Extract<LinkState, { kind: 'dialling' }>, chunk: Buffer): void {
    const { socket, handshake } = state;
    const outcome = handshake.receive(chunk);
    switch (outcome.kind) {
      case 'continue':
        if (outcome.reply !== undefined) socket.write(outcome.reply);
        return;
      case 'done':
        this.#come(socket, outcome.link);
        return;
      case 'declined':
        this.#become(
          { kind: 'parked', behind: state.verdict === 'covered' ? this.#lastName : undefined },
          outcome.reason,
        );
        return;
      case 'refused':
        this.#refuse(outcome.reason);
        return;
      case 'nonsense':
        this.#fail(socket, 'what answers is no node of a cluster');
        return;
    }
  }

  #come(socket: Socket, agreement: Agreement): void {
    if (this.#state.kind === 'dialling') clearTimeout(this.#state.timer);
    const { peer } = agreement;
    const sender = new Sender(socket, this.#host.context);
    const sinceMs = performance.now();
    this.#state = { kind: 'up', socket, peer, sender, receipts: new ReceiptReader(), sinceMs };
    this.#complaint = undefined;
    this.#host.log.info('link up', { peer: peer.name, actor: peer.actor, address: this.#where() });
    this.#host.up(agreement, sender);
  }

  #refuse(reason: string): void {
    const news = this.#complaint !== reason;
    this.#complaint = reason;
    this.#rest(reason);
    if (!news) return;
    this.#host.log.warn('link refused', { address: this.#where(), reason });
    this.#host.refused(this.address, reason);
  }

  /** The connection `socket` has come to its end, of itself or by our judgement; only its first end counts. */
  #fail(socket: Socket, reason: string): void {
    const state = this.#state;
    if ((state.kind !== 'up' && state.kind !== 'dialling') || state.socket !== socket) return;
    if (state.kind === 'dialling' && this.#complaint !== reason) {
      this.#complaint = reason;
      this.#host.log.warn('no link', { address: this.#where(), reason });
    }
    this.#rest(reason);
  }

  /** Waits for the back-off to pass, then dials. */
  #rest(why: string): void {
    const { backoffMinMs, backoffMaxMs } = this.#host.context.limits;
    const state = this.#state;
    // A link that broke at once says as little for its peer as one that never came to be.
    if (state.kind === 'up' && performance.now() - state.sinceMs >= backoffMaxMs) this.#failures = 0;
    const waitMs = backoffMs(this.#host.random, this.#failures++, backoffMinMs, backoffMaxMs);
    this.#become({ kind: 'resting', timer: setTimeout(() => this.dial(), waitMs) }, why);
  }

  /** Enters `next` and gives back what the state before owned. */
  #become(next: LinkState, why: string): void {
    const before = this.#state;
    this.#state = next;
    if (before.kind === 'resting' || before.kind === 'dialling') clearTimeout(before.timer);
    if (before.kind !== 'up' && before.kind !== 'dialling') return;
    before.socket.destroy();
    if (before.kind === 'up') {
      before.sender.close();
      if (!this.#draining)
        this.#host.log.warn('link down', { peer: before.peer.name, address: this.#where(), reason: why });
    }
    if (before.peer !== undefined) this.#host.release(this, before.peer, before.kind === 'up');
  }

  #where(): string {
    return `${this.address.host}:${this.address.port}`;
  }
}

/** An error's code where it has one: the message of a failed connection to a name with several addresses is empty. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../../ports/log.ts';
import type { BusAddress, NodeName, PeerIdentity } from '../../ports/outbox.ts';
import type { HandshakeTerms } from './handshake.ts';
import { Incoming, type IncomingHost } from './incoming.ts';
import type { BusLimits } from './limits.ts';

export interface ListenerHost {
  readonly limits: BusLimits;
  readonly log: Log;
  terms(judge: (peer: PeerIdentity) => string | undefined): HandshakeTerms;
  /** A peer authenticated; `before` is whose link by the same name gave way to it. */
  heard(peer: PeerIdentity, before: PeerIdentity | undefined): void;
  /** The last incoming link of this peer ended. */
  silent(peer: PeerIdentity): void;
  message(from: NodeName, message: Buffer): void;
  /** See `BusEvents`. */
  missed(reason: string): void;
}

/**
 * Accepts the other nodes' links: one for each name, the newest, because a dialler makes another only after it has
 * given up the one before. Strangers are held in `halfOpen` until they have proved themselves or their time is up.
 */
export class Listener implements IncomingHost {
  readonly limits: BusLimits;
  readonly #host: ListenerHost;
  readonly #server: Server;
  /** In the order of their arrival. */
  readonly #halfOpen = new Set<Incoming>();
  readonly #links = new Map<NodeName, Incoming>();
  #turnedAway = 0;
  #isOpen = false;
  #lastRefusalLogMs = Number.NEGATIVE_INFINITY;

  constructor(host: ListenerHost) {
    this.#host = host;
    this.limits = host.limits;
    this.#server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: host.limits.keepAliveMs },
      socket => this.#accept(socket),
    );
  }

  /** @returns the address it listens at, which names the port when `address` left it open with 0. */
  listen(address: BusAddress): Promise<BusAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address.port, address.host, () => {
        this.#server.off('error', reject);
        this.#server.on('error', error => this.#host.log.error('bus listener failed', { reason: error.message }));
        const bound = this.#server.address();
        const port = bound !== null && typeof bound === 'object' ? bound.port : address.port;
        resolve({ host: address.host, port });
      });
    });
  }

  open(): void {
    this.#isOpen = true;
  }

  /** Stops accepting and reading, at once. */
  close(): void {
    this.#server.close();
    for (const incoming of [...this.#halfOpen, ...this.#links.values()]) incoming.close('closing');
  }

  tick(): void {
    for (const incoming of this.#links.values()) incoming.tick();
  }

  terms(): HandshakeTerms {
    return this.#host.terms(peer => {
      if (this.#links.size < this.limits.maxPeers || this.#links.has(peer.name)) return undefined;
      return `${this.limits.maxPeers} peers are linked, which is the limit`;
    });
  }

  admitted(incoming: Incoming, peer: PeerIdentity): void {
    this.#halfOpen.delete(incoming);
    const before = this.#links.get(peer.name);
    this.#links.set(peer.name, incoming);
    before?.close('a newer link of the same peer');
    this.#host.heard(peer, before?.peer);
  }

  refused(incoming: Incoming, reason: string, isMissed: boolean): void {
    if (isMissed) this.#host.missed(reason);
    this.#turnedAway++;
    const nowMs = performance.now();
    if (nowMs - this.#lastRefusalLogMs < this.limits.refusalLogMs) return;
    this.#lastRefusalLogMs = nowMs;
    const fields = { address: incoming.remoteAddress, reason, sinceLast: this.#turnedAway };
    this.#host.log.warn('turned a node away', fields);
    this.#turnedAway = 0;
  }

  message(_incoming: Incoming, peer: PeerIdentity, message: Buffer): void {
    this.#host.message(peer.name, message);
  }

  closed(incoming: Incoming, reason: string): void {
    this.#halfOpen.delete(incoming);
    const { peer } = incoming;
    if (peer === undefined || this.#links.get(peer.name) !== incoming) return;
    this.#links.delete(peer.name);
    this.#host.log.info('incoming link down', { peer: peer.name, reason });
    this.#host.silent(peer);
  }

  #accept(socket: Socket): void {
    if (!this.#isOpen) return void socket.destroy();
    if (this.#halfOpen.size >= this.limits.maxHalfOpen) {
      const [oldest] = this.#halfOpen;
      oldest?.close('too many half-open handshakes');
    }
    this.#halfOpen.add(new Incoming(socket, this));
  }
}

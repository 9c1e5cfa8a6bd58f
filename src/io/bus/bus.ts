import { randomBytes } from 'node:crypto';
import type { Log } from '../../ports/log.ts';
import type { BusAddress, NodeName, Outbox, PeerIdentity } from '../../ports/outbox.ts';
import type { Random } from '../../ports/random.ts';
import { FlushQueue } from '../flush-queue.ts';
import { type Agreement, type HandshakeTerms, PROTOCOL_OFFER, type ProtocolOffer } from './handshake.ts';
import { NONCE_BYTES } from './handshake-wire.ts';
import { type BusLimits, DEFAULT_BUS_LIMITS } from './limits.ts';
import { Link, type LinkHost, type LinkVerdict } from './link.ts';
import { Listener, type ListenerHost } from './listener.ts';
import { nameTaken } from './name-taken.ts';
import { Pressure } from './pressure.ts';
import type { Sender, SenderContext } from './sender.ts';
import { SlabPool } from './slab-pool.ts';

export interface BusOptions {
  /** Port 0 takes a free one; `listen` says which. */
  readonly listen: BusAddress;
  /** Asked at every handshake. Its cluster id changes once, from '' to an id, at founding; links that are up stay. */
  readonly identity: () => PeerIdentity;
  /** Shared by the cluster. Empty: whoever reaches the port is a peer. */
  readonly secret: string;
  /** What differs from `DEFAULT_BUS_LIMITS`. */
  readonly limits?: Partial<BusLimits>;
  readonly offer?: ProtocolOffer;
  /** For the jitter of the back-off; nonces come from the system. */
  readonly random: Random;
  readonly log: Log;
}

/**
 * What a bus reports. `message` is called while the socket is read; the others after the callback that caused them has
 * returned, in order, and never from within a call of the bus. After `close` was called none is.
 */
export interface BusEvents {
  /** The outgoing link to this peer can send now. */
  linkUp(peer: PeerIdentity): void;
  /** The outgoing link broke; what was under way on it is lost. Comes before a `linkUp` with a new actor. */
  linkDown(peer: NodeName): void;
  /** A peer authenticated itself on an incoming link. */
  heard(peer: PeerIdentity): void;
  /** The incoming link of a peer ended, of itself or because a new actor took its name (`heard` follows). */
  silent?(peer: PeerIdentity): void;
  /** One whole message; the receiver may keep slices of it, and each keeps up to 64 KiB of others alive. */
  message(from: NodeName, message: Buffer): void;
  /** The handshake with this address ended in a refusal, by either side; once for each reason until a link comes up. */
  refused(address: BusAddress, reason: string): void;
  /** Whether this node's cluster has a member of this name; asked when a node of another cluster bears it. */
  isMember?(name: NodeName): boolean;
  /** A member of another cluster has dialled this node as a member of that one; `reason` says what to do. */
  missed?(reason: string): void;
  /** Whether this actor is known to live; asked when another one comes under its name. */
  isAlive?(peer: PeerIdentity): boolean;
  /** More waits on some live link than it can carry away, or no longer. */
  pressure?(on: boolean): void;
}

/** The cluster bus: the `Outbox` port over TCP, and the way in (docs/bus.md). */
export class Bus implements Outbox {
  readonly #options: BusOptions;
  readonly #events: BusEvents;
  readonly #limits: BusLimits;
  readonly #context: SenderContext;
  readonly #listener: Listener;
  readonly #linkHost: LinkHost;
  readonly #links = new Map<string, Link>();
  /** The one link to each peer, from the moment the peer is authenticated. */
  readonly #holders = new Map<NodeName, Link>();
  /** What `send` looks in: the holders that are up. */
  readonly #senders = new Map<NodeName, Sender>();
  readonly #agreements = new Map<NodeName, Agreement>();
  #ticker: NodeJS.Timeout | undefined;
  #lastTickMs = 0;
  #closing = false;
  /** Called when a link ends during `close`. */
  #onRelease: () => void = () => {};

  constructor(options: BusOptions, events: BusEvents) {
    this.#options = options;
    this.#events = events;
    this.#limits = { ...DEFAULT_BUS_LIMITS, ...options.limits };
    this.#context = {
      limits: this.#limits,
      pool: new SlabPool(),
      flushQueue: new FlushQueue(),
      pressure: new Pressure(on => this.#report(() => events.pressure?.(on))),
    };
    this.#listener = new Listener(this.#listenerHost());
    this.#linkHost = this.#makeLinkHost();
  }

  /** Takes the address. @throws the system's error when the address can't be had. */
  async listen(): Promise<BusAddress> {
    const address = await this.#listener.listen(this.#options.listen);
    this.#startTicking();
    return address;
  }

  /** From now on the node can be met: until then whoever calls is turned away without a word, and calls again. */
  open(): void {
    this.#listener.open();
  }

  send(to: NodeName, head: Uint8Array, body?: Uint8Array): boolean {
    return this.#senders.get(to)?.offer(head, body) ?? false;
  }

  /**
   * As `send`, and the message arrives after everything that was sent to this peer before it, long messages included;
   * what is sent after it may pass it. For barriers and watermarks.
   */
  sendOrdered(to: NodeName, head: Uint8Array, body?: Uint8Array): boolean {
    return this.#senders.get(to)?.offerOrdered(head, body) ?? false;
  }

  dial(address: BusAddress): void {
    const key = keyOf(address);
    if (this.#closing || this.#links.has(key)) return;
    this.#startTicking();
    const link = new Link({ host: address.host, port: address.port }, this.#linkHost);
    this.#links.set(key, link);
    link.dial();
  }

  hangUp(address: BusAddress): void {
    const key = keyOf(address);
    const link = this.#links.get(key);
    this.#links.delete(key);
    link?.close();
  }

  /** Bytes that wait for the kernel, on the link to `to` or on all. */
  queuedBytes(to?: NodeName): number {
    if (to !== undefined) return this.#senders.get(to)?.queuedBytes ?? 0;
    let bytes = 0;
    for (const sender of this.#senders.values()) bytes += sender.queuedBytes;
    return bytes;
  }

  /** Whether a live link is too far behind; `pressure` reports the changes. */
  congested(): boolean {
    return this.#context.pressure.on;
  }

  /** What was agreed with a peer that is linked. */
  agreement(to: NodeName): Agreement | undefined {
    return this.#agreements.get(to);
  }

  /** Stops accepting, reading and reporting at once; sends what is queued, until `deadlineMs` from now at most. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#listener.close();
    for (const link of this.#links.values()) link.drain();
    if (this.#holders.size > 0) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, deadlineMs);
        this.#onRelease = () => {
          if (this.#holders.size > 0) return;
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const link of this.#links.values()) link.close();
    clearInterval(this.#ticker);
  }

  #terms(judge: (peer: PeerIdentity) => string | undefined): HandshakeTerms {
    return {
      identity: this.#options.identity(),
      secret: this.#options.secret,
      nonce: randomBytes(NONCE_BYTES),
      offer: this.#options.offer ?? PROTOCOL_OFFER,
      judge,
      clusterId: () => this.#options.identity().clusterId,
      isMember: name => this.#events.isMember?.(name) === true,
    };
  }

  #makeLinkHost(): LinkHost {
    return {
      context: this.#context,
      random: this.#options.random,
      log: this.#options.log,
      terms: judge => this.#terms(judge),
      claim: (link, peer) => this.#claim(link, peer),
      release: (link, peer, wasUp) => this.#release(link, peer, wasUp),
      up: (agreement, sender) => {
        this.#senders.set(agreement.peer.name, sender);
        this.#agreements.set(agreement.peer.name, agreement);
        this.#report(() => this.#events.linkUp(agreement.peer));
      },
      refused: (address, reason) => this.#report(() => this.#events.refused(address, reason)),
    };
  }

  #listenerHost(): ListenerHost {
    return {
      limits: this.#limits,
      log: this.#options.log,
      terms: judge => this.#terms(peer => this.#taken(peer) ?? judge(peer)),
      heard: (peer, before) => this.#heard(peer, before),
      silent: peer => this.#report(() => this.#events.silent?.(peer)),
      message: (from, message) => this.#events.message(from, message),
      missed: reason => this.#report(() => this.#events.missed?.(reason)),
    };
  }

  /**
   * Settles which link is the one to `peer` before it is greeted by name. The newest is, unless the link there is
   * leads to the same actor and moves: replacing that would lose what is under way on it, for nothing.
   */
  #claim(link: Link, peer: PeerIdentity): LinkVerdict | undefined {
    if (peer.actor === this.#options.identity().actor) return 'self';
    const holder = this.#holders.get(peer.name);
    if (holder !== undefined && holder !== link) {
      const moves = (holder.sender?.stalledMs ?? 0) < this.#limits.pressureStallMs;
      if (moves && holder.peer?.actor === peer.actor) return 'covered';
    }
    this.#holders.set(peer.name, link);
    if (holder !== undefined && holder !== link) holder.park(peer.name);
    return undefined;
  }

  #release(link: Link, peer: PeerIdentity, wasUp: boolean): void {
    if (wasUp) {
      this.#senders.delete(peer.name);
      this.#agreements.delete(peer.name);
      this.#report(() => this.#events.linkDown(peer.name));
    }
    if (this.#holders.get(peer.name) !== link) return;
    this.#holders.delete(peer.name);
    if (this.#closing) {
      link.close(); // instead of dialling again
      return this.#onRelease();
    }
    for (const other of this.#links.values()) if (other.behind === peer.name) other.dial();
  }

  /**
   * Why a second process of a name is turned away: our link leads to the first, and that one lives. A process that has
   * ended takes its links with it, so whoever is started again under its name is let in at once.
   */
  #taken({ name, actor }: PeerIdentity): string | undefined {
    const first = this.#agreements.get(name)?.peer;
    if (first === undefined || first.actor === actor || this.#events.isAlive?.(first) !== true) return undefined;
    return nameTaken(first);
  }

  #heard(peer: PeerIdentity, before: PeerIdentity | undefined): void {
    if (before !== undefined && before.actor !== peer.actor) this.#report(() => this.#events.silent?.(before));
    const holder = this.#holders.get(peer.name);
    // The actor that our link led to is no more.
    if (holder !== undefined && holder.peer?.actor !== peer.actor) holder.dial('the peer restarted');
    for (const link of this.#links.values()) if (link.leadsTo(peer)) link.hurry();
    this.#report(() => this.#events.heard(peer));
  }

  /** Calls back when the current callback is over, so that no caller of the bus is called back by it meanwhile. */
  #report(event: () => void): void {
    queueMicrotask(() => {
      if (!this.#closing) event();
    });
  }

  #startTicking(): void {
    if (this.#ticker !== undefined) return;
    this.#lastTickMs = performance.now();
    this.#ticker = setInterval(() => this.#tick(), this.#limits.tickMs).unref();
  }

  #tick(): void {
    const nowMs = performance.now();
    // While this process stood still no receipt could come in: that time says nothing about the peers.
    const elapsedMs = Math.min(nowMs - this.#lastTickMs, this.#limits.tickMs * 2);
    this.#lastTickMs = nowMs;
    this.#listener.tick();
    for (const link of this.#links.values()) link.tick(elapsedMs);
  }
}

function keyOf(address: BusAddress): string {
  return `${address.host}:${address.port}`;
}

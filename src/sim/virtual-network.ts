import { drawFraction } from '../lib/draw.ts';
import type { BusAddress, NodeName, Outbox, PeerIdentity } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import type { MessageFaults } from './message-faults.ts';
import { type Trace, TraceKind } from './trace.ts';
import type { VirtualTime } from './virtual-clock.ts';

/** A running process as the network sees it. Its methods may not be called once it no longer runs. */
export interface Endpoint {
  /** Place of its name among the nodes; the next process of that name has the same. */
  readonly index: number;
  readonly name: NodeName;
  readonly running: boolean;
  identity(): PeerIdentity;
  linkUp(peer: PeerIdentity): void;
  linkDown(peer: NodeName): void;
  heard(peer: PeerIdentity): void;
  receive(from: NodeName, message: Buffer): void;
  /** Does this now, or when a process that stands still goes on. */
  enter(action: () => void): void;
}

/** The way from one process to an address. It outlives what is at that address. */
interface Link {
  readonly from: Endpoint;
  readonly to: number;
  state: 'dialling' | 'waiting' | 'up' | 'closed';
  /** The process it leads to while it is up. */
  peer: Endpoint | undefined;
  /** Number of its present dial among all, so that what belongs to an earlier one is told from what belongs to this. */
  dial: number;
  failures: number;
  /** When the last message in order arrives. */
  busyUntilMs: number;
  /** When the last copy of all that was sent on it arrives. */
  emptyAtMs: number;
}

/** The same as the real bus (`io/bus/limits.ts`), where there is the same. */
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 2_000;
/** A dial that is neither accepted nor refused is given up after so long. */
const DIAL_TIMEOUT_MS = 1_000;
/** The connections of a process that ends are reset about as soon as a message would have arrived. */
const RESET_MS = 20;
/** A link over which nothing comes back is given up after about so long. */
const STALL_MIN_MS = 400;
const STALL_MAX_MS = 4_000;

/**
 * The bus without sockets: ordered links between nodes, one for each direction, and everything that can go wrong with
 * them. Messages are copied when they are sent, and arrive as bytes.
 *
 * What holds as on the real bus: a message reaches only the process that its link was made to, and of two processes of
 * one name the later one's link ends the earlier one's, as a process's later link ends its earlier one. What need not
 * hold here, though TCP gives it: that messages of a link that stays up arrive, once, and in order; and that none arrives
 * when its link has broken and no other is there.
 */
export class VirtualNetwork {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #faults: MessageFaults;
  readonly #trace: Trace;
  readonly #nodes: number;
  readonly #endpoints: (Endpoint | undefined)[];
  /** By sender and receiver. */
  readonly #links: (Link | undefined)[];
  /** Whom a node holds for the bearer of another's name: by receiver and sender, the process whose link is there. */
  readonly #incoming: (Endpoint | undefined)[];
  /** By receiver and sender, the dial of that link. */
  readonly #incomingDial: number[];
  /** How many cuts there are between a sender and a receiver. */
  readonly #cuts: Uint8Array;
  readonly #indexes = new Map<NodeName, number>();
  #dials = 0;
  /** Messages that a cut swallowed. */
  messagesCut = 0;
  messages = 0;

  constructor(nodes: number, time: VirtualTime, random: Random, faults: MessageFaults, trace: Trace) {
    this.#nodes = nodes;
    this.#time = time;
    this.#random = random;
    this.#faults = faults;
    this.#trace = trace;
    this.#endpoints = new Array(nodes).fill(undefined);
    this.#links = new Array(nodes * nodes).fill(undefined);
    this.#incoming = new Array(nodes * nodes).fill(undefined);
    this.#incomingDial = new Array(nodes * nodes).fill(0);
    this.#cuts = new Uint8Array(nodes * nodes);
  }

  /** Where the node of this index listens, whichever process it is. */
  static addressOf(index: number): BusAddress {
    return { host: '10.0.0.1', port: FIRST_PORT + index };
  }

  /** A process has begun to listen. */
  open(endpoint: Endpoint): void {
    this.#endpoints[endpoint.index] = endpoint;
    this.#indexes.set(endpoint.name, endpoint.index);
  }

  /** A process is gone. Those linked to it notice at once, or, when the whole machine is gone, only by its silence. */
  close(endpoint: Endpoint, silently: boolean): void {
    const { index } = endpoint;
    this.#endpoints[index] = undefined;
    for (let other = 0; other < this.#nodes; other++) {
      const out = this.#linkBetween(index, other);
      if (out !== undefined) out.state = 'closed';
      this.#links[index * this.#nodes + other] = undefined;
      const link = this.#linkBetween(other, index);
      if (link?.peer === endpoint) this.#breakLater(link, silently ? this.#stallMs() : this.#fraction() * RESET_MS);
    }
  }

  /** From now on nothing that `from` sends reaches `to`. Cuts add up. */
  cut(from: number, to: number): void {
    this.#cuts[from * this.#nodes + to]!++;
    for (const link of [this.#linkBetween(from, to), this.#linkBetween(to, from)]) {
      if (link?.state === 'up' && (link.from.index === from || this.#fraction() < 0.5)) {
        this.#breakLater(link, this.#stallMs());
      }
    }
  }

  mend(from: number, to: number): void {
    this.#cuts[from * this.#nodes + to]!--;
  }

  /** Whether a link from one node to the other is up, to the process that runs there now. */
  isLinked(from: number, to: number): boolean {
    const link = this.#linkBetween(from, to);
    return link?.state === 'up' && link.peer === this.#endpoints[to];
  }

  outboxOf(endpoint: Endpoint): Outbox {
    return {
      send: (to, head, body) => this.#send(endpoint, to, head, body, false),
      sendOrdered: (to, head, body) => this.#send(endpoint, to, head, body, true),
      dial: address => this.#dial(endpoint, address.port - FIRST_PORT),
      hangUp: address => this.#hangUp(endpoint, address.port - FIRST_PORT),
    };
  }

  #send(from: Endpoint, to: NodeName, head: Uint8Array, body: Uint8Array | undefined, isLast: boolean): boolean {
    const index = this.#indexes.get(to);
    const link = index === undefined ? undefined : this.#linkBetween(from.index, index);
    if (link?.state !== 'up' || !from.running) return false;
    this.messages++;
    const { delaysMs, inOrder } = this.#faults.fate();
    const isCut = this.#isCut(from.index, link.to);
    if (isCut) this.messagesCut++;
    if (isCut || delaysMs.length === 0) {
      this.#trace.note(TraceKind.lost, this.#time.nowMs, from.index, link.to);
      return true;
    }
    const message = copyOf(head, body);
    const receiver = link.peer!;
    const { dial } = link;
    for (const [copy, delayMs] of delaysMs.entries()) {
      let arrivalMs = this.#time.nowMs + delayMs;
      if (isLast) arrivalMs = Math.max(arrivalMs, link.emptyAtMs);
      // Neither a copy nor what waits for all before it keeps those waiting that come after.
      if (inOrder && copy === 0 && !isLast) {
        arrivalMs = Math.max(arrivalMs, link.busyUntilMs);
        link.busyUntilMs = arrivalMs;
      }
      link.emptyAtMs = Math.max(link.emptyAtMs, arrivalMs);
      this.#time.at(arrivalMs, () => this.#arrive(from, dial, receiver, message));
    }
    return true;
  }

  #arrive(from: Endpoint, dial: number, to: Endpoint, message: Buffer): void {
    const at = to.index * this.#nodes + from.index;
    if (!to.running || this.#incoming[at] !== from || this.#incomingDial[at] !== dial) return;
    this.#trace.note(TraceKind.message, this.#time.nowMs, from.index, to.index, message);
    to.receive(from.name, message);
  }

  #dial(from: Endpoint, to: number): void {
    if (to === from.index || to < 0 || to >= this.#nodes || this.#linkBetween(from.index, to) !== undefined) return;
    const link: Link = {
      from,
      to,
      state: 'waiting',
      peer: undefined,
      dial: 0,
      failures: 0,
      busyUntilMs: 0,
      emptyAtMs: 0,
    };
    this.#links[from.index * this.#nodes + to] = link;
    this.#dialNow(link);
  }

  #hangUp(from: Endpoint, to: number): void {
    const link = this.#linkBetween(from.index, to);
    if (link === undefined) return;
    this.#links[from.index * this.#nodes + to] = undefined;
    const { peer, state } = link;
    link.state = 'closed';
    if (state === 'up') this.#time.in(0, () => from.enter(() => from.linkDown(peer!.name)));
  }

  /** A handshake of three messages: hello, answer, identity; a fourth, the welcome, brings the link up. */
  #dialNow(link: Link): void {
    link.state = 'dialling';
    const dial = ++this.#dials;
    link.dial = dial;
    const underWayMs = 3 * this.#faults.latencyMs();
    this.#time.in(underWayMs, () => this.#greet(link, dial));
    this.#time.in(DIAL_TIMEOUT_MS, () => this.#failed(link, dial));
  }

  #greet(link: Link, dial: number): void {
    if (link.state !== 'dialling' || link.dial !== dial || !link.from.running) return;
    const { from, to } = link;
    if (this.#isCut(from.index, to) || this.#isCut(to, from.index)) return;
    const peer = this.#endpoints[to];
    if (peer === undefined) return this.#failed(link, dial);
    peer.enter(() => {
      if (link.state !== 'dialling' || link.dial !== dial || !from.running) return;
      if (isRefused(from.identity(), peer.identity())) return this.#failed(link, dial);
      this.#accept(peer, from, dial);
      this.#time.in(this.#faults.latencyMs(), () => this.#welcome(link, dial, peer));
    });
  }

  /** The dialled side knows who dials: an earlier process of that name is no more. */
  #accept(peer: Endpoint, from: Endpoint, dial: number): void {
    const at = peer.index * this.#nodes + from.index;
    this.#incoming[at] = from;
    this.#incomingDial[at] = dial;
    const back = this.#linkBetween(peer.index, from.index);
    if (back?.state === 'up' && back.peer !== from) this.#break(back);
    if (back?.state === 'waiting') this.#dialNow(back);
    this.#trace.note(TraceKind.heard, this.#time.nowMs, from.index, peer.index);
    const identity = from.identity();
    this.#time.in(0, () => peer.enter(() => peer.heard(identity)));
  }

  #welcome(link: Link, dial: number, peer: Endpoint): void {
    if (link.state !== 'dialling' || link.dial !== dial || !link.from.running) return;
    if (!peer.running) return this.#failed(link, dial);
    link.from.enter(() => {
      if (link.state !== 'dialling' || link.dial !== dial) return;
      if (!peer.running) return this.#failed(link, dial);
      link.state = 'up';
      link.peer = peer;
      link.failures = 0;
      link.busyUntilMs = this.#time.nowMs;
      link.emptyAtMs = this.#time.nowMs;
      this.#trace.note(TraceKind.linkUp, this.#time.nowMs, link.from.index, link.to);
      link.from.linkUp(peer.identity());
    });
  }

  #failed(link: Link, dial: number): void {
    if (link.state !== 'dialling' || link.dial !== dial) return;
    link.state = 'waiting';
    const longestMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** link.failures++);
    this.#time.in(this.#fraction() * longestMs, () => {
      if (link.state === 'waiting' && link.dial === dial && link.from.running) this.#dialNow(link);
    });
  }

  /** The sender gives the link up when a while has passed, unless it is another link by then, or the cut is mended. */
  #breakLater(link: Link, delayMs: number): void {
    const { dial } = link;
    this.#time.in(delayMs, () => {
      if (link.state !== 'up' || link.dial !== dial || !link.from.running) return;
      const { from, to, peer } = link;
      if (peer!.running && !this.#isCut(from.index, to) && !this.#isCut(to, from.index)) return;
      this.#break(link);
    });
  }

  #break(link: Link): void {
    const { from, peer } = link;
    link.state = 'waiting';
    link.peer = undefined;
    this.#trace.note(TraceKind.linkDown, this.#time.nowMs, from.index, link.to);
    const { name } = peer!;
    this.#time.in(0, () => from.enter(() => from.linkDown(name)));
    const { dial } = link;
    this.#time.in(this.#fraction() * BACKOFF_MIN_MS, () => {
      if (link.state === 'waiting' && link.dial === dial && from.running) this.#dialNow(link);
    });
  }

  #linkBetween(from: number, to: number): Link | undefined {
    return this.#links[from * this.#nodes + to];
  }

  #isCut(from: number, to: number): boolean {
    return this.#cuts[from * this.#nodes + to] !== 0;
  }

  #stallMs(): number {
    return STALL_MIN_MS + (STALL_MAX_MS - STALL_MIN_MS) * this.#fraction();
  }

  #fraction(): number {
    return drawFraction(this.#random);
  }
}

const FIRST_PORT = 10_000;

/** As the real handshake: nodes of two founded clusters are strangers. */
function isRefused(a: PeerIdentity, b: PeerIdentity): boolean {
  return a.clusterId !== '' && b.clusterId !== '' && a.clusterId !== b.clusterId;
}

function copyOf(head: Uint8Array, body: Uint8Array | undefined): Buffer {
  const copy = Buffer.allocUnsafe(head.length + (body?.length ?? 0));
  copy.set(head);
  if (body !== undefined) copy.set(body, head.length);
  return copy;
}

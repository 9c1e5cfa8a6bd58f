import type { BusAddress, NodeName, PeerIdentity } from '../ports/outbox.ts';
import { compareNames, MAX_MEMBERS } from './cluster.ts';
import type { CandidateAddress } from './founding-messages.ts';

/** A peer that this node has met on a link in either direction, as the process it was last met as. */
export interface Candidate {
  identity: PeerIdentity;
  /** Messages to it can be sent. */
  linked: boolean;
  /** When it last said hello as this process; undefined before. */
  helloMs: number | undefined;
  /** It belongs to a cluster. */
  founded: boolean;
  /** That cluster does not know this node. */
  refused: boolean;
  /** When it is to be sent a hello next. */
  nextHelloMs: number;
  /** Version of the candidate list that it was sent last, and when. */
  listSent: number;
  listSentMs: number;
}

/** A candidate that said nothing, or that nobody spoke of, for so long does not hold anything up any more. */
const FRESH_MS = 5_000;

interface Rumoured {
  readonly address: BusAddress;
  readonly heardMs: number;
}

/** Whom an unfounded node knows: peers met on links, and names that those peers have met. */
export class Candidates {
  readonly #self: PeerIdentity;
  readonly #met = new Map<NodeName, Candidate>();
  readonly #rumoured = new Map<NodeName, Rumoured>();
  #version = 1;

  constructor(self: PeerIdentity) {
    this.#self = self;
  }

  /** Rises when `addresses` changes. */
  get version(): number {
    return this.#version;
  }

  all(): Iterable<Candidate> {
    return this.#met.values();
  }

  of(name: NodeName): Candidate | undefined {
    return this.#met.get(name);
  }

  /** A link to or from this peer was made; what was known of another process of its name is forgotten. */
  meet(identity: PeerIdentity): Candidate | undefined {
    if (identity.name === this.#self.name) return undefined;
    const known = this.#met.get(identity.name);
    if (known !== undefined && known.identity.actor === identity.actor) {
      known.identity = identity;
      known.founded ||= identity.clusterId !== '';
      return known;
    }
    if (known === undefined && this.#met.size >= MAX_MEMBERS) return undefined;
    const candidate: Candidate = {
      identity,
      linked: false,
      helloMs: undefined,
      founded: identity.clusterId !== '',
      refused: false,
      nextHelloMs: 0,
      listSent: 0,
      listSentMs: 0,
    };
    this.#met.set(identity.name, candidate);
    this.#version++;
    return candidate;
  }

  /** The link to this peer went up or down. */
  setLinked(name: NodeName, linked: boolean): void {
    const candidate = this.#met.get(name);
    if (candidate === undefined || candidate.linked === linked) return;
    candidate.linked = linked;
    candidate.nextHelloMs = 0;
    this.#version++;
  }

  /** @returns whether this address is news and worth dialling. */
  hearOf([name, host, port]: CandidateAddress, nowMs: number): boolean {
    if (name === this.#self.name || this.#met.get(name)?.linked) return false;
    const known = this.#rumoured.get(name);
    if (known === undefined && this.#rumoured.size >= MAX_MEMBERS) return false;
    this.#rumoured.set(name, { address: { host, port }, heardMs: nowMs });
    return known?.address.host !== host || known.address.port !== port;
  }

  /** Those that this node can vouch for, for others to dial. */
  addresses(): CandidateAddress[] {
    const linked = [...this.#met.values()].filter(candidate => candidate.linked && !candidate.founded);
    return linked.map(({ identity: { name, bus } }) => [name, bus.host, bus.port]);
  }

  /** Unfounded candidates with whom messages go both ways, by name; this node itself is not among them. */
  ready(nowMs: number): Candidate[] {
    return [...this.#met.values()]
      .filter(candidate => candidate.linked && !candidate.founded && isFresh(candidate.helloMs, nowMs))
      .sort((a, b) => compareNames(a.identity.name, b.identity.name));
  }

  /** Unfounded candidates that this node has met and that seem to be there, ready or not. */
  present(nowMs: number): NodeName[] {
    return [...this.#met.values()]
      .filter(({ linked, helloMs, founded }) => !founded && (linked || isFresh(helloMs, nowMs)))
      .map(({ identity }) => identity.name);
  }

  /** Whether somebody seems to be there, by this node's or others' account, who is not ready yet. */
  awaitsOthers(nowMs: number): boolean {
    if (this.present(nowMs).length > this.ready(nowMs).length) return true;
    for (const [name, { heardMs }] of this.#rumoured) if (!this.#met.has(name) && isFresh(heardMs, nowMs)) return true;
    return false;
  }

  /** A peer of which this node knows that it belongs to a cluster. */
  founded(): Candidate | undefined {
    for (const candidate of this.#met.values()) if (candidate.founded) return candidate;
    return undefined;
  }
}

function isFresh(sinceMs: number | undefined, nowMs: number): boolean {
  return sinceMs !== undefined && nowMs - sinceMs <= FRESH_MS;
}

import { assert } from '../lib/assert.ts';
import { drawHex } from '../lib/draw.ts';
import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import { type Candidate, Candidates } from './candidates.ts';
import { type ClusterIdentity, clusterMember } from './cluster.ts';
import type { FoundingBody, FoundingMessage, NamedActor, ProposalId } from './founding-messages.ts';
import type { FoundingOptions, FoundingPorts } from './founding-ports.ts';
import { HeldPromise } from './held-promise.ts';
import { Proposal } from './proposal.ts';
import { foundingTopology, isMember, type Topology } from './topology.ts';

export type { FoundingEvent, FoundingOptions, FoundingPorts } from './founding-ports.ts';

/** How often hellos, and proposals and promises without an answer, are repeated. */
const REPEAT_MS = 500;
/** How often a list of candidates that did not change is repeated. */
const LIST_MS = 2_000;
/** How often a node that was refused asks again. */
const REFUSED_REPEAT_MS = 10_000;
/** The candidates must not have changed for so long before they are proposed. */
const SETTLE_MS = 300;
/** How long a proposer waits for somebody who seems to be there but is not ready. */
const AWAIT_MS = 10_000;
/** A proposal that was not agreed on by then is withdrawn. */
const PROPOSAL_MS = 5_000;
/**
 * Founding: one cluster out of a set of nodes that find each other, and the way into it for a node that comes back.
 *
 * Unfounded nodes say hello to each other and pass on whom they know. The smallest name of those that have met,
 * once there are `expectNodes`, proposes to found a cluster of exactly these, and does so when all of them agreed:
 *
 *     proposer                 every other candidate
 *     propose(n, members) ──▶  binds itself to (proposer's actor, n), if it is not bound, not founded, knows
 *                         ◀──  no cluster, and no smaller name that is left out: promise(n)
 *     all promised: founds,
 *     welcome(cluster)    ──▶  adopts it
 *
 * A bound node promises nothing else. It is released by the proposer's withdrawal (of this number or a greater; the
 * proposer can never found by that number afterwards) and by meeting another actor of the proposer's name, for the
 * proposal died with the former. By time it is never released; it goes on asking its proposer what became of it.
 * A welcome is adopted by a node that is bound to its proposal, or that asked for it: with a nonce, which is drawn anew
 * at each promise, so that what was asked for before a promise is void after it.
 *
 * **Never two clusters, when every proposal lists the whole set (`expectNodes` = its size), whatever restarts.**
 * Nothing is on disk: a process that restarts has forgotten its promise and its cluster. But a proposal lists
 * processes (actors), not names. Let T be the moment at which a proposal that founds a cluster was made. Each listed
 * process had been met before T and promised after T, so all of them ran at T; and none had a cluster when it
 * promised, so none had one at T. A cluster founded before T thus lived nowhere at T. Nor does it come back: messages
 * name the process they are meant for, so its welcomes still under way at T are for processes that are dead, or that
 * adopt one before they promise and then never do, or that have promised and take it no more. A cluster that is
 * founded later is made by a later process of the same, smallest name, and the same holds the other way round.
 *
 * **Nor with more than half of the set (`expectNodes` > size / 2), as long as no process restarts between its promise
 * and the welcome.** Any two proposals share a candidate. If both found a cluster it promised both, so it was released
 * from the first: by a withdrawal, after which that one cannot found, or by a restart of the proposer, which promises
 * itself and so is excluded here. A candidate that forgot its promise, and meets nobody who knows of it, cannot be
 * told from one that never promised; without a disk only `expectNodes` = size is safe from that. Up to half nothing is
 * promised: two halves may each found.
 *
 * **One always comes about once messages flow:** all meet all through the lists, so only the smallest name proposes;
 * what others proposed they withdraw when they meet a smaller name. A proposer that never comes back while its
 * proposal is open blocks those bound to it (two-phase commit's limit), as it must: it may have founded. They remain
 * free to be admitted by a cluster that exists.
 *
 * A founded node answers a hello with `welcome` if the *name* is on its member list. Of another it asks the placement group to let it
 * join, and answers `wait`, until the name is on the list; or `refused` if the group will not have it.
 */
export class Founding {
  readonly #options: FoundingOptions;
  readonly #ports: FoundingPorts;
  readonly #candidates: Candidates;
  #nowMs = 0;
  #cluster: ClusterIdentity | undefined;
  /** The proposal that founded the cluster, and who had promised it. */
  #origin: { readonly proposal: ProposalId; readonly founders: readonly NamedActor[] } | undefined;
  readonly #promise = new HeldPromise();
  #nextRepeatMs = 0;
  #proposal: Proposal | undefined;
  #lastNumber = 0;
  /** Goes with each hello; only what answers the current one admits. */
  #nonce: string;
  /** Who would be proposed, and since when it is these and somebody was waited for. */
  #settling = { key: '', sinceMs: 0, awaitingSinceMs: 0 };
  readonly #refusals = new Set<string>();
  /** A cluster has said that it will have this node. */
  #isJoining = false;

  constructor(options: FoundingOptions, ports: FoundingPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#candidates = new Candidates(options.self);
    this.#nonce = drawHex(ports.random, 8);
  }

  /** The cluster this node belongs to. */
  get cluster(): ClusterIdentity | undefined {
    return this.#cluster;
  }

  /** Candidates that would be proposed, this node included. */
  get seen(): number {
    return 1 + this.#candidates.ready(this.#nowMs).length;
  }

  /** To be called about every 100 ms. */
  tick(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    if (this.#cluster !== undefined) return;
    if (this.#options.alone && this.#candidates.founded() === undefined) return this.#propose([]);
    this.#sayHello();
    if (this.#proposal !== undefined) this.#reconsider(this.#proposal);
    else if (this.#promise.isFree) this.#maybePropose();
    this.#repeat();
  }

  /** A message of `from`, as `parseFoundingMessage` let it through. */
  receive(from: NodeName, message: FoundingMessage, nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const peer = this.#candidates.of(from);
    if (peer === undefined || message.from !== peer.identity.actor || message.to !== this.#options.self.actor) return;
    switch (message.type) {
      case 'hello':
        return this.#hello(peer, message);
      case 'propose':
        return this.#proposed(peer, message.number, message.members);
      case 'promise':
        return this.#promised(peer, message.number);
      case 'withdraw':
        return this.#promise.withdrawn(message.from, message.number);
      case 'welcome':
        return this.#welcomed(peer, message);
      case 'wait':
        return this.#toldToWait(peer, message);
      case 'refused':
        return this.#refused(peer, message);
    }
  }

  /** Messages to this peer can be sent from now on. */
  linkUp(peer: PeerIdentity): void {
    this.#meet(peer);
    this.#candidates.setLinked(peer.name, true);
    if (this.#cluster === undefined) this.#sayHello();
  }

  /** The link to this peer broke. It may still live: nothing that was promised to it or by it is off. */
  linkDown(name: NodeName): void {
    this.#candidates.setLinked(name, false);
  }

  /** This peer made a link to us; comes before its first message. */
  heard(peer: PeerIdentity): void {
    const candidate = this.#meet(peer);
    if (candidate?.linked === false) this.#ports.dial(peer.bus);
  }

  /** Every message names the process it is meant for. */
  #send(name: NodeName, body: FoundingBody): boolean {
    const peer = this.#candidates.of(name);
    if (peer === undefined || !peer.linked) return false;
    return this.#ports.send(name, { from: this.#options.self.actor, to: peer.identity.actor, ...body });
  }

  #meet(peer: PeerIdentity): Candidate | undefined {
    this.#promise.met(peer);
    return this.#candidates.meet(peer);
  }

  // Finding each other

  #sayHello(): void {
    for (const peer of this.#candidates.all()) {
      if (!peer.linked || this.#nowMs < peer.nextHelloMs) continue;
      peer.nextHelloMs = this.#nowMs + (peer.refused ? REFUSED_REPEAT_MS : REPEAT_MS);
      const withList = peer.listSent !== this.#candidates.version || this.#nowMs - peer.listSentMs >= LIST_MS;
      const hello = { type: 'hello', nonce: this.#nonce, replaces: this.#options.replaces } as const;
      const { name } = peer.identity;
      const sent = this.#send(name, withList ? { ...hello, candidates: this.#candidates.addresses() } : hello);
      if (!sent || !withList) continue;
      peer.listSent = this.#candidates.version;
      peer.listSentMs = this.#nowMs;
    }
  }

  #hello(peer: Candidate, message: FoundingMessage & { type: 'hello' }): void {
    if (this.#cluster !== undefined) return this.#admit(peer, message);
    peer.helloMs = this.#nowMs;
    for (const candidate of message.candidates ?? [])
      if (this.#candidates.hearOf(candidate, this.#nowMs)) this.#ports.dial({ host: candidate[1], port: candidate[2] });
  }

  // The proposer's side

  #maybePropose(): void {
    const { self, expectNodes } = this.#options;
    const others = this.#candidates.ready(this.#nowMs);
    const isSmallest = others.every(({ identity }) => self.name < identity.name);
    const isEligible = others.length + 1 >= expectNodes && isSmallest && this.#candidates.founded() === undefined;
    const key = isEligible ? others.map(({ identity }) => identity.actor).join() || '-' : '';
    const settling = this.#settling;
    if (settling.key === '') settling.awaitingSinceMs = this.#nowMs;
    if (settling.key !== key) Object.assign(settling, { key, sinceMs: this.#nowMs });
    if (!isEligible || this.#nowMs - settling.sinceMs < SETTLE_MS) return;
    const isPatient = this.#nowMs - settling.awaitingSinceMs < AWAIT_MS;
    if (!isPatient || !this.#candidates.awaitsOthers(this.#nowMs)) this.#propose(others);
  }

  #propose(others: readonly Candidate[]): void {
    const { self } = this.#options;
    const number = ++this.#lastNumber;
    this.#proposal = new Proposal(number, [self, ...others.map(({ identity }) => identity)], this.#nowMs);
    this.#give(self, number);
    if (this.#proposal.isAgreed) this.#found(this.#proposal);
    else this.#ask(this.#proposal);
  }

  /** Gives the proposal up when it is not what would be proposed now, or takes too long. */
  #reconsider(proposal: Proposal): void {
    const others = this.#candidates.ready(this.#nowMs);
    const isCurrent =
      this.#nowMs - proposal.startedMs < PROPOSAL_MS &&
      this.#candidates.founded() === undefined &&
      others.length + 1 === proposal.members.length &&
      others.every(({ identity }, i) => identity.actor === proposal.members[i + 1]!.actor);
    if (!isCurrent) this.#withdraw(proposal);
  }

  #withdraw(proposal: Proposal): void {
    assert(this.#cluster === undefined, 'Cannot withdraw a proposal: a cluster was founded by it');
    this.#proposal = undefined;
    this.#promise.release();
    for (const { name } of proposal.members.slice(1)) this.#send(name, { type: 'withdraw', number: proposal.number });
  }

  #ask(proposal: Proposal): void {
    const { number } = proposal;
    const members = proposal.namedActors();
    for (const name of proposal.missing) this.#send(name, { type: 'propose', number, members });
  }

  /** Somebody is bound to a proposal of this process and says so, also to ask what became of it. */
  #promised(peer: Candidate, number: number): void {
    const { name } = peer.identity;
    const proposal = this.#proposal;
    if (proposal?.number === number) {
      proposal.promisedBy(peer.identity);
      if (proposal.isAgreed) this.#found(proposal);
    } else if (this.#origin?.proposal.actor === this.#options.self.actor && this.#origin.proposal.number === number)
      this.#send(name, this.#welcome(''));
    else this.#send(name, { type: 'withdraw', number });
  }

  #found(proposal: Proposal): void {
    const { random } = this.#ports;
    const cluster: ClusterIdentity = {
      id: drawHex(random, 16),
      hashKey: [random.uint32(), random.uint32()],
      topology: foundingTopology(proposal.members.map(clusterMember)),
    };
    const { actor } = this.#options.self;
    const founders = proposal.namedActors();
    this.#join(cluster, { proposal: { actor, number: proposal.number }, founders });
    this.#ports.event({ type: 'founded', cluster, founders });
    for (const { name } of proposal.members.slice(1)) this.#send(name, this.#welcome(''));
  }

  // The other candidates' side

  #proposed(proposer: Candidate, number: number, members: readonly NamedActor[]): void {
    if (this.#cluster !== undefined) return;
    const { name, actor } = proposer.identity;
    if (this.#promise.isOf({ actor, number })) return void this.#send(name, { type: 'promise', number });
    if (this.#promise.isPast({ actor, number })) return;
    this.#promise.withdrawn(actor, number - 1);
    if (!this.#isAgreeable(proposer, members)) return;
    if (this.#proposal !== undefined) this.#withdraw(this.#proposal);
    if (!this.#promise.isFree) return;
    this.#give(proposer.identity, number);
    this.#send(name, { type: 'promise', number });
  }

  /** Whether this node could promise such a proposal, if it were not bound to another's. */
  #isAgreeable(proposer: Candidate, members: readonly NamedActor[]): boolean {
    const { self, expectNodes } = this.#options;
    const { name, actor } = proposer.identity;
    const actors = new Map(members);
    const leftOut = (candidate: NodeName) => candidate < name && !actors.has(candidate);
    return (
      members.length >= expectNodes &&
      actors.get(self.name) === self.actor &&
      actors.get(name) === actor &&
      members.every(([member]) => member >= name) &&
      this.#candidates.founded() === undefined &&
      !this.#candidates.present(this.#nowMs).some(leftOut)
    );
  }

  /** Promises, also to itself. What was asked for before is void from now on. */
  #give({ name, actor }: PeerIdentity, number: number): void {
    this.#promise.give({ proposer: name, actor, number });
    this.#nonce = drawHex(this.#ports.random, 8);
    this.#nextRepeatMs = this.#nowMs + REPEAT_MS;
  }

  /** Asks again for what is outstanding: answers to the own proposal, or the outcome of another's. */
  #repeat(): void {
    const held = this.#promise.held;
    if (held === undefined || this.#nowMs < this.#nextRepeatMs) return;
    this.#nextRepeatMs = this.#nowMs + REPEAT_MS;
    if (this.#proposal !== undefined) this.#ask(this.#proposal);
    else this.#send(held.proposer, { type: 'promise', number: held.number });
  }

  // Admission

  #admit(peer: Candidate, { nonce, replaces }: FoundingMessage & { type: 'hello' }): void {
    const { name } = peer.identity;
    if (isMember(this.#cluster!.topology, name)) return void this.#send(name, this.#welcome(nonce));
    const reason = this.#ports.join(peer.identity, replaces);
    this.#send(name, reason === undefined ? { type: 'wait', nonce } : { type: 'refused', nonce, reason });
  }

  /** This node is of a cluster, as its disk says. Who took part in founding it is of no interest any more. */
  restore(cluster: ClusterIdentity): void {
    this.#join(cluster, { proposal: { actor: this.#options.self.actor, number: 0 }, founders: [] });
  }

  /** The founded cluster has come to a later epoch. */
  follow(topology: Topology): void {
    if (this.#cluster !== undefined) this.#cluster = { ...this.#cluster, topology };
  }

  #welcome(nonce: string): FoundingBody {
    return { type: 'welcome', nonce, cluster: this.#cluster!, ...this.#origin! };
  }

  #welcomed(peer: Candidate, message: FoundingMessage & { type: 'welcome' }): void {
    peer.founded = true;
    const { cluster, proposal, founders, nonce } = message;
    const { name, actor } = this.#options.self;
    const isAwaited = nonce === this.#nonce || this.#promise.isOf(proposal);
    if (this.#cluster !== undefined || !isAwaited || !isMember(cluster.topology, name)) return;
    this.#join(cluster, { proposal, founders });
    const returning = !founders.some(founder => founder[0] === name && founder[1] === actor);
    this.#ports.event({ type: 'admitted', cluster, founders, returning });
  }

  #toldToWait(peer: Candidate, { nonce }: FoundingMessage & { type: 'wait' }): void {
    peer.founded = true;
    if (this.#cluster !== undefined || nonce !== this.#nonce || this.#isJoining) return;
    this.#isJoining = true;
    this.#ports.event({ type: 'joining', by: peer.identity.name });
  }

  #refused(peer: Candidate, { nonce, reason }: FoundingMessage & { type: 'refused' }): void {
    peer.founded = true;
    if (this.#cluster !== undefined || nonce !== this.#nonce) return;
    peer.refused = true;
    if (this.#refusals.has(reason) || this.#refusals.size >= 64) return;
    this.#refusals.add(reason);
    this.#ports.event({ type: 'refused', by: peer.identity.name, reason });
  }

  #join(cluster: ClusterIdentity, origin: { proposal: ProposalId; founders: readonly NamedActor[] }): void {
    assert(this.#cluster === undefined, 'Cannot join a cluster: this node belongs to one');
    this.#cluster = cluster;
    this.#origin = origin;
    this.#proposal = undefined;
    this.#promise.release();
  }
}

import { drawBelow, drawChance } from '../lib/draw.ts';
import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import { Beliefs } from './beliefs.ts';
import { ClockJudge, type ClockVerdict } from './clock-judge.ts';
import type { ClusterMember } from './cluster.ts';
import { LocalHealth } from './health.ts';
import { eventsBetween, type Member, type MemberStatus, type MembershipEvent } from './member.ts';
import { ProbeOrder } from './probe-order.ts';
import { Prober } from './prober.ts';
import { RumourQueue } from './rumour-queue.ts';
import type { Rumour, SwimMessage } from './swim-messages.ts';
import { freshClockMs, LAN_TIMINGS, retransmitLimit, type SwimTimings } from './swim-options.ts';

export interface SwimOptions {
  /** This node as its cluster knows it, with the cluster's id. */
  readonly self: PeerIdentity;
  /** Wall time at which this actor started, Unix ms: the least generation it will bear. */
  readonly startedAtMs: number;
  /** The cluster's member list, with or without this node. Rumours about anyone else are ignored. */
  readonly members: readonly ClusterMember[];
  /** What differs from `LAN_TIMINGS`. */
  readonly timings?: Partial<SwimTimings>;
}

export interface SwimPorts {
  readonly random: Random;
  /** This node's wall clock, Unix ms: shown in acks, and judged by those of the others. */
  wallMs(): number;
  /** The time of the latest stamp that this node has issued or taken in, Unix ms. */
  latestMs(): number;
  /** @returns false when the message was provably not sent. */
  send(to: NodeName, message: SwimMessage): boolean;
  event(event: MembershipEvent): void;
}

/**
 * SWIM group membership (A. Das, I. Gupta, A. Motivala, 2002) with Lifeguard (A. Dadgar, J. Phillips, J. Currey, 2018)
 * for a member list that is fixed: it says who of the members is there, never who is a member.
 *
 * Each period a node pings one member; when no ack comes it asks k others to ping; when that brings nothing either it
 * spreads the suspicion. A suspect that hears of it contradicts with a greater refutation number. A suspicion that
 * stands for its timeout becomes a death, which a refutation undoes just as well. What changes spreads as rumours, on
 * the probes and, as long as there is any, by itself. What one believes of a member is the greatest of all beliefs
 * heard (`member.ts`), so the order of messages never matters, and a lost one only costs time.
 *
 * Beyond the papers:
 * - A link that broke, or another's suspicion, moves a member to the head of the probe order. About 3k members follow
 *   another's suspicion, however many there are, so that it finds its k confirmations, or the suspect its chance to
 *   contradict, at once instead of whenever their turn comes.
 * - A suspect, or one held for dead, hears so first, in whatever it is sent (Lifeguard's buddy system).
 * - Push-pull starts with a digest, and equal members exchange nothing more.
 * - Dead and unknown members are offered a digest now and then, and everyone is on link up: a death in error, or a
 *   partition that has ended, heals by refutation.
 * - What a node says of itself rides on its pings to each member until that one has answered one of them: a rumour that
 *   was lost does not leave it, say, passed over as a coordinator.
 * - Acks show the wall clock, by which each node judges its own (`clock-judge.ts`). Until it can, it probes each member
 *   as soon as it hears of it.
 * - A node whose own calls come late does not hold the missing time against others: all its deadlines move by it.
 *
 * All times are monotonic milliseconds of the caller.
 */
export class Swim {
  readonly #timings: SwimTimings;
  readonly #ports: SwimPorts;
  readonly #beliefs: Beliefs;
  readonly #rumours = new RumourQueue();
  readonly #health: LocalHealth;
  readonly #order: ProbeOrder;
  /** Also round-robin, so that a few members hear of a rumour for sure and not twice while others don't. */
  readonly #gossipOrder: ProbeOrder;
  readonly #prober: Prober;
  readonly #clocks: ClockJudge;
  /** Time of the last call; undefined before the first. */
  #nowMs: number | undefined;
  #nextGossipMs = 0;
  #nextPushPullMs = 0;
  #nextLostProbeMs = 0;
  /** Digests that may yet be offered on link up before `#allowanceEndsMs`; it bounds what the answers amount to. */
  #allowance = 0;
  #allowanceEndsMs = 0;
  #lagCountsFromMs = 0;
  /** The sender of the message being received believes of this node what it has contradicted. */
  #outdated = false;
  /** Members that have answered a ping with what this node says of itself since `#selfRaisedMs`. */
  readonly #toldOfSelf = new Set<NodeName>();
  #selfRaisedMs = Number.NEGATIVE_INFINITY;
  /** Members that were set right since the last tick. */
  readonly #setRight = new Set<NodeName>();

  constructor(options: SwimOptions, ports: SwimPorts) {
    this.#timings = { ...LAN_TIMINGS, ...options.timings };
    this.#ports = ports;
    this.#health = new LocalHealth(this.#timings.maxHealthScore);
    this.#order = new ProbeOrder(ports.random);
    this.#gossipOrder = new ProbeOrder(ports.random);
    this.#prober = new Prober(this.#timings, this.#health, this.#order, {
      probeable: name => this.#isThere(name),
      helpful: name => this.statusOf(name) === 'alive',
      ping: (to, seq) => this.#sendPing(to, seq),
      pingRequest: (to, seq, target) => this.#sendNews(to, rumours => ({ type: 'ping-req', seq, target, rumours })),
      ack: (to, seq) => this.#sendAck(to, seq),
      nack: (to, seq) => ports.send(to, { type: 'nack', seq }),
      unreachable: target => this.#beliefs.suspect(target, this.#nowMs!),
    });
    this.#clocks = new ClockJudge({
      maxDriftMs: this.#timings.maxClockDriftMs,
      freshMs: members => freshClockMs(this.#timings, members),
    });
    this.#beliefs = new Beliefs(options.self, options.startedAtMs, this.#timings, {
      changed: (before, after) => this.#changed(before, after),
      confirmed: name => this.#rumours.put(name),
      ask: name => this.#ports.send(name, { type: 'gossip', rumours: this.#betweenUs(name) }),
      outdated: () => {
        this.#outdated = true;
      },
      selfRaised: contradicts => this.#selfRaised(contradicts),
      superseded: member => ports.event({ type: 'superseded', member, nowMs: this.#nowMs ?? 0 }),
    });
    this.setMembers(options.members);
  }

  /** The beliefs about all members, this node among them. */
  members(): Iterable<Member> {
    return this.#beliefs.all();
  }

  memberOf(name: NodeName): Member | undefined {
    return this.#beliefs.of(name);
  }

  /** Whether a later actor of its name has taken this one's place. */
  isFormer(peer: Pick<PeerIdentity, 'name' | 'actor'>): boolean {
    return this.#beliefs.isFormer(peer);
  }

  /** `unknown` also for a name that is not in the member list. */
  statusOf(name: NodeName): MemberStatus {
    return this.#beliefs.of(name)?.status ?? 'unknown';
  }

  /** How far this node mistrusts itself: 0, not at all, to `maxHealthScore`. */
  get healthScore(): number {
    return this.#health.score;
  }

  /** The members of a new epoch. What is believed of members on both lists stays. */
  setMembers(places: readonly ClusterMember[]): void {
    this.#beliefs.setPlaces(places);
    this.#clocks.setMembers(new Set([...this.#beliefs.all()].map(({ name }) => name)));
    const others = [...this.#beliefs.all()].map(({ name }) => name).filter(name => name !== this.#self);
    this.#order.setNames(others);
    this.#gossipOrder.setNames(others);
  }

  /** To be called every `tickIntervalMs`. */
  tick(nowMs: number): void {
    this.#advance(nowMs);
    this.#setRight.clear();
    if (this.#beliefs.self.status !== 'left') {
      this.#prober.tick(nowMs);
      this.#beliefs.bury(nowMs);
      this.#pushPull(nowMs);
    }
    if (this.#rumours.size > 0 && nowMs >= this.#nextGossipMs) this.#gossip(nowMs);
  }

  /** A message of the member `from`, as `parseSwimMessage` let it through. */
  receive(from: NodeName, message: SwimMessage, nowMs: number): void {
    this.#advance(nowMs);
    if (from === this.#self || this.#beliefs.of(from) === undefined) return;
    this.#outdated = false;
    if (message.type !== 'nack') for (const rumour of message.rumours) this.#beliefs.hear(rumour, nowMs);
    if (
      message.type !== 'nack' &&
      message.rumours.some(([name, actor]) => name === from && this.isFormer({ name, actor }))
    )
      return this.#tellOfSuccessor(from);
    this.#answer(from, message, nowMs);
    if (this.#outdated || message.type === 'sync' || message.type === 'gossip') this.#setStraight(from);
  }

  #answer(from: NodeName, message: SwimMessage, nowMs: number): void {
    switch (message.type) {
      case 'ping':
        this.#sendAck(from, message.seq);
        if (this.statusOf(from) === 'unknown') this.#offerDigest(from);
        return;
      case 'ack':
        return this.#acked(from, message, nowMs);
      case 'ping-req':
        return this.#prober.requested(from, message.seq, message.target, nowMs);
      case 'nack':
        return this.#prober.nacked(from, message.seq);
      case 'sync':
        if (message.digest !== this.#beliefs.digest())
          this.#ports.send(from, { type: 'state', rumours: this.#beliefs.rumours() });
        return;
      case 'state': {
        const rumours = this.#beliefs.beyond(message.rumours);
        if (rumours.length > 0) this.#ports.send(from, { type: 'gossip', rumours });
        return;
      }
      case 'gossip':
        return;
    }
  }

  /** A message to this peer can be sent from now on. */
  linkUp(peer: PeerIdentity, nowMs: number): void {
    this.#advance(nowMs);
    if (this.#beliefs.of(peer.name) === undefined || peer.name === this.#self) return;
    if (this.isFormer(peer)) this.#tellOfSuccessor(peer.name);
    this.#greet(peer.name);
  }

  /** The link to this member broke: a reason to probe it next, no proof of anything. */
  linkDown(name: NodeName, nowMs: number): void {
    this.#advance(nowMs);
    this.#order.hint(name);
  }

  /** Says goodbye to everyone at once. From now on this node answers probes, but makes none and contradicts nothing. */
  leave(nowMs: number): void {
    this.#advance(nowMs);
    this.#beliefs.leave();
    for (const { name } of this.#beliefs.all()) if (name !== this.#self) this.#greet(name);
  }

  /** The event loop was found to have stood still for so long: one more reason for this node to doubt itself. */
  observeLag(ms: number): void {
    const nowMs = this.#nowMs ?? 0;
    if (ms < this.#timings.probeTimeoutMs / 2 || nowMs < this.#lagCountsFromMs) return;
    this.#lagCountsFromMs = nowMs + this.#timings.probeIntervalMs;
    this.#health.add(1);
  }

  /** Whether this node still lacks data that it should have; the others hear of it. */
  setRefilling(refilling: boolean): void {
    this.#beliefs.say({ refilling, clockOff: this.#beliefs.self.clockOff });
  }

  /** How this node's wall clock stands just now; the others hear of it when it is off. Cheap: it may be asked any time. */
  judgeClock(nowMs: number): ClockVerdict {
    const verdict = this.#clocks.judge(this.#ports.wallMs(), nowMs);
    this.#beliefs.say({ refilling: this.#beliefs.self.refilling, clockOff: verdict.state === 'off' });
    return verdict;
  }

  /** The time that most members' stamps have reached; means something where there is a verdict on the clock. */
  latestMs(): number {
    return this.#clocks.latestMs(this.#ports.latestMs());
  }

  /** How far a member's wall clock was ahead of the median when it was last seen, in ms; undefined while unknown. */
  clockOffsetOf(name: NodeName): number | undefined {
    return this.#clocks.offsetOf(name);
  }

  get #self(): NodeName {
    return this.#beliefs.self.name;
  }

  #isThere(name: NodeName): boolean {
    const status = this.statusOf(name);
    return status === 'alive' || status === 'suspect';
  }

  /** Takes note of the time, and of a stall: calls come at least once a tick unless this node stood still. */
  #advance(nowMs: number): void {
    if (this.#nowMs === undefined) return this.#start(nowMs);
    const { tickIntervalMs } = this.#timings;
    const lagMs = nowMs - this.#nowMs - tickIntervalMs;
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    if (lagMs <= tickIntervalMs) return;
    this.#prober.shift(lagMs);
    this.#beliefs.shift(lagMs);
    this.observeLag(lagMs);
  }

  #start(nowMs: number): void {
    const { probeIntervalMs, pushPullIntervalMs, lostProbeIntervalMs } = this.#timings;
    const { random } = this.#ports;
    this.#nowMs = nowMs;
    this.#prober.start(nowMs + drawBelow(random, probeIntervalMs));
    this.#nextPushPullMs = nowMs + drawBelow(random, pushPullIntervalMs);
    this.#nextLostProbeMs = nowMs + drawBelow(random, lostProbeIntervalMs);
    for (const name of this.#order.sample(this.#beliefs.size, () => true)) this.#greet(name);
  }

  #changed(before: Member, after: Member): void {
    this.#rumours.put(after.name);
    const chance = (3 * this.#timings.confirmations) / this.#beliefs.size;
    if (after.status === 'suspect' && drawChance(this.#ports.random, chance)) this.#order.hint(after.name);
    if (after.status === 'alive' && after.name !== this.#self && this.#clocks.needsMore)
      this.#prober.probe(after.name, this.#nowMs!);
    for (const type of eventsBetween(before, after))
      this.#ports.event({ type, member: after, nowMs: this.#nowMs ?? 0 });
  }

  /** An answer that took long says little about the clock: something stood still meanwhile. */
  #acked(from: NodeName, { seq, wallMs, latestMs }: SwimMessage & { type: 'ack' }, nowMs: number): void {
    const sentMs = this.#prober.acked(from, seq);
    if (sentMs === undefined) return;
    if (sentMs > this.#selfRaisedMs) this.#toldOfSelf.add(from);
    if (nowMs - sentMs <= this.#timings.probeTimeoutMs) this.#clocks.saw(from, wallMs, latestMs, sentMs, nowMs);
  }

  #selfRaised(contradicts: boolean): void {
    this.#selfRaisedMs = this.#nowMs ?? Number.NEGATIVE_INFINITY;
    this.#toldOfSelf.clear();
    this.#rumours.put(this.#self);
    this.#nextGossipMs = 0;
    if (contradicts) this.#health.add(1);
  }

  #gossip(nowMs: number): void {
    this.#nextGossipMs = nowMs + this.#timings.gossipIntervalMs;
    for (let i = 0; i < this.#timings.gossipFanout; i++) {
      const name = this.#gossipOrder.next(name => this.#isThere(name));
      if (name !== undefined) this.#sendNews(name, rumours => ({ type: 'gossip', rumours }));
    }
  }

  #pushPull(nowMs: number): void {
    if (nowMs >= this.#nextPushPullMs) {
      this.#nextPushPullMs = nowMs + this.#timings.pushPullIntervalMs;
      for (const name of this.#order.sample(1, name => this.#isThere(name))) this.#offerDigest(name);
    }
    if (nowMs >= this.#nextLostProbeMs) {
      this.#nextLostProbeMs = nowMs + this.#timings.lostProbeIntervalMs;
      const isLost = (name: NodeName) => this.statusOf(name) === 'dead' || this.statusOf(name) === 'unknown';
      for (const name of this.#order.sample(1, isLost)) this.#offerDigest(name);
    }
  }

  /** First words to a member: what each is to the other, and a digest as long as the allowance lasts. */
  #greet(name: NodeName): void {
    const nowMs = this.#nowMs!;
    if (nowMs >= this.#allowanceEndsMs) {
      this.#allowance = this.#timings.gossipFanout;
      this.#allowanceEndsMs = nowMs + this.#timings.probeIntervalMs;
    }
    if (this.#allowance > 0 && this.#beliefs.self.status !== 'left') {
      if (this.#offerDigest(name)) this.#allowance--;
    } else this.#ports.send(name, { type: 'gossip', rumours: this.#betweenUs(name) });
  }

  #offerDigest(name: NodeName): boolean {
    const digest = this.#beliefs.digest();
    return this.#ports.send(name, { type: 'sync', digest, rumours: this.#betweenUs(name) });
  }

  /**
   * Tells a member what stands between the two: it believes of this node what was contradicted, or it speaks and is
   * held for suspect or dead. At most once a tick, or two who err about each other would not stop.
   */
  #setStraight(name: NodeName): void {
    if (this.#setRight.has(name) || !(this.#outdated || this.#isDoubted(name))) return;
    this.#setRight.add(name);
    this.#ports.send(name, { type: 'gossip', rumours: this.#betweenUs(name) });
  }

  /** Who speaks under this name is not who bears it: either it steps down, or it is the later one after all and says so. */
  #tellOfSuccessor(name: NodeName): void {
    if (this.#setRight.has(name)) return;
    this.#setRight.add(name);
    this.#ports.send(name, { type: 'gossip', rumours: [this.#beliefs.rumourAbout(name)!] });
  }

  /** What this node says of itself, and of the other when that one might want to contradict. */
  #betweenUs(name: NodeName): Rumour[] {
    const own = this.#beliefs.rumourAbout(this.#self)!;
    const doubt = this.#doubtOf(name);
    return doubt === undefined ? [own] : [own, doubt];
  }

  #doubtOf(name: NodeName): Rumour | undefined {
    return this.#isDoubted(name) ? this.#beliefs.rumourAbout(name) : undefined;
  }

  #isDoubted(name: NodeName): boolean {
    const status = this.statusOf(name);
    return status === 'suspect' || status === 'dead';
  }

  #sendPing(to: NodeName, seq: number): boolean {
    const first = this.#toldOfSelf.has(to) ? undefined : this.#beliefs.rumourAbout(this.#self);
    return this.#sendNews(to, rumours => ({ type: 'ping', seq, rumours }), first);
  }

  #sendAck(to: NodeName, seq: number): boolean {
    const wallMs = Math.max(0, Math.floor(this.#ports.wallMs()));
    const latestMs = Math.max(0, Math.floor(this.#ports.latestMs()));
    return this.#sendNews(to, rumours => ({ type: 'ack', seq, wallMs, latestMs, rumours }));
  }

  /** Sends a message with the rumours that were passed on least; before them `first`, and the receiver's own case. */
  #sendNews(to: NodeName, message: (rumours: readonly Rumour[]) => SwimMessage, first?: Rumour): boolean {
    const names = this.#rumours.next(this.#timings.maxRumours);
    const rumours = [first, this.#doubtOf(to)].filter(rumour => rumour !== undefined);
    for (const name of names) {
      const rumour = rumours.some(([said]) => said === name) ? undefined : this.#beliefs.rumourAbout(name);
      if (rumour !== undefined) rumours.push(rumour);
    }
    if (!this.#ports.send(to, message(rumours))) return false;
    this.#rumours.passed(names, retransmitLimit(this.#timings, this.#beliefs.size));
    return true;
  }
}

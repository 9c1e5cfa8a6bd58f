import { fnv1a } from '../lib/fnv1a.ts';
import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { ClusterMember } from './cluster.ts';
import { type Condition, compareBeliefs, type Member, unknownMember } from './member.ts';
import { Suspicion } from './suspicion.ts';
import { memberOf, NUMBER_LIMIT, type Rumour, rumourOf } from './swim-messages.ts';
import { minSuspicionMs, type SwimTimings } from './swim-options.ts';

/** What follows from a new belief is not this file's business. Called after the belief stands. */
export interface BeliefPorts {
  /** More is known about another member than before. */
  changed(before: Member, after: Member): void;
  /** One more member found a suspect unreachable. */
  confirmed(name: NodeName): void;
  /** This suspect is to be told that it is one. */
  ask(name: NodeName): void;
  /** Someone still believes of this node what it has contradicted. */
  outdated(): void;
  /** This node says something new of itself; `contradicts` when it was forced to. */
  selfRaised(contradicts: boolean): void;
  /** A process that was started later bears this node's name. */
  superseded(by: Member): void;
}

/**
 * For so long a process may hear of a former one of its name that bears a greater generation, because the clock was ahead when that one was
 * started. Who is a member for longer has heard of it.
 */
const NEWCOMER_MS = 60_000;

/** Former actors of a name that are remembered. */
const FORMER_ACTORS = 8;

/**
 * What one node believes of all members, itself among them, and the suspicions that wait for their timeout.
 * A belief only ever gives way to a greater one (`compareBeliefs`), except that this node alone decides about itself.
 */
export class Beliefs {
  readonly #timings: SwimTimings;
  readonly #ports: BeliefPorts;
  readonly #members = new Map<NodeName, Member>();
  readonly #suspicions = new Map<NodeName, Suspicion>();
  /** Of each member's name the actors that a later one has replaced, the latest last. */
  readonly #former = new Map<NodeName, readonly string[]>();
  readonly #startedGeneration: number;
  /** When this node was first given the time. */
  #sinceMs: number | undefined;
  #self: Member;

  constructor(self: PeerIdentity, startedAtMs: number, timings: SwimTimings, ports: BeliefPorts) {
    this.#timings = timings;
    this.#ports = ports;
    const generation = Math.max(1, Math.min(NUMBER_LIMIT / 2, Math.floor(startedAtMs)));
    this.#startedGeneration = generation;
    const { name, actor } = self;
    const condition: Condition = { refilling: false, clockOff: false };
    this.#self = { name, actor, generation, refutation: 0, status: 'alive', identity: self, ...condition };
    this.#members.set(name, this.#self);
  }

  get self(): Member {
    return this.#self;
  }

  get size(): number {
    return this.#members.size;
  }

  all(): Iterable<Member> {
    return this.#members.values();
  }

  of(name: NodeName): Member | undefined {
    return this.#members.get(name);
  }

  /** The members from now on; those who are new are unknown, and nothing is believed of those who are gone. */
  setPlaces(places: readonly ClusterMember[]): void {
    const names = new Set(places.map(place => place.name));
    for (const name of this.#members.keys()) {
      if (names.has(name) || name === this.#self.name) continue;
      this.#members.delete(name);
      this.#suspicions.delete(name);
      this.#former.delete(name);
    }
    for (const place of places)
      if (!this.#members.has(place.name))
        this.#members.set(place.name, unknownMember(place, this.#self.identity.clusterId));
  }

  /** Whether the actor is one that a later actor of the member's name has replaced. */
  isFormer({ name, actor }: Pick<PeerIdentity, 'name' | 'actor'>): boolean {
    return this.#former.get(name)?.includes(actor) === true && this.#members.get(name)?.actor !== actor;
  }

  /** The rumour to pass on about a member; undefined while nothing is known of it. */
  rumourAbout(name: NodeName): Rumour | undefined {
    const member = this.#members.get(name);
    if (member === undefined || member.status === 'unknown') return undefined;
    return rumourOf(member, this.#suspicions.get(name)?.witnesses ?? []);
  }

  /** All that is known. */
  rumours(): Rumour[] {
    return [...this.#members.keys()].flatMap(name => {
      const rumour = this.rumourAbout(name);
      return rumour === undefined ? [] : [rumour];
    });
  }

  /** Equal beliefs have equal digests, on every node; an unsigned 32-bit integer. */
  digest(): number {
    let sum = 0;
    for (const { name, actor, generation, refutation, status } of this.#members.values())
      if (status !== 'unknown') sum = (sum + fnv1a(`${name} ${actor} ${generation} ${refutation} ${status}`)) >>> 0;
    return sum;
  }

  /** Of all that is known, what goes beyond `rumours`. */
  beyond(rumours: readonly Rumour[]): Rumour[] {
    const heard = new Map(rumours.map(rumour => [rumour[0], this.#memberOf(rumour)]));
    return this.rumours().filter(rumour => {
      const theirs = heard.get(rumour[0]);
      return theirs === undefined || compareBeliefs(this.#members.get(rumour[0])!, theirs) > 0;
    });
  }

  hear(rumour: Rumour, nowMs: number): void {
    this.#sinceMs ??= nowMs;
    const heard = this.#memberOf(rumour);
    if (heard.name === this.#self.name) return this.#hearOfSelf(heard, nowMs);
    const held = this.#members.get(heard.name);
    if (held === undefined) return;
    const order = compareBeliefs(heard, held);
    if (heard.actor !== held.actor) this.#replaced(heard.name, order > 0 ? held.actor : heard.actor);
    if (order > 0) this.#believe(heard, rumour[12], nowMs);
    else if (order === 0 && heard.status === 'suspect') this.#confirm(heard.name, rumour[12]);
  }

  /** This node's own probe of the member failed. */
  suspect(name: NodeName, nowMs: number): void {
    const held = this.#members.get(name);
    if (held?.status === 'alive') this.#believe({ ...held, status: 'suspect' }, [this.#self.name], nowMs);
    else if (held?.status === 'suspect') this.#confirm(name, [this.#self.name]);
  }

  /** Declares those dead whose suspicion has lasted for its timeout, and on the way there has the suspect asked. */
  bury(nowMs: number): void {
    this.#sinceMs ??= nowMs;
    if (this.#suspicions.size === 0) return;
    let alive = -1;
    for (const { status } of this.#members.values()) if (status === 'alive') alive++;
    const expected = Math.min(this.#timings.confirmations, alive);
    const minMs = minSuspicionMs(this.#timings, this.#members.size);
    const maxMs = minMs * this.#timings.maxSuspicionFactor;
    for (const [name, suspicion] of this.#suspicions) {
      if (suspicion.isTimeToAsk(nowMs, minMs)) this.#ports.ask(name);
      if (nowMs >= suspicion.deadlineMs(expected, minMs, maxMs))
        this.#believe({ ...this.#members.get(name)!, status: 'dead' }, [], nowMs);
    }
  }

  /** This node stood still for so long and could not hear refutations. */
  shift(ms: number): void {
    for (const suspicion of this.#suspicions.values()) suspicion.shift(ms);
  }

  /** What this node says of its condition, from now on. */
  say(condition: Condition): void {
    const { refilling, clockOff } = this.#self;
    if (condition.refilling !== refilling || condition.clockOff !== clockOff) this.#raiseSelf(condition, false);
  }

  leave(): void {
    if (this.#self.status !== 'left') this.#raiseSelf({ status: 'left' }, false);
  }

  #memberOf(rumour: Rumour): Member {
    return memberOf(rumour, this.#self.identity.clusterId);
  }

  #believe(after: Member, witnesses: readonly NodeName[], nowMs: number): void {
    const before = this.#members.get(after.name)!;
    this.#members.set(after.name, after);
    if (after.status === 'suspect') this.#suspicions.set(after.name, new Suspicion(nowMs, witnesses));
    else this.#suspicions.delete(after.name);
    this.#ports.changed(before, after);
  }

  #replaced(name: NodeName, actor: string): void {
    const former = this.#former.get(name) ?? [];
    if (actor !== '' && !former.includes(actor)) this.#former.set(name, [...former, actor].slice(-FORMER_ACTORS));
  }

  #confirm(name: NodeName, witnesses: readonly NodeName[]): void {
    const suspicion = this.#suspicions.get(name);
    let news = false;
    for (const witness of witnesses) if (suspicion?.confirm(witness)) news = true;
    if (news) this.#ports.confirmed(name);
  }

  /** What others say of this node is right, or too old to matter, or must be contradicted. */
  #hearOfSelf(heard: Member, nowMs: number): void {
    const self = this.#self;
    const order = compareBeliefs(heard, self);
    if (order < 0 && heard.status !== 'alive') this.#ports.outdated();
    if (self.status === 'left' || order <= 0) return;
    if (heard.generation + 1 >= NUMBER_LIMIT || heard.refutation + 1 >= NUMBER_LIMIT) return;
    if (heard.actor === self.actor) {
      const refutation = Math.max(self.refutation, heard.refutation) + 1;
      this.#raiseSelf({ generation: Math.max(self.generation, heard.generation), refutation }, true);
    } else if (this.#isPast(heard, nowMs)) this.#raiseSelf({ generation: heard.generation + 1 }, true);
    else this.#ports.superseded(heard);
  }

  /**
   * Whether another actor of this name is a former one: by this node's time it has yet to be started, so the clock has gone back since it was.
   * One that was started while this process ran has its place by now, and what this process has may be older than what others have forgotten.
   */
  #isPast({ generation }: Member, nowMs: number): boolean {
    const ageMs = nowMs - (this.#sinceMs ?? nowMs);
    return ageMs < NEWCOMER_MS && generation > this.#startedGeneration + ageMs;
  }

  #raiseSelf(change: Partial<Member>, contradicts: boolean): void {
    this.#self = { ...this.#self, refutation: this.#self.refutation + 1, ...change };
    this.#members.set(this.#self.name, this.#self);
    this.#ports.selfRaised(contradicts);
  }
}

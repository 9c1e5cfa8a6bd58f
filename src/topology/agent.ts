import { nodeOfActor } from '../clock/actors.ts';
import { drawBelow } from '../lib/draw.ts';
import { MAX_MEMBERS } from '../membership/cluster.ts';
import { allMembers, BUSY, isMember, isSameRing, STALE, type Topology } from '../membership/topology.ts';
import type { NodeName } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import { ChangeDriver, type ChangeFacts } from './change-driver.ts';
import type { TopologyCommand } from './commands.ts';
import type { Progress, Report, TopologyMessage } from './messages.ts';
import { Participants, type ProcessFacts } from './participants.ts';
import { type GroupDisk, PlacementGroup } from './placement-group.ts';
import { Rendezvous } from './rendezvous.ts';
import { type Candidate, chooseVoters, nextStep, votersWanted } from './voters.ts';

export interface TopologyPorts extends Omit<ChangeFacts, 'isVoter'>, ProcessFacts {
  readonly random: Random;
  /** Where this node keeps its part in the placement group, if it is durable. */
  readonly groupDisk?: GroupDisk | undefined;
  /** To a node, a member or not; false when it was provably not sent. */
  send(to: NodeName, message: TopologyMessage): boolean;
  /** How far this node is with what the present epoch asks of it. */
  progress(): Progress;
  /** A later epoch was decided: the caller is to get ready for it, and then calls `ready`. */
  learned(topology: Topology): void;
  /** This node goes by a later epoch from now on. */
  adopted(topology: Topology): void;
  monotonicMs(): number;
}

/** How a request ended: done, or why not. */
export type RequestDone = (error: string | undefined) => void;

interface Request {
  readonly command: TopologyCommand;
  readonly done: RequestDone;
  readonly untilMs: number;
  sentMs: number;
  /** It was to be asked again, for the ring was busy. */
  wasBusy: boolean;
}

const NO_MAJORITY = 'the placement group has no majority that can be reached: the ring stands still';

/** Monotonic milliseconds. */
const POLL_MS = 500;
const IDLE_POLL_MS = 2_000;
const GOSSIP_MS = 1_000;
const TELL_AGAIN_MS = 100;
const REQUEST_AGAIN_MS = 500;
const REQUEST_MS = 10_000;
/** A leader that was not heard of for so long is not asked any more. */
const LEADER_FRESH_MS = 5_000;
/** Members that are told of an epoch at once by one that has just learned of it. */
const FANOUT = 3;
const MAX_REQUESTS = 64;

/**
 * This node's part in agreeing on the ring: it learns of epochs and passes them on, asks for steps, and if it leads the placement group
 * decides them: who votes, and when a change goes on to its next phase.
 */
export class TopologyAgent {
  readonly group: PlacementGroup;
  readonly #actor: string;
  readonly #name: NodeName;
  readonly #ports: TopologyPorts;
  readonly #driver: ChangeDriver;
  readonly #participants: Participants;
  readonly #requests = new Map<number, Request>();
  #topology: Topology;
  /** The latest epoch that was heard of; this node gets ready for it. */
  #latest: Topology;
  readonly #rendezvous = new Rendezvous();
  #nextRequest = 1;
  #nextPollMs = 0;
  #nextGossipMs = 0;
  #isProposing = false;
  /** When a node was last told of an epoch because of a message of its. */
  readonly #toldMs = new Map<NodeName, number>();
  /** The leader that was heard of last, of which term and when. */
  #leader: { readonly name: NodeName; readonly term: number; readonly heardMs: number } | undefined;
  #progress: readonly Progress[] = [];

  constructor(actor: string, topology: Topology, ports: TopologyPorts) {
    this.#actor = actor;
    this.#name = nodeOfActor(actor);
    this.#topology = topology;
    this.#latest = topology;
    this.#ports = ports;
    this.#driver = new ChangeDriver({
      mustMerge: () => ports.mustMerge(),
      mayEnd: turned => ports.mayEnd(turned),
      actorOf: name => ports.actorOf(name),
      isVoter: name => this.#isVoter(name),
    });
    this.#participants = new Participants(ports, ports.groupDisk !== undefined);
    this.group = new PlacementGroup(actor, {
      random: ports.random,
      groupDisk: ports.groupDisk,
      send: message => void ports.send(nodeOfActor(message.to), { type: 'raft', message }),
      decided: decided => this.learn(decided),
    });
  }

  /** What this node goes by. */
  get topology(): Topology {
    return this.#topology;
  }

  /** The latest that this node knows of. */
  get latest(): Topology {
    return this.#latest;
  }

  /** How far members were when they were last asked; when the ring is settled those that have yet to hand over what they own no more. */
  get progress(): readonly Progress[] {
    if (this.#isUnsettled) return this.#progress;
    return this.#progress.filter(({ left, leftovers }) => left + leftovers > 0);
  }

  /** Takes part in founding the placement group, if these founders make this node a voter. */
  found(founders: readonly Candidate[]): void {
    const voters = chooseVoters(founders, votersWanted(founders.length));
    if (this.#topology.epoch === 1 && voters.includes(this.#actor)) this.group.found(voters, this.#topology);
  }

  /**
   * Asks the placement group for a step.
   *
   * @param done is called once: the step was taken, or there was nothing to do (undefined), or why it was not.
   */
  request(command: TopologyCommand, done: RequestDone): void {
    if (this.#requests.size >= MAX_REQUESTS) return done('too many changes of the ring are being asked for');
    const nowMs = this.#ports.monotonicMs();
    const id = this.#nextRequest++;
    this.#requests.set(id, {
      command,
      done,
      untilMs: nowMs + REQUEST_MS,
      sentMs: Number.NEGATIVE_INFINITY,
      wasBusy: false,
    });
    this.#pursue(nowMs);
  }

  /** A later epoch, from whomever: it was decided. */
  learn(topology: Topology): void {
    if (topology.epoch <= this.#latest.epoch) return;
    this.#latest = topology;
    this.#toldMs.clear();
    this.#forgetJoined(topology);
    this.#tell(FANOUT, { type: 'news', topology });
    // The change has gone on from the epoch before: that is not waited for any more.
    this.#rendezvous.turned(topology.epoch - 1);
    this.meet();
    // Having gone by that one, it may go by this one already.
    if (this.#topology.epoch < topology.epoch) this.#ports.learned(topology);
  }

  /** This node is ready for an epoch that was learned of: it goes by it as soon as the others do. */
  ready(topology: Topology): void {
    if (isSameRing(topology, this.#topology)) return this.#adopt(topology);
    const nowMs = this.#ports.monotonicMs();
    this.#rendezvous.arrive(topology, nowMs);
    const { epoch } = topology;
    if (!this.group.leads && !this.#isLeaderStale(nowMs))
      this.#ports.send(this.#leader!.name, { type: 'ready', epoch });
    this.meet();
  }

  /** To be called every few tens of milliseconds while this node is ready for an epoch: goes by it when its wait is over. */
  meet(): void {
    const awaited = this.group.leads ? () => this.#living() : undefined;
    const topology = this.#rendezvous.due(this.#ports.monotonicMs(), awaited);
    if (topology === undefined) return;
    if (this.group.leads) this.#tellAll({ type: 'turn', epoch: topology.epoch });
    this.#adopt(topology);
  }

  #adopt(topology: Topology): void {
    const gone = allMembers(this.#topology).filter(({ name }) => !isMember(topology, name));
    this.#topology = topology;
    this.#rendezvous.passed(topology);
    this.#nextPollMs = 0;
    for (const { name } of gone) if (name !== this.#name) this.#ports.send(name, { type: 'news', topology });
    this.#ports.adopted(topology);
  }

  /** A request or an answer is of another epoch than this node's, and its sender goes by that. */
  saw(from: NodeName, epoch: number): void {
    this.#rendezvous.turned(epoch);
    this.#heardOf(from, epoch);
  }

  /** A member knows of this epoch. Of many that tell of another than this node knows one in a while is answered. */
  #heardOf(from: NodeName, epoch: number): void {
    const topology = this.#latest;
    const nowMs = this.#ports.monotonicMs();
    if (epoch === topology.epoch || nowMs - (this.#toldMs.get(from) ?? Number.NEGATIVE_INFINITY) < TELL_AGAIN_MS)
      return;
    const message =
      epoch < topology.epoch
        ? ({ type: 'news', topology } as const)
        : ({ type: 'epoch', epoch: topology.epoch } as const);
    if (!this.#ports.send(from, message)) return;
    if (this.#toldMs.size >= MAX_MEMBERS) this.#toldMs.clear();
    this.#toldMs.set(from, nowMs);
  }

  receive(from: NodeName, message: TopologyMessage): void {
    switch (message.type) {
      case 'raft':
        return this.group.receive(message.message);
      case 'epoch':
        return this.#heardOf(from, message.epoch);
      case 'ready':
        this.#rendezvous.heard(from, message.epoch);
        return this.meet();
      case 'turn':
        this.#rendezvous.turned(message.epoch);
        return this.meet();
      case 'news':
        return this.learn(message.topology);
      case 'poll':
        return this.#onPoll(from, message);
      case 'report':
        return this.#reported(from, message);
      case 'request':
        return this.#onRequest(from, message.id, message.command);
      case 'outcome':
        return this.#answered(message.id, message.error);
    }
  }

  /** To be called every 100 ms. */
  tick(): void {
    const nowMs = this.#ports.monotonicMs();
    this.group.tick();
    // A disk may have the group's decision and not yet what this node made of it.
    if (this.group.topology !== undefined) this.learn(this.group.topology);
    if (this.group.leads) this.#lead(nowMs);
    else this.#leadNoMore();
    if (nowMs >= this.#nextGossipMs) {
      this.#nextGossipMs = nowMs + GOSSIP_MS;
      this.#tell(1, { type: 'epoch', epoch: this.#latest.epoch });
    }
    this.#pursue(nowMs);
  }

  get #isUnsettled(): boolean {
    return this.#topology.change !== undefined || this.#topology.departing.length > 0;
  }

  // The leader's duties

  #lead(nowMs: number): void {
    this.#leader = { name: this.#name, term: this.group.term, heardMs: nowMs };
    const unasked = this.#participants.takeUnasked(this.#topology);
    if (nowMs >= this.#nextPollMs) {
      this.#reported(this.#name, this.#report());
      this.#progress = this.#driver.progress;
      this.#tellAll(this.#poll());
      this.#nextPollMs = nowMs + (this.progress.length > 0 ? POLL_MS : IDLE_POLL_MS);
    } else for (const name of unasked) this.#ports.send(name, this.#poll());
    this.#lookAfterVoters();
    if (this.#isProposing || this.#latest !== this.#topology) return;
    const command = this.#driver.next(this.#topology, nowMs);
    if (command === undefined || this.#hasForgotten()) return;
    this.#isProposing = true;
    this.group.propose(command, () => {
      this.#isProposing = false;
    });
  }

  #leadNoMore(): void {
    this.#driver.forget();
    this.#nextPollMs = 0;
  }

  /**
   * A later epoch is known than this leader has applied. Another leads by now; or a majority of the group has forgotten what it had promised to
   * keep, and would decide those epochs again, and otherwise (invariant 9).
   */
  #hasForgotten(): boolean {
    return this.group.topology !== undefined && this.group.topology.epoch < this.#latest.epoch;
  }

  #poll(): TopologyMessage {
    return { type: 'poll', term: this.group.term, epoch: this.#topology.epoch, progress: this.progress };
  }

  #report(): Report {
    const { id: member, isDurable: keepsLog } = this.group;
    const progress = this.#ports.progress();
    return { epoch: this.#topology.epoch, actor: this.#actor, member, keepsLog, progress };
  }

  #reported(from: NodeName, report: Report): void {
    const { actor, member, keepsLog, progress } = report;
    this.#participants.heard(from, { actor, member, keepsLog });
    this.#driver.heard(from, { actor, epoch: report.epoch, progress: { ...progress, name: from } });
  }

  /** Members by the epoch in force that are held to be alive, but for this node. */
  #living(): NodeName[] {
    const names = allMembers(this.#topology).map(({ name }) => name);
    return names.filter(name => name !== this.#name && this.#ports.actorOf(name) !== undefined);
  }

  #tellAll(message: TopologyMessage): void {
    for (const { name } of allMembers(this.#topology)) if (name !== this.#name) this.#ports.send(name, message);
  }

  #lookAfterVoters(): void {
    const { configuration } = this.group;
    if (configuration === undefined) return;
    const step = nextStep(configuration, this.#participants.electorate(this.#topology, configuration));
    if (step !== undefined) this.group.change(step);
  }

  #isVoter(name: NodeName): boolean {
    return this.group.configuration?.voters.some(actor => nodeOfActor(actor) === name) === true;
  }

  // Everyone's

  #onPoll(from: NodeName, { term, epoch, progress }: TopologyMessage & { type: 'poll' }): void {
    const nowMs = this.#ports.monotonicMs();
    if (this.#leader === undefined || term >= this.#leader.term || this.#isLeaderStale(nowMs))
      this.#leader = { name: from, term, heardMs: nowMs };
    this.#progress = progress;
    this.saw(from, epoch);
    this.#ports.send(from, { type: 'report', ...this.#report() });
  }

  #isLeaderStale(nowMs: number): boolean {
    return this.#leader === undefined || nowMs - this.#leader.heardMs >= LEADER_FRESH_MS;
  }

  /** Tells so many members that are drawn. */
  #tell(count: number, message: TopologyMessage): void {
    const others = allMembers(this.#latest).filter(({ name }) => name !== this.#name);
    for (let left = Math.min(count, others.length); left > 0; left--) {
      const [other] = others.splice(drawBelow(this.#ports.random, others.length), 1);
      this.#ports.send(other!.name, message);
    }
  }

  // Requests

  #pursue(nowMs: number): void {
    for (const [id, request] of this.#requests) {
      if (nowMs >= request.untilMs) this.#finish(id, request.wasBusy ? BUSY : NO_MAJORITY);
      else if (nowMs - request.sentMs >= REQUEST_AGAIN_MS) this.#send(id, request, nowMs);
    }
  }

  #send(id: number, request: Request, nowMs: number): void {
    request.sentMs = nowMs;
    if (this.group.leads) this.#propose(request.command, error => this.#answered(id, error));
    else if (!this.#isLeaderStale(nowMs))
      this.#ports.send(this.#leader!.name, { type: 'request', id, command: request.command });
  }

  /** Whoever is a member now need not be asked for any more: were it to leave at once, asking again would bring it back. */
  #forgetJoined(topology: Topology): void {
    for (const [id, { command }] of this.#requests) {
      if (command.type !== 'join') continue;
      const { name } = command.member;
      if (name !== this.#name && isMember(topology, name)) this.#finish(id, undefined);
    }
  }

  #onRequest(from: NodeName, id: number, command: TopologyCommand): void {
    if (this.group.leads) this.#propose(command, error => this.#ports.send(from, { type: 'outcome', id, error }));
  }

  /** At the leader, which is the one to judge who is alive. @param done is called when it has been decided, or is refused; not when it may be asked again. */
  #propose(command: TopologyCommand, done: RequestDone): void {
    const gone = goneBy(command);
    if (gone !== undefined && this.#ports.actorOf(gone) !== undefined)
      return done(`${gone} is alive: let it leave, or stop it first`);
    if (this.#hasForgotten()) return;
    this.group.propose(command, outcome => {
      if (outcome.status === 'applied') done(outcome.error);
    });
  }

  /** What cannot be done just now is asked for again, until its time is over. */
  #answered(id: number, error: string | undefined): void {
    if (error !== BUSY) return this.#finish(id, error);
    const request = this.#requests.get(id);
    if (request !== undefined) request.wasBusy = true;
  }

  #finish(id: number, error: string | undefined): void {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    request?.done(error);
  }
}

/** Whether what was refused may be done when it is asked for again. */
export function mayAskAgain(error: string): boolean {
  return [NO_MAJORITY, BUSY, STALE].includes(error);
}

/** Whom the command takes for gone for good. */
function goneBy(command: TopologyCommand): NodeName | undefined {
  if (command.type === 'join') return command.replaces;
  return command.type === 'forget' ? command.name : undefined;
}

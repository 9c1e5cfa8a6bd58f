import { nodeOfActor } from '../clock/actors.ts';
import { allMembers, isMember, type Topology, targetOf } from '../membership/topology.ts';
import type { NodeName } from '../ports/outbox.ts';
import type { Configuration, MemberId } from '../raft/configuration.ts';
import type { Candidate, Electorate } from './voters.ts';

/** As whom a process takes part in the placement group, or would if it were of it. */
export interface Participant {
  readonly actor: string;
  readonly member: MemberId;
  /** Whether the member's log outlives the process. */
  readonly keepsLog: boolean;
}

export interface ProcessFacts {
  /** The process that bears the name now, if it is held to be alive. */
  actorOf(name: NodeName): string | undefined;
  /** Whether a process with this actor can never speak again, as far as membership knows. */
  isGone(actor: string): boolean;
}

/**
 * As whom the nodes take part in the placement group, as their processes have told its leader. A name that is borne by another process than
 * before says nothing of the member: the process may have its log from the disk, and only it knows.
 */
export class Participants {
  readonly #facts: ProcessFacts;
  readonly #keepsLog: boolean;
  readonly #told = new Map<NodeName, Participant>();
  /** The processes that were asked at once when they were first seen. */
  readonly #asked = new Map<NodeName, string>();

  /** @param keepsLog whether this node does. */
  constructor(facts: ProcessFacts, keepsLog: boolean) {
    this.#facts = facts;
    this.#keepsLog = keepsLog;
  }

  /** What comes late is of a process that has ended. */
  heard(name: NodeName, participant: Participant): void {
    if (participant.actor === this.#facts.actorOf(name)) this.#told.set(name, participant);
  }

  /** Members whose processes have not told, each process once. */
  takeUnasked(topology: Topology): NodeName[] {
    const names = allMembers(topology).map(({ name }) => name);
    const here = new Set(names);
    for (const known of [this.#told, this.#asked])
      for (const name of known.keys()) if (!here.has(name)) known.delete(name);
    return names.filter(name => {
      const actor = this.#facts.actorOf(name);
      if (actor === undefined || this.#hasTold(name, actor) || this.#asked.get(name) === actor) return false;
      this.#asked.set(name, actor);
      return true;
    });
  }

  /** Who may vote. Who is joining may yet be called off, and switched off at once, so it is not among them; nor is who is about to leave. */
  electorate(topology: Topology, configuration: Configuration): Electorate {
    const target = targetOf(topology);
    const stay = new Set(target.map(({ name }) => name));
    return {
      // Those who are to leave are not counted out before they have left: until then the group bears as many losses as before.
      members: Math.max(topology.members.length, target.length),
      living: topology.members
        .filter(({ name }) => stay.has(name))
        .flatMap(({ name, zone }): Candidate[] => this.#idsOf(name, configuration).map(id => ({ name, zone, id }))),
      isGone: id => !isMember(topology, nodeOfActor(id)) || this.#isGone(id),
    };
  }

  /** While a living process has not told it may be any of the members of its name, and is no new one. */
  #idsOf(name: NodeName, configuration: Configuration): readonly MemberId[] {
    const actor = this.#facts.actorOf(name);
    if (actor === undefined) return [];
    if (this.#hasTold(name, actor)) return [this.#told.get(name)!.member];
    return configuration.members().filter(id => nodeOfActor(id) === name && !this.#isGone(id));
  }

  #hasTold(name: NodeName, actor: string): boolean {
    return this.#told.get(name)?.actor === actor;
  }

  /**
   * Whether no process will ever be this member again. While its node is away it may come back with the log, unless that was in memory; of whom
   * nothing was told is taken to keep its log as this node does.
   */
  #isGone(id: MemberId): boolean {
    const name = nodeOfActor(id);
    const told = this.#told.get(name);
    const actor = this.#facts.actorOf(name);
    if (actor !== undefined && told?.member !== id) return this.#hasTold(name, actor);
    return !(told?.keepsLog ?? this.#keepsLog) && this.#facts.isGone(id);
  }
}

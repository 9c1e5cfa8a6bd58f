import type { ClusterMember } from '../membership/cluster.ts';
import { allMembers, type Topology } from '../membership/topology.ts';
import type { NodeName } from '../ports/outbox.ts';
import type { TopologyCommand } from './commands.ts';
import type { Progress, Report } from './messages.ts';

/** What the leader of the placement group must know to take a change further. */
export interface ChangeFacts {
  /** Who has slots to merge before the ring may turn. */
  mustMerge(): ReadonlySet<NodeName>;
  /** Whether it is enough that these have turned to the new owners: no quorum of old ones is left that has not. */
  mayEnd(turned: ReadonlySet<NodeName>): boolean;
  /** Whether it votes in the placement group. */
  isVoter(name: NodeName): boolean;
  /** The process that bears the name now, if it is held to be alive. */
  actorOf(name: NodeName): string | undefined;
}

/** A departing member that is dead for so long is taken to be gone, with what it had not handed over. */
const DEPARTED_AFTER_MS = 60_000;
/** A joining one that is: it owns nothing yet, and the ring does not wait for it any more. When it comes it asks again. */
const CALLED_OFF_AFTER_MS = 30_000;

type Told = Pick<Report, 'actor' | 'epoch' | 'progress'>;

/**
 * Takes a change of the ring from phase to phase, at the leader of the placement group. What it goes by are reports, which it may lose with
 * its leadership: all of them come again.
 */
export class ChangeDriver {
  readonly #facts: ChangeFacts;
  readonly #reports = new Map<NodeName, Told>();
  /** Joining and departing members that are not alive: since when, in monotonic ms, and as which joining. */
  readonly #deadSince = new Map<NodeName, { readonly joinedAt: number; readonly sinceMs: number }>();

  constructor(facts: ChangeFacts) {
    this.#facts = facts;
  }

  /** What every member has last said. */
  get progress(): readonly Progress[] {
    return [...this.#reports.values()].map(({ progress }) => progress);
  }

  heard(name: NodeName, report: Told): void {
    this.#reports.set(name, report);
  }

  /** This node no longer leads. */
  forget(): void {
    this.#reports.clear();
    this.#deadSince.clear();
  }

  /** The next step, if what has been reported allows it. */
  next(topology: Topology, nowMs: number): TopologyCommand | undefined {
    const names = new Set(allMembers(topology).map(({ name }) => name));
    for (const known of [this.#reports, this.#deadSince])
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    const { epoch, change } = topology;
    if (change?.phase === 'merge' && this.#haveMerged(epoch)) return { type: 'advance', epoch };
    if (change?.phase === 'pass' && this.#haveTurned(topology, change.lost)) return { type: 'advance', epoch };
    return this.#calledOff(topology, nowMs) ?? this.#departed(topology, nowMs);
  }

  #haveMerged(epoch: number): boolean {
    for (const name of this.#facts.mustMerge()) if (this.#reportOf(name, epoch)?.progress.left !== 0) return false;
    return true;
  }

  #haveTurned(topology: Topology, lost: readonly NodeName[]): boolean {
    const turned = new Set(lost);
    for (const { name } of allMembers(topology)) {
      if (this.#reportOf(name, topology.epoch) !== undefined) turned.add(name);
      else if (this.#facts.actorOf(name) !== undefined && !turned.has(name)) return false;
    }
    return this.#facts.mayEnd(turned);
  }

  #departed({ epoch, departing }: Topology, nowMs: number): TopologyCommand | undefined {
    for (const member of departing) {
      const { name } = member;
      // Whoever has departed may be switched off, and the group may need its vote to let it go.
      if (this.#facts.isVoter(name)) continue;
      const isDone = this.#reportOf(name, epoch)?.progress.leftovers === 0;
      if (isDone || this.#isDeadFor(member, DEPARTED_AFTER_MS, nowMs)) return { type: 'depart', name, epoch };
    }
    return undefined;
  }

  #calledOff({ epoch, members, change }: Topology, nowMs: number): TopologyCommand | undefined {
    if (change?.phase !== 'merge') return undefined;
    const owners = new Set(members.map(({ name }) => name));
    const joining = change.members.filter(({ name }) => !owners.has(name));
    const gone = joining.find(member => this.#isDeadFor(member, CALLED_OFF_AFTER_MS, nowMs));
    return gone && { type: 'leave', name: gone.name, epoch };
  }

  /** Whether it is not alive, and was not whenever it was looked for in all this time. */
  #isDeadFor({ name, joinedAt }: ClusterMember, ms: number, nowMs: number): boolean {
    const known = this.#deadSince.get(name);
    if (this.#facts.actorOf(name) !== undefined) this.#deadSince.delete(name);
    else if (known?.joinedAt !== joinedAt) this.#deadSince.set(name, { joinedAt, sinceMs: nowMs });
    return nowMs - (this.#deadSince.get(name)?.sinceMs ?? nowMs) >= ms;
  }

  /** What the process of this name that lives has said of this epoch. */
  #reportOf(name: NodeName, epoch: number): Told | undefined {
    const report = this.#reports.get(name);
    return report?.epoch === epoch && report.actor === this.#facts.actorOf(name) ? report : undefined;
  }
}

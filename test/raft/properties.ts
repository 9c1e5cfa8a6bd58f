import type { MemberId } from '../../src/raft/configuration.ts';
import type { Decision } from '../../src/raft/effects.ts';
import type { Entry } from '../../src/raft/entry.ts';
import type { SnapshotMeta } from '../../src/raft/snapshot.ts';
import type { Observer, WatchedPeer } from './group.ts';

export type Property =
  | 'election-safety'
  | 'leader-append-only'
  | 'log-matching'
  | 'leader-completeness'
  | 'commit-rule'
  | 'state-machine-safety'
  | 'reads'
  | 'decisions'
  | 'one-step';

export class PropertyViolated extends Error {
  readonly property: Property;

  constructor(property: Property, what: string) {
    super(`${property}: ${what}`);
    this.property = property;
  }
}

interface Reign {
  readonly term: number;
  readonly starts: number;
  last: number;
  lastTerm: number;
  commit: number;
}

/** Members to be watched, however they come to run. */
export interface Watched {
  observer: Observer;
  running(): readonly WatchedPeer[];
}

/**
 * The five properties of the paper (figure 3), its rule of commits, and what is promised of reads and proposals, looked at after every step. It keeps what has
 * been, and knows nothing of how members come to what they hold.
 */
export class Properties implements Observer {
  readonly #group: Watched;
  readonly #leaders = new Map<number, MemberId>();
  readonly #reigns = new Map<MemberId, Reign>();
  /** By index and term: the entry, and the term of the one before it. */
  readonly #entries = new Map<string, { readonly text: string; readonly before: number | undefined }>();
  /** What anybody has applied, by index. */
  readonly #applied = new Map<number, { readonly text: string; readonly term: number; readonly commands: number }>();
  readonly #committedProposals = new Map<string, number>();
  readonly #dropped = new Set<string>();
  readonly #reads = new Map<string, number>();
  #lastApplied = 1;
  #commands = 0;
  readonly counts = { committed: 0, dropped: 0, refused: 0, unknown: 0, reads: 0, restored: 0, leaders: 0 };

  constructor(group: Watched) {
    this.#group = group;
    group.observer = this;
  }

  /** A read has begun. */
  began(peer: WatchedPeer, read: number): void {
    this.#reads.set(`${peer.id} ${peer.starts} ${read}`, this.#lastApplied);
  }

  applied(peer: WatchedPeer, entry: Entry): void {
    const text = textOf(entry);
    const known = this.#applied.get(entry.index);
    if (known === undefined) {
      if (entry.index !== this.#lastApplied + 1)
        throw new PropertyViolated('state-machine-safety', `${entry.index} is applied after ${this.#lastApplied}`);
      this.#lastApplied = entry.index;
      if (entry.kind === 'command') this.#commands++;
      this.#applied.set(entry.index, { text, term: entry.term, commands: this.#commands });
      this.#commit(entry);
    } else if (known.text !== text)
      throw new PropertyViolated(
        'state-machine-safety',
        `${peer.id} applies ${text} at ${entry.index}, not ${known.text}`,
      );
  }

  restored(peer: WatchedPeer, { index, term }: SnapshotMeta): void {
    this.counts.restored++;
    const known = this.#applied.get(index);
    if (index > 1 && (known?.term !== term || known.commands !== peer.machine.commands.length))
      throw new PropertyViolated('state-machine-safety', `${peer.id} restores a snapshot of ${index} that is another`);
  }

  decided(peer: WatchedPeer, decision: Decision): void {
    const id = `${peer.actor}:${decision.number}`;
    this.counts[decision.outcome]++;
    if (decision.outcome === 'committed' && this.#committedProposals.get(id) !== decision.index)
      throw new PropertyViolated('decisions', `${id} is told to be committed at ${decision.index} and is not`);
    if (decision.outcome !== 'dropped' && decision.outcome !== 'refused') return;
    this.#dropped.add(id);
    if (this.#committedProposals.has(id))
      throw new PropertyViolated('decisions', `${id} is ${decision.outcome} and committed`);
  }

  answered(peer: WatchedPeer, read: number): void {
    const begun = this.#reads.get(`${peer.id} ${peer.starts} ${read}`);
    this.counts.reads++;
    if (begun === undefined) throw new PropertyViolated('reads', `${peer.id} answers ${read}, which nobody asked`);
    if (peer.machine.applied < begun)
      throw new PropertyViolated('reads', `${peer.id} answers from ${peer.machine.applied} a read begun at ${begun}`);
  }

  /** Looks at all members. */
  check(): void {
    for (const peer of this.#group.running()) {
      this.#checkMatching(peer);
      if (peer.raft!.role === 'leader') this.#checkLeader(peer);
      else this.#reigns.delete(peer.id);
    }
  }

  #commit(entry: Entry): void {
    if (entry.kind === 'empty') return;
    const id = `${entry.proposal.origin}:${entry.proposal.number}`;
    if (this.#committedProposals.has(id)) throw new PropertyViolated('decisions', `${id} is committed twice`);
    if (this.#dropped.has(id)) throw new PropertyViolated('decisions', `${id} was dropped, and is committed`);
    this.#committedProposals.set(id, entry.index);
  }

  #checkMatching({ id, raft }: WatchedPeer): void {
    const { log } = raft!;
    for (const entry of log.slice(log.first, log.last)) {
      const key = `${entry.index} ${entry.term}`;
      const text = textOf(entry);
      const before = log.termAt(entry.index - 1);
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, { text, before });
      else if (known.text !== text || known.before !== before)
        throw new PropertyViolated(
          'log-matching',
          `${id} has ${text} after ${before}, others ${known.text} after ${known.before}`,
        );
    }
  }

  #checkLeader(peer: WatchedPeer): void {
    const { id, starts } = peer;
    const { term, log } = peer.raft!;
    const elected = this.#leaders.get(term);
    if (elected === undefined) {
      this.counts.leaders++;
      this.#leaders.set(term, id);
    } else if (elected !== id)
      throw new PropertyViolated('election-safety', `${elected} and ${id} lead in term ${term}`);
    const reign = this.#reigns.get(id);
    if (reign?.term !== term || reign.starts !== starts) {
      this.#checkCompleteness(peer);
      this.#reigns.set(id, { term, starts, last: log.last, lastTerm: log.lastTerm, commit: log.commit });
      return;
    }
    if (log.last < reign.last || (reign.last >= log.first && log.termAt(reign.last) !== reign.lastTerm))
      throw new PropertyViolated(
        'leader-append-only',
        `${id} had ${reign.last} entries in term ${term}, and has ${log.last}`,
      );
    // §5.4.2: by counting, only an entry of its own term is committed; what is before comes with that.
    if (log.commit > reign.commit && log.termAt(log.commit) !== term)
      throw new PropertyViolated(
        'commit-rule',
        `${id} commits an entry of term ${log.termAt(log.commit)} in term ${term}`,
      );
    reign.last = log.last;
    reign.lastTerm = log.lastTerm;
    reign.commit = log.commit;
  }

  /** Of entries committed in earlier terms; `applied` lags behind commits, which only makes this weaker. */
  #checkCompleteness({ id, raft }: WatchedPeer): void {
    const { log, term } = raft!;
    for (const [index, entry] of this.#applied) {
      if (index < log.first || entry.term >= term) continue;
      if (log.termAt(index) !== entry.term)
        throw new PropertyViolated('leader-completeness', `${id} leads term ${term} without ${entry.text} at ${index}`);
    }
  }
}

function textOf(entry: Entry): string {
  const what =
    entry.kind === 'command'
      ? Buffer.from(entry.data).toString()
      : entry.kind === 'configuration'
        ? entry.configuration.members().join(',')
        : '';
  return `${entry.term} ${entry.kind} ${what}`;
}

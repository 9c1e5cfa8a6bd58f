import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { NamedActor } from './founding-messages.ts';

/**
 * A proposer's own account of one proposal: who has promised it. Only counts; what is sent, and when the proposal is
 * given up, is for `Founding` to say.
 */
export class Proposal {
  readonly number: number;
  readonly startedMs: number;
  /** The processes that are to promise, sorted by name; the first is the proposer, who has. */
  readonly members: readonly PeerIdentity[];
  readonly #missing: Map<NodeName, string>;

  constructor(number: number, members: readonly PeerIdentity[], startedMs: number) {
    this.number = number;
    this.members = members;
    this.startedMs = startedMs;
    this.#missing = new Map(members.slice(1).map(({ name, actor }) => [name, actor]));
  }

  get isAgreed(): boolean {
    return this.#missing.size === 0;
  }

  get missing(): Iterable<NodeName> {
    return this.#missing.keys();
  }

  /** A promise of any other process than the listed one says nothing. */
  promisedBy({ name, actor }: PeerIdentity): void {
    if (this.#missing.get(name) === actor) this.#missing.delete(name);
  }

  namedActors(): NamedActor[] {
    return this.members.map(({ name, actor }) => [name, actor]);
  }
}

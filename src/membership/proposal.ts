import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { NamedActor } from './founding-messages.ts';

export type ProposalPhase = 'promising' | 'confirming' | 'agreed';

/**
 * A proposer's own account of one proposal: who promised it, and who confirmed that after all had. Only counts; what
 * is sent, and when the proposal is given up, is for `Founding` to say.
 */
export class Proposal {
  readonly number: number;
  readonly startedMs: number;
  /** Sorted by name, the proposer first. */
  readonly members: readonly PeerIdentity[];
  #phase: ProposalPhase = 'promising';
  /** Those whose answer to the current phase is outstanding. */
  #missing: Set<NodeName>;

  constructor(number: number, members: readonly PeerIdentity[], startedMs: number) {
    this.number = number;
    this.members = members;
    this.startedMs = startedMs;
    this.#missing = this.#others();
    this.#advance();
  }

  get phase(): ProposalPhase {
    return this.#phase;
  }

  get missing(): Iterable<NodeName> {
    return this.#missing;
  }

  /**
   * This process answered. An answer to the other phase, or of another process than the listed one, says nothing.
   *
   * @returns whether the phase ended with it.
   */
  answer(phase: ProposalPhase, { name, actor }: PeerIdentity): boolean {
    if (phase !== this.#phase || !this.members.some(member => member.actor === actor)) return false;
    return this.#missing.delete(name) && this.#advance();
  }

  namedActors(): NamedActor[] {
    return this.members.map(({ name, actor }) => [name, actor]);
  }

  #advance(): boolean {
    if (this.#missing.size > 0) return false;
    this.#phase = this.#phase === 'promising' ? 'confirming' : 'agreed';
    if (this.#phase === 'confirming') this.#missing = this.#others();
    if (this.#phase === 'confirming' && this.#missing.size === 0) this.#phase = 'agreed';
    return true;
  }

  #others(): Set<NodeName> {
    return new Set(this.members.slice(1).map(({ name }) => name));
  }
}

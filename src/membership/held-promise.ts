import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { ProposalId } from './founding-messages.ts';

export interface Binding extends ProposalId {
  readonly proposer: NodeName;
}

/** Proposers whose numbers are remembered; of more, those who proposed longest ago are forgotten. */
const MAX_PROPOSERS = 4_096;

/**
 * The one promise that an unfounded node may have out, to its own proposal or to another's. No proposal is promised
 * twice: numbers that were promised or withdrawn are past. See `founding.ts` for what that is good for.
 */
export class HeldPromise {
  #held: Binding | undefined;
  /** The greatest number of each proposing actor that is past. */
  readonly #past = new Map<string, number>();

  get held(): Binding | undefined {
    return this.#held;
  }

  get isFree(): boolean {
    return this.#held === undefined;
  }

  isOf({ actor, number }: ProposalId): boolean {
    return this.#held?.actor === actor && this.#held.number === number;
  }

  isPast({ actor, number }: ProposalId): boolean {
    return number <= (this.#past.get(actor) ?? 0);
  }

  give(binding: Binding): void {
    this.#held = binding;
    this.#remember(binding);
  }

  release(): void {
    this.#held = undefined;
  }

  /** The actor gave up its proposals up to this number. */
  withdrawn(actor: string, number: number): void {
    this.#remember({ actor, number });
    if (this.#held?.actor === actor && this.#held.number <= number) this.release();
  }

  /** With another process of the proposer's name around, the proposer is dead, and its proposal with it. */
  met({ name, actor }: PeerIdentity): void {
    if (this.#held?.proposer === name && this.#held.actor !== actor) this.release();
  }

  #remember({ actor, number }: ProposalId): void {
    const past = this.#past.get(actor) ?? 0;
    this.#past.delete(actor);
    this.#past.set(actor, Math.max(past, number));
    if (this.#past.size <= MAX_PROPOSERS) return;
    const [oldest] = this.#past.keys();
    this.#past.delete(oldest!);
  }
}

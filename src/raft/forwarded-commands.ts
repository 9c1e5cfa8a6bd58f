import { PROPOSAL_WINDOW } from './proposals.ts';
import type { ProposalRefusal } from './refusal.ts';

/** Processes whose commands a leader remembers in one term. */
const MAX_ORIGINS = 1_024;

/** What the leader said to a command when it first came. */
export type Verdict = 'appended' | ProposalRefusal;

interface Origin {
  floor: number;
  readonly verdicts: Map<number, Verdict>;
}

/**
 * A leader's memory of what was forwarded to it: a command that comes twice is appended once, and one that was refused stays refused.
 *
 * It need not outlive the leader. A command is meant for the leader of one term, and a term has one leader, which is one process
 * without a break in it: after a restart it is a follower, and can lead in a later term only.
 */
export class ForwardedCommands {
  readonly #origins = new Map<string, Origin>();

  /** What was said to this command; undefined of a new one, `decided` of one whose origin knows, or that is beyond what it may have undecided. */
  verdictOn(origin: string, floor: number, number: number): Verdict | 'decided' | undefined {
    const known = this.#origins.get(origin);
    if (known === undefined) return this.#origins.size < MAX_ORIGINS ? undefined : 'too-many-origins';
    if (floor > known.floor) {
      known.floor = floor;
      for (const old of known.verdicts.keys()) if (old < floor) known.verdicts.delete(old);
    }
    if (number < known.floor || number >= known.floor + PROPOSAL_WINDOW) return 'decided';
    return known.verdicts.get(number);
  }

  remember(origin: string, floor: number, number: number, verdict: Verdict): void {
    let known = this.#origins.get(origin);
    if (known === undefined) {
      known = { floor, verdicts: new Map() };
      this.#origins.set(origin, known);
    }
    known.verdicts.set(number, verdict);
  }
}

import type { Configuration, MemberId } from './configuration.ts';

/** The answers to one (pre-)candidate, in one term. Each voter counts once, and nobody else counts. */
export class Ballot {
  readonly #votes = new Map<MemberId, boolean>();

  /** A second answer of one voter changes nothing. */
  record(voter: MemberId, granted: boolean): void {
    if (!this.#votes.has(voter)) this.#votes.set(voter, granted);
  }

  outcome(configuration: Configuration): 'won' | 'lost' | 'open' {
    const { voters, majority } = configuration;
    const granted = voters.filter(voter => this.#votes.get(voter) === true).length;
    const refused = voters.filter(voter => this.#votes.get(voter) === false).length;
    if (voters.length > 0 && granted >= majority) return 'won';
    return refused > voters.length - majority ? 'lost' : 'open';
  }
}

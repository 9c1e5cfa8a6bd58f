/**
 * A member of a group: the actor under which its log was begun (`n1.00c0ffee00c0ffee`). It outlives restarts with the log and ends with it:
 * who lost the log, and with it votes and acknowledgements, is another member.
 */
export type MemberId = string;

/** Members of one group, learners included. Keeps messages that name them all small. */
export const MAX_MEMBERS = 64;

/**
 * One step from a configuration to the next. A voter always comes from a learner, and no step changes the voters by more than one, so
 * that a majority before the step and one after it share a voter (thesis §4.1).
 */
export interface ConfigurationChange {
  readonly type: 'add-learner' | 'promote' | 'remove';
  readonly member: MemberId;
}

/** Who votes (voters), and who only gets the log (learners). The one place that knows what a quorum is. */
export class Configuration {
  readonly voters: readonly MemberId[];
  readonly learners: readonly MemberId[];

  constructor(voters: readonly MemberId[], learners: readonly MemberId[] = []) {
    this.voters = [...voters].sort();
    this.learners = [...learners].sort();
  }

  /** A quorum's size. */
  get majority(): number {
    return Math.floor(this.voters.length / 2) + 1;
  }

  members(): readonly MemberId[] {
    return [...this.voters, ...this.learners];
  }

  isVoter(id: MemberId): boolean {
    return this.voters.includes(id);
  }

  isMember(id: MemberId): boolean {
    return this.isVoter(id) || this.learners.includes(id);
  }

  /** The greatest number that a majority of the voters has reached; 0 when nobody votes. */
  reachedByMajority(numberOf: (voter: MemberId) => number): number {
    const numbers = this.voters.map(numberOf).sort((a, b) => b - a);
    return numbers[this.majority - 1] ?? 0;
  }

  /** The next configuration, or why there is none. */
  changed({ type, member }: ConfigurationChange): Configuration | ChangeFault {
    const others = (ids: readonly MemberId[]) => ids.filter(id => id !== member);
    switch (type) {
      case 'add-learner':
        if (this.isMember(member)) return 'already-member';
        if (this.voters.length + this.learners.length >= MAX_MEMBERS) return 'too-many-members';
        return new Configuration(this.voters, [...this.learners, member]);
      case 'promote':
        if (!this.learners.includes(member)) return 'not-learner';
        return new Configuration([...this.voters, member], others(this.learners));
      case 'remove':
        if (!this.isMember(member)) return 'not-member';
        if (this.voters.length === 1 && this.isVoter(member)) return 'last-voter';
        return new Configuration(others(this.voters), others(this.learners));
    }
  }
}

export type ChangeFault = 'already-member' | 'too-many-members' | 'not-learner' | 'not-member' | 'last-voter';

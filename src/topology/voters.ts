import type { NodeName } from '../ports/outbox.ts';
import type { Configuration, ConfigurationChange, MemberId } from '../raft/configuration.ts';

/** A node that may vote, and the member of the group that it is or would be. */
export interface Candidate {
  readonly name: NodeName;
  readonly zone: string;
  readonly id: MemberId;
}

/** What is known of the nodes when the group is looked after. */
export interface Electorate {
  /** How many members there are; and those that own slots, are to stay, and live. */
  readonly members: number;
  readonly living: readonly Candidate[];
  /** Whether no process will ever be this member again. */
  isGone(id: MemberId): boolean;
}

/** How many vote among so many members: an odd number, for an even one bears no more losses than the next smaller. */
export function votersWanted(members: number): number {
  return members >= 5 ? 5 : members >= 3 ? 3 : 1;
}

/** So many of the candidates, from as many zones as there are; the same on every node. */
export function chooseVoters(candidates: readonly Candidate[], count: number): readonly MemberId[] {
  const chosen: Candidate[] = [];
  while (chosen.length < count) {
    const next = fittest(candidates, chosen);
    if (next === undefined) break;
    chosen.push(next);
  }
  return chosen.map(({ id }) => id);
}

/**
 * The next step towards as many living voters as are wanted, from different zones; undefined while there is none to take. Who is gone for good
 * goes at once. Who cannot be reached, or is about to leave, goes when another has taken its place: it may yet be needed for a majority.
 */
export function nextStep(
  { voters, learners }: Configuration,
  { members, living, isGone }: Electorate,
): ConfigurationChange | undefined {
  const remove = (member: MemberId) => ({ type: 'remove', member }) as const;
  const lives = (id: MemberId) => living.some(candidate => candidate.id === id);
  const goneLearner = learners.find(id => !lives(id));
  if (goneLearner !== undefined) return remove(goneLearner);
  const goneVoter = voters.find(isGone);
  if (goneVoter !== undefined && voters.length > 1) return remove(goneVoter);
  const wanted = votersWanted(members);
  const sound = voters.filter(lives);
  const [learner] = learners;
  if (sound.length < wanted) {
    if (learner !== undefined) return { type: 'promote', member: learner };
    const next = fittest(
      living,
      living.filter(({ id }) => sound.includes(id)),
    );
    return next && { type: 'add-learner', member: next.id };
  }
  if (learner !== undefined) return remove(learner);
  if (voters.length <= wanted) return undefined;
  return remove(voters.find(id => !lives(id)) ?? leastFit(living, sound));
}

/** The first by name of those that are not among `others`, of the zones that have fewest of them. */
function fittest(candidates: readonly Candidate[], others: readonly Candidate[]): Candidate | undefined {
  const free = candidates.filter(({ id }) => others.every(other => other.id !== id));
  const crowd = (zone: string) => others.filter(other => other.zone === zone).length;
  return [...free].sort((a, b) => crowd(a.zone) - crowd(b.zone) || (a.name < b.name ? -1 : 1))[0];
}

/** The last by name in the zone that has most voters. */
function leastFit(living: readonly Candidate[], voters: readonly MemberId[]): MemberId {
  const voting = living.filter(({ id }) => voters.includes(id));
  const crowd = (zone: string) => voting.filter(other => other.zone === zone).length;
  return [...voting].sort((a, b) => crowd(b.zone) - crowd(a.zone) || (a.name < b.name ? 1 : -1))[0]!.id;
}

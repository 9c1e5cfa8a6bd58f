/** A number of replicas as configured: a count, or a word that depends on how many replicas there are. */
export type ReplicaCount = number | 'one' | 'quorum' | 'all';

/**
 * How many replicas a word stands for where there are `replicas` of them; a number is cut to that. `replicas` is
 * min(N, members of the ring), never the number of members that happen to live (DESIGN §1).
 */
export function resolveCount(count: ReplicaCount, replicas: number): number {
  switch (count) {
    case 'one':
      return 1;
    case 'quorum':
      return Math.floor(replicas / 2) + 1;
    case 'all':
      return replicas;
    default:
      return Math.min(count, replicas);
  }
}

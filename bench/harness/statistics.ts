import { assert } from '../../src/lib/assert.ts';

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  assert(values.length > 0, 'Cannot take the median: there are no values');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** How one contestant's figures compare to another's that were taken in the same rounds. */
export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * The ratios round by round. What slows a whole round down, such as another process, is in both figures of a pair and
 * falls out of their ratio; it would not fall out of a ratio of medians.
 */
export function pairwiseRatio(ours: readonly number[], theirs: readonly number[]): Ratio {
  assert(ours.length === theirs.length, `Cannot pair ${ours.length} figures with ${theirs.length}`);
  const ratios = ours.map((figure, round) => figure / theirs[round]!);
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

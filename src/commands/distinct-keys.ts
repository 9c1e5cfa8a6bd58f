/**
 * Where each key of a command stands the last time, in no order that matters. A command that writes a key twice at
 * once would leave it open which of the two writes is the later one: a coordinator that stamps the first again, because
 * a replica was ahead of it, puts it above the second.
 *
 * Keys are sorted and not hashed, so that none can be aimed at a hash, and the longest need no string.
 *
 * @param step 1 where every argument is a key, 2 where every other one is.
 * @returns indexes into `args`.
 */
export function lastMentions(args: readonly Buffer[], step: 1 | 2): number[] {
  const indexes: number[] = [];
  for (let i = 1; i < args.length; i += step) indexes.push(i);
  indexes.sort((a, b) => Buffer.compare(args[a]!, args[b]!) || a - b);
  return indexes.filter((index, i) => {
    const next = indexes[i + 1];
    return next === undefined || Buffer.compare(args[index]!, args[next]!) !== 0;
  });
}

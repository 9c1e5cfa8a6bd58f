/** The sign that a time is none that there can be. */
export const OUT_OF_RANGE = -1;

/** The earliest time of expiry: 0 would say that there is none. */
const EARLIEST_MS = 1;

/**
 * The time `amount` units after `baseMs`. One that is long past comes out as the earliest there is. Redis takes times
 * up to 2^63 ms; here they end with the safe integers, in the year 287396.
 *
 * @returns Unix milliseconds, above 0, or `OUT_OF_RANGE`.
 */
export function expiryAtMs(amount: number, unitMs: 1 | 1000, baseMs: number): number {
  const atMs = amount * unitMs + Math.floor(baseMs);
  if (!(atMs <= Number.MAX_SAFE_INTEGER) || amount * unitMs < MIN_INT64) return OUT_OF_RANGE;
  return Math.max(atMs, EARLIEST_MS);
}

const MIN_INT64 = -(2 ** 63);

export function invalidExpireTime(command: string): string {
  return `ERR invalid expire time in '${command}' command`;
}

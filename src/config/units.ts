/** What each suffix multiplies by, as in redis.conf: `k` is a thousand, `kb` is 1,024. */
const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['k', 1e3],
  ['kb', 1024],
  ['m', 1e6],
  ['mb', 1024 ** 2],
  ['g', 1e9],
  ['gb', 1024 ** 3],
]);

const DURATION_UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Bytes of a size such as `512mb`, `1g` or `4096`; undefined when it is none or not a whole number of bytes. */
export function parseSize(text: string): number | undefined {
  return parseWithUnit(text.toLowerCase(), SIZE_UNITS);
}

/** Milliseconds of a duration such as `500ms`, `1.5s` or `2h`. It needs a unit, except for `0`. */
export function parseDuration(text: string): number | undefined {
  return text === '0' ? 0 : parseWithUnit(text.toLowerCase(), DURATION_UNITS_MS);
}

function parseWithUnit(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?) ?([a-z]*)$/.exec(text);
  const factor = units.get(match?.[2] ?? '');
  if (match === null || factor === undefined) return undefined;
  const value = Number(match[1]) * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

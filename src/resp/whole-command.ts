import { CR, DOLLAR, LF, NINE, STAR, ZERO } from './ascii.ts';

/** What `endOfWholeCommand` answers when it cannot vouch for the command. */
export const NOT_WHOLE = -1;

const MAX_DIGITS = 7;

/**
 * The hot half of the framing: finds the end of a multibulk command that lies complete in `bytes`, looking at its
 * headers and CRLFs only and allocating nothing. It knows one answer besides: anything incomplete, over a limit, empty
 * or malformed is `NOT_WHOLE`, and `CommandFramer`, which keeps its place and has all the words, looks at it instead.
 *
 * @returns the offset behind the command's last CRLF, or `NOT_WHOLE`.
 */
export function endOfWholeCommand(bytes: Uint8Array, from: number, maxArguments: number, maxBulkBytes: number): number {
  const size = bytes.length;
  if (bytes[from] !== STAR) return NOT_WHOLE;
  const count = readNumber(bytes, from + 1, size);
  let left = count >> 3;
  if (left <= 0 || left > maxArguments) return NOT_WHOLE;
  let at = from + 3 + (count & 7);
  while (left-- > 0) {
    if (at >= size || bytes[at] !== DOLLAR) return NOT_WHOLE;
    const header = readNumber(bytes, at + 1, size);
    const length = header >> 3;
    if (length < 0 || length > maxBulkBytes) return NOT_WHOLE;
    at += 5 + (header & 7) + length;
    if (at > size || bytes[at - 2] !== CR || bytes[at - 1] !== LF) return NOT_WHOLE;
  }
  return at;
}

/**
 * A decimal number of up to seven digits without leading zeros and the CRLF behind it. Two results in one small
 * integer, for speed: `value << 3 | digits`, or negative for anything else.
 */
function readNumber(bytes: Uint8Array, at: number, size: number): number {
  if (at + 2 >= size) return -1;
  let value = bytes[at]! - ZERO;
  if (value < 0 || value > 9) return -1;
  let digits = 1;
  for (let byte = bytes[at + 1]!; byte !== CR; byte = bytes[at + digits]!) {
    if (byte < ZERO || byte > NINE || value === 0 || digits === MAX_DIGITS || at + digits + 2 >= size) return -1;
    value = value * 10 + byte - ZERO;
    digits++;
  }
  return bytes[at + digits + 1] === LF ? (value << 3) | digits : -1;
}

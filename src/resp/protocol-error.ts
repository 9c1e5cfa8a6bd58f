/**
 * Every reason to end a connection, in Redis 7's words (networking.c, `processInlineBuffer` and
 * `processMultibulkBuffer`). `-ERR ` belongs in front. Redis has no text for the last one, because it never looks.
 */
export const PROTOCOL_ERROR = {
  tooBigInline: 'Protocol error: too big inline request',
  unbalancedQuotes: 'Protocol error: unbalanced quotes in request',
  tooBigCount: 'Protocol error: too big mbulk count string',
  invalidCount: 'Protocol error: invalid multibulk length',
  unauthenticatedCount: 'Protocol error: unauthenticated multibulk length',
  tooBigLength: 'Protocol error: too big bulk count string',
  invalidLength: 'Protocol error: invalid bulk length',
  unauthenticatedLength: 'Protocol error: unauthenticated bulk length',
  missingCrlf: 'Protocol error: expected CRLF after bulk',
} as const;

/** Never sent: the connection of a cross-protocol attack is closed without a word. */
export const CROSS_PROTOCOL = 'Possible SECURITY ATTACK detected: POST or Host: is HTTP, not a Redis command';

/**
 * The refusal of an array element that is not a bulk string. What Redis would print raw and a terminal could trip
 * over stands as `\xHH`; CR and LF, which Redis blanks, are blanks.
 */
export function expectedDollar(got: number): string {
  return `Protocol error: expected '$', got '${printable(got)}'`;
}

function printable(byte: number): string {
  if (byte === 0x0d || byte === 0x0a) return ' ';
  if (byte >= 0x20 && byte <= 0x7e) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

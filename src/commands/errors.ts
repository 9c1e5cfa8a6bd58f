import type { ReplyWriter } from '../resp/reply-writer.ts';

/** Redis 7's words for what several commands refuse. */
export const SYNTAX_ERROR = 'ERR syntax error';
export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';
/** Redis's words, which client libraries look for. */
export const LOADING = 'LOADING Redis is loading the dataset in memory';

/** What a node without a data-dir says to whoever wants something saved. */
export const NO_DISK = 'ERR this node keeps everything in memory: it has no data-dir';

export const NO_AUTH = 'NOAUTH Authentication required.';

/** The most that an error repeats of what a client sent (server.c, `commandCheckExistence`). */
const MAX_ECHOED_BYTES = 128;

/** @param fullName `get`, or `client|setname`. */
export function wrongArity(fullName: string): string {
  return `ERR wrong number of arguments for '${fullName}' command`;
}

/** @returns latin1, for `writeErrorBytes`. */
export function unknownCommand(args: readonly Buffer[]): string {
  let echoed = '';
  for (let i = 1; i < args.length && echoed.length < MAX_ECHOED_BYTES; i++) {
    echoed += `'${echo(args[i]!, MAX_ECHOED_BYTES - echoed.length)}' `;
  }
  return `ERR unknown command '${echo(args[0]!)}', with args beginning with: ${echoed}`;
}

/** @returns latin1, for `writeErrorBytes`. */
export function unknownSubcommand(args: readonly Buffer[]): string {
  const container = echo(args[0]!).toUpperCase();
  return `ERR unknown subcommand '${echo(args[1]!)}'. Try ${container} HELP.`;
}

/**
 * What an error repeats of an argument: bytes as latin1, at most `limit` of them, and nothing from a NUL on, because
 * Redis prints a C string.
 */
export function echo(argument: Buffer, limit = MAX_ECHOED_BYTES): string {
  const nul = argument.subarray(0, limit).indexOf(0);
  return argument.toString('latin1', 0, nul < 0 ? Math.min(limit, argument.length) : nul);
}

/** Writes an error that repeats a client's bytes as they came; CR and LF become blanks, since they would end it. */
export function writeErrorBytes(reply: ReplyWriter, latin1: string): void {
  reply.raw(Buffer.from(`-${latin1.replaceAll(/[\r\n]/g, ' ')}\r\n`, 'latin1'));
}

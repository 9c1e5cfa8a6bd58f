import type { CommandContext } from './context.ts';

/** The flags of Redis's command table that mean something here, in the order in which `COMMAND` lists them. */
export const COMMAND_FLAGS = [
  'write',
  'readonly',
  'denyoom',
  'admin',
  'noscript',
  'loading',
  'stale',
  'skip_monitor',
  'fast',
  'no_auth',
  'no_async_loading',
  'no_multi',
  'allow_busy',
] as const;

export type CommandFlag = (typeof COMMAND_FLAGS)[number];

/** Which arguments are keys: every `step`-th from `first` to `last` (negative: counted from the end), as Redis has it. */
export interface KeyPositions {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

export const NO_KEYS: KeyPositions = { first: 0, last: 0, step: 0 };
export const FIRST_ARGUMENT: KeyPositions = { first: 1, last: 1, step: 1 };
/** The first argument of a subcommand. */
export const SECOND_ARGUMENT: KeyPositions = { first: 2, last: 2, step: 1 };
export const EVERY_ARGUMENT: KeyPositions = { first: 1, last: -1, step: 1 };
export const EVERY_OTHER_ARGUMENT: KeyPositions = { first: 1, last: -1, step: 2 };

/** A command as data: what `COMMAND` says of it, what is checked before it runs, and how it runs. */
export interface Command {
  /** Lower case; a subcommand's own name, without its container's. */
  readonly name: string;
  /** The number of arguments, the name included; −n: at least n. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  readonly keys: KeyPositions;
  /** What is done with the keys, in the words of Redis's key specifications (`RO`, `access`); with keys only. */
  readonly keyFlags?: readonly string[];
  readonly keyNotes?: string;
  /** What one call does with its keys, where that depends on its arguments. */
  keyFlagsOf?(args: readonly Buffer[]): readonly string[];
  /** Redis's ACL categories, without the `@`, beyond those that follow from the flags. */
  readonly categories: readonly string[];
  /** Hints for proxies and cluster clients ("Command tips" in Redis's documentation). */
  readonly tips?: readonly string[];
  /** One sentence, for `COMMAND DOCS`. */
  readonly summary: string;
  readonly since: string;
  readonly group: string;
  readonly complexity: string;
  /** A container runs one of these, by its second argument. */
  readonly subcommands?: readonly Command[];
  run(context: CommandContext): void;
}

/** The indexes of the arguments that are keys. */
export function keyIndexes({ first, last, step }: KeyPositions, argumentCount: number): number[] {
  const indexes: number[] = [];
  if (first === 0) return indexes;
  const end = last < 0 ? argumentCount + last : last;
  for (let i = first; i <= end && i < argumentCount; i += step) indexes.push(i);
  return indexes;
}

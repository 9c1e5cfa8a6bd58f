import type { CommandContext } from './context.ts';

/** The flags of Redis's command table that mean something here. */
export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'fast'
  | 'loading'
  | 'stale'
  | 'noscript'
  | 'no_auth'
  | 'skip_monitor'
  | 'allow_busy';

/** Which arguments are keys: every `step`-th from `first` to `last` (negative: counted from the end), as Redis has it. */
export interface KeyPositions {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

export const NO_KEYS: KeyPositions = { first: 0, last: 0, step: 0 };
export const FIRST_ARGUMENT: KeyPositions = { first: 1, last: 1, step: 1 };
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
  /** Redis's ACL categories, without the `@`. */
  readonly categories: readonly string[];
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

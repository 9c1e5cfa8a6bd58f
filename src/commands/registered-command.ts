import { type Command, type CommandFlag, type KeyPositions, keyIndexes } from './command.ts';
import { CommandNames } from './command-names.ts';
import type { CommandContext } from './context.ts';

const NO_INDEXES: readonly number[] = [];
const ONLY_FIRST: readonly number[] = [1];

/** A command in the table, with what its data says worked out. All are of one shape, which keeps the dispatch fast. */
export class RegisteredCommand {
  readonly definition: Command;
  /** As errors and `COMMAND` name it: `client|setname`. */
  readonly fullName: string;
  readonly keys: KeyPositions;
  readonly hasKeys: boolean;
  readonly isWrite: boolean;
  /** Whether a client that has not authenticated may run it. */
  readonly isOpenToAll: boolean;
  /** Undefined unless it is a container. */
  readonly subcommands: CommandNames | undefined;
  readonly #run: (context: CommandContext) => void;
  readonly #minArguments: number;
  readonly #maxArguments: number;

  constructor(definition: Command, container?: string) {
    const { name, arity, keys, flags, subcommands } = definition;
    this.definition = definition;
    this.fullName = container === undefined ? name : `${container}|${name}`;
    this.keys = keys;
    this.hasKeys = keys.first > 0;
    this.isWrite = this.has('write');
    this.isOpenToAll = flags.includes('no_auth');
    this.subcommands = subcommands && new CommandNames(subcommands.map(each => new RegisteredCommand(each, name)));
    this.#run = definition.run;
    this.#minArguments = Math.abs(arity);
    this.#maxArguments = arity < 0 ? Number.POSITIVE_INFINITY : arity;
  }

  /** Its own name, without its container's. */
  get name(): string {
    return this.definition.name;
  }

  has(flag: CommandFlag): boolean {
    return this.definition.flags.includes(flag);
  }

  /** Whether it may have so many arguments, its name included. */
  takes(argumentCount: number): boolean {
    return argumentCount >= this.#minArguments && argumentCount <= this.#maxArguments;
  }

  run(context: CommandContext): void {
    this.#run(context);
  }

  /** The indexes of the arguments that are keys. Not to be changed; with one key it is the same array each time. */
  keyIndexes(argumentCount: number): readonly number[] {
    if (!this.hasKeys) return NO_INDEXES;
    if (this.keys.first === 1 && (this.keys.last === 1 || argumentCount === 2)) return ONLY_FIRST;
    return keyIndexes(this.keys, argumentCount);
  }
}

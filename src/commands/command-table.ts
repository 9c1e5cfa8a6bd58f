import type { Command } from './command.ts';
import { CommandNames } from './command-names.ts';
import type { CommandContext } from './context.ts';
import { LOADING, NO_AUTH, unknownCommand, unknownSubcommand, writeErrorBytes, wrongArity } from './errors.ts';
import { RegisteredCommand } from './registered-command.ts';

/** Every command, and what is checked before one runs. */
export class CommandTable {
  readonly #names: CommandNames;

  constructor(commands: readonly Command[]) {
    this.#names = new CommandNames(commands.map(command => new RegisteredCommand(command)));
  }

  /** In alphabetical order, containers once. */
  get all(): readonly RegisteredCommand[] {
    return this.#names.all;
  }

  /** By name, whatever the case; a container for what is its. */
  lookup(name: Uint8Array): RegisteredCommand | undefined {
    return this.#names.find(name);
  }

  /** The command that `args` call for: a subcommand where the first is a container and the second is one of its. */
  lookupCall(args: readonly Uint8Array[], start = 0): RegisteredCommand | undefined {
    const command = this.#names.find(args[start]!);
    if (command?.subcommands === undefined || args.length === start + 1) return command;
    return command.subcommands.find(args[start + 1]!);
  }

  /** By full name: `get`, `client`, `client|setname`. */
  lookupFullName(name: Buffer): RegisteredCommand | undefined {
    const bar = name.indexOf('|');
    if (bar < 0) return this.#names.find(name);
    return this.#names.find(name.subarray(0, bar))?.subcommands?.find(name.subarray(bar + 1));
  }

  /**
   * The command to run, or undefined when there is none to run: then its error has been written. In Redis's order
   * (server.c, `processCommand`): existence, number of arguments, authentication, whether the data is there, state of the cluster.
   */
  resolve(context: CommandContext): RegisteredCommand | undefined {
    const { args, reply, connection, server } = context;
    const command = this.lookupCall(args);
    if (command === undefined) {
      writeErrorBytes(reply, this.#names.find(args[0]!) ? unknownSubcommand(args) : unknownCommand(args));
    } else if (!command.takes(args.length)) {
      reply.error(wrongArity(command.fullName));
    } else if (!connection.authenticated && !command.isOpenToAll) {
      reply.error(NO_AUTH);
    } else if (server.isLoading && !command.has('loading')) {
      reply.error(LOADING);
    } else if (command.hasKeys && server.cluster === undefined) {
      reply.error(`CLUSTERDOWN The cluster has not been founded: ${server.unfoundedReason}`);
    } else {
      return command;
    }
    return undefined;
  }
}

import { assert } from '../lib/assert.ts';
import { type Command, NO_KEYS } from './command.ts';

/** What a command that only holds subcommands has of its own. */
type ContainerData = Pick<Command, 'name' | 'summary' | 'since' | 'group'>;

/**
 * A command that does nothing but hold subcommands, with `HELP` among them.
 *
 * @param help the lines of `HELP` between its first and its last two.
 */
export function container(data: ContainerData, subcommands: readonly Command[], help: readonly string[]): Command {
  return {
    ...data,
    arity: -2,
    flags: [],
    keys: NO_KEYS,
    categories: [],
    complexity: 'Depends on subcommand.',
    subcommands: [...subcommands, helpCommand(data.name, data.group, help)],
    run: () => assert(false, `Cannot run ${data.name}: it only holds subcommands`),
  };
}

/** The `HELP` of a container, as Redis lays it out (networking.c, `addReplyHelp`). */
export function helpCommand(name: string, group: string, help: readonly string[]): Command {
  const lines = [
    `${name.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...help,
    'HELP',
    '    Prints this help.',
  ];
  return {
    name: 'help',
    arity: 2,
    flags: ['loading', 'stale'],
    keys: NO_KEYS,
    categories: group === 'connection' || name === 'command' ? ['connection'] : [],
    summary: 'Show helpful text about the different subcommands',
    since: '5.0.0',
    group,
    complexity: 'O(1)',
    run({ reply }) {
      reply.array(lines.length);
      for (const line of lines) reply.simple(line);
    },
  };
}

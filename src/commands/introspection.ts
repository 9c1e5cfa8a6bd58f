import type { ReplyWriter } from '../resp/reply-writer.ts';
import { isWord } from './arguments.ts';
import { type Command, NO_KEYS } from './command.ts';
import { categoriesOf, writeCommandDocs, writeCommandInfo, writeKeyFlags } from './command-details.ts';
import type { CommandTable } from './command-table.ts';
import { helpCommand } from './container.ts';
import type { CommandContext } from './context.ts';
import { SYNTAX_ERROR } from './errors.ts';
import { matchesGlob } from './glob.ts';
import type { RegisteredCommand } from './registered-command.ts';

/** What the subcommands of COMMAND have in common. */
const OF_COMMAND = {
  flags: ['loading', 'stale'],
  keys: NO_KEYS,
  categories: ['connection'],
  group: 'server',
} as const;

const UNORDERED = ['nondeterministic_output_order'];

/** `COMMAND` with its subcommands. They speak of the table that they are in, hence `table`. */
export function commandCommand(table: () => CommandTable): Command {
  return {
    ...OF_COMMAND,
    name: 'command',
    arity: -1,
    tips: UNORDERED,
    summary: 'Get array of Redis command details',
    since: '2.8.13',
    complexity: 'O(N) where N is the total number of Redis commands',
    subcommands: [...subcommands(table), helpCommand('command', 'server', HELP)],
    run: ({ reply }) => writeAll(reply, table()),
  };
}

function subcommands(table: () => CommandTable): Command[] {
  return [
    {
      ...OF_COMMAND,
      name: 'count',
      arity: 2,
      summary: 'Get total number of Redis commands',
      since: '2.8.13',
      complexity: 'O(1)',
      run: ({ reply }) => reply.integer(table().all.length),
    },
    {
      ...OF_COMMAND,
      name: 'info',
      arity: -2,
      tips: UNORDERED,
      summary: 'Get array of specific Redis command details, or all when no argument is given.',
      since: '2.8.13',
      complexity: 'O(N) where N is the number of commands to look up',
      run: context => replyInfo(context, table()),
    },
    {
      ...OF_COMMAND,
      name: 'docs',
      arity: -2,
      tips: UNORDERED,
      summary: 'Get array of specific Redis command documentation',
      since: '7.0.0',
      complexity: 'O(N) where N is the number of commands to look up',
      run: context => replyDocs(context, table()),
    },
    {
      ...OF_COMMAND,
      name: 'getkeys',
      arity: -4,
      summary: 'Extract keys given a full Redis command',
      since: '2.8.13',
      complexity: 'O(N) where N is the number of arguments to the command',
      run: context => replyKeys(context, table(), false),
    },
    {
      ...OF_COMMAND,
      name: 'getkeysandflags',
      arity: -4,
      summary: 'Extract keys and access flags given a full Redis command',
      since: '7.0.0',
      complexity: 'O(N) where N is the number of arguments to the command',
      run: context => replyKeys(context, table(), true),
    },
    {
      ...OF_COMMAND,
      name: 'list',
      arity: -2,
      tips: UNORDERED,
      summary: 'Get an array of Redis command names',
      since: '7.0.0',
      complexity: 'O(N) where N is the total number of Redis commands',
      run: context => replyList(context, table()),
    },
  ];
}

function writeAll(reply: ReplyWriter, table: CommandTable): void {
  reply.array(table.all.length);
  for (const command of table.all) writeCommandInfo(reply, command);
}

/** `COMMAND INFO [name …]`: null for each that there is not. */
function replyInfo({ args, reply }: CommandContext, table: CommandTable): void {
  if (args.length === 2) return writeAll(reply, table);
  reply.array(args.length - 2);
  for (const name of args.slice(2)) {
    const command = table.lookupFullName(name);
    if (command === undefined) reply.nullBulk();
    else writeCommandInfo(reply, command);
  }
}

/** `COMMAND DOCS [name …]`: nothing for one that there is not. */
function replyDocs({ args, reply }: CommandContext, table: CommandTable): void {
  const commands = args.length === 2 ? table.all : args.slice(2).flatMap(name => table.lookupFullName(name) ?? []);
  reply.map(commands.length);
  for (const command of commands) {
    reply.bulkString(command.fullName);
    writeCommandDocs(reply, command);
  }
}

/** `COMMAND GETKEYS command argument …`. */
function replyKeys({ args, reply }: CommandContext, table: CommandTable, withFlags: boolean): void {
  const call = args.slice(2);
  const command = table.lookupCall(call);
  if (command === undefined) return reply.error('ERR Invalid command specified');
  if (!command.hasKeys) return reply.error('ERR The command has no key arguments');
  if (!command.takes(call.length)) return reply.error('ERR Invalid number of arguments specified for command');
  const indexes = command.keyIndexes(call.length);
  reply.array(indexes.length);
  for (const index of indexes) {
    if (withFlags) reply.array(2);
    reply.bulkRange(call[index]!, 0, call[index]!.length);
    if (withFlags) writeKeyFlags(reply, command, call);
  }
}

/** `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`. */
function replyList({ args, reply }: CommandContext, table: CommandTable): void {
  const wanted = args.length === 2 ? () => true : filterOf(args);
  if (wanted === undefined) return reply.error(SYNTAX_ERROR);
  const names = table.all
    .flatMap(command => [command, ...(command.subcommands?.all ?? [])])
    .filter(wanted)
    .map(command => command.fullName);
  reply.array(names.length);
  for (const name of names) reply.bulkString(name);
}

function filterOf(args: readonly Buffer[]): ((command: RegisteredCommand) => boolean) | undefined {
  const [, , filterBy, kind, argument] = args;
  if (args.length !== 5 || !isWord(filterBy!, 'filterby')) return undefined;
  const text = argument!.toString('latin1', 0, MAX_FILTER_BYTES);
  if (isWord(kind!, 'module')) return () => false;
  if (isWord(kind!, 'aclcat')) return command => categoriesOf(command).includes(text.toLowerCase());
  if (isWord(kind!, 'pattern')) return command => matchesGlob(command.fullName, text);
  return undefined;
}

/** More than any pattern that matches a command's name needs. */
const MAX_FILTER_BYTES = 2048;

const HELP = [
  '(no subcommand)',
  '    Return details about all Redis commands.',
  'COUNT',
  '    Return the total number of commands in this Redis server.',
  'LIST',
  '    Return a list of all commands in this Redis server.',
  'INFO [<command-name> ...]',
  '    Return details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'DOCS [<command-name> ...]',
  '    Return documentation details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'GETKEYS <full-command>',
  '    Return the keys from a full Redis command.',
  'GETKEYSANDFLAGS <full-command>',
  '    Return the keys and the access flags from a full Redis command.',
];

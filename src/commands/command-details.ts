import type { ReplyWriter } from '../resp/reply-writer.ts';
import { COMMAND_FLAGS } from './command.ts';
import type { RegisteredCommand } from './registered-command.ts';

/** The order in which Redis lists ACL categories (acl.c, `ACLCommandCategories`). */
const CATEGORIES = ['keyspace', 'read', 'write', 'string', 'admin', 'fast', 'slow', 'dangerous', 'connection'] as const;

/** The categories of a command, those included that follow from its flags (server.c, `setImplicitACLCategories`). */
export function categoriesOf(command: RegisteredCommand): string[] {
  const isAdmin = command.has('admin');
  const all = new Set([
    ...command.definition.categories,
    ...(command.has('readonly') ? ['read'] : []),
    ...(command.has('write') ? ['write'] : []),
    ...(isAdmin ? ['admin', 'dangerous'] : []),
    command.has('fast') ? 'fast' : 'slow',
  ]);
  return CATEGORIES.filter(category => all.has(category));
}

/** A command as `COMMAND` and `COMMAND INFO` show it (server.c, `addReplyCommandInfo`). */
export function writeCommandInfo(reply: ReplyWriter, command: RegisteredCommand): void {
  const { arity, keys, tips = [] } = command.definition;
  reply.array(10);
  reply.bulkString(command.fullName);
  reply.integer(arity);
  writeSetOfNames(
    reply,
    COMMAND_FLAGS.filter(flag => command.has(flag)),
  );
  reply.integer(keys.first);
  reply.integer(keys.last);
  reply.integer(keys.step);
  writeSetOfNames(
    reply,
    categoriesOf(command).map(category => `@${category}`),
  );
  reply.set(tips.length);
  for (const tip of tips) reply.bulkString(tip);
  writeKeySpecification(reply, command);
  if (command.subcommands === undefined) reply.set(0);
  else {
    reply.array(command.subcommands.all.length);
    for (const subcommand of command.subcommands.all) writeCommandInfo(reply, subcommand);
  }
}

/** A command as `COMMAND DOCS` shows it, without what Redis tells of its arguments and history. */
export function writeCommandDocs(reply: ReplyWriter, command: RegisteredCommand): void {
  const { summary, since, group, complexity } = command.definition;
  const texts = Object.entries({ summary, since, group, complexity });
  reply.map(texts.length + (command.subcommands === undefined ? 0 : 1));
  for (const [name, text] of texts) {
    reply.bulkString(name);
    reply.bulkString(text);
  }
  if (command.subcommands === undefined) return;
  reply.bulkString('subcommands');
  reply.map(command.subcommands.all.length);
  for (const subcommand of command.subcommands.all) {
    reply.bulkString(subcommand.fullName);
    writeCommandDocs(reply, subcommand);
  }
}

/** What a call does with its keys, in Redis's words. */
export function writeKeyFlags(reply: ReplyWriter, command: RegisteredCommand, call: readonly Buffer[]): void {
  const { keyFlags = [], keyFlagsOf } = command.definition;
  writeSetOfNames(reply, keyFlagsOf?.(call) ?? keyFlags);
}

/** Redis's key specification of a range of arguments: where it begins, and where it ends counted from there. */
function writeKeySpecification(reply: ReplyWriter, command: RegisteredCommand): void {
  const { keys, keyNotes, keyFlags = [] } = command.definition;
  reply.set(command.hasKeys ? 1 : 0);
  if (!command.hasKeys) return;
  reply.map(keyNotes === undefined ? 3 : 4);
  if (keyNotes !== undefined) {
    reply.bulkString('notes');
    reply.bulkString(keyNotes);
  }
  reply.bulkString('flags');
  writeSetOfNames(reply, keyFlags);
  reply.bulkString('begin_search');
  writeTyped(reply, 'index', { index: keys.first });
  reply.bulkString('find_keys');
  const lastkey = keys.last < 0 ? keys.last : keys.last - keys.first;
  writeTyped(reply, 'range', { lastkey, keystep: keys.step, limit: 0 });
}

function writeTyped(reply: ReplyWriter, type: string, specification: Readonly<Record<string, number>>): void {
  reply.map(2);
  reply.bulkString('type');
  reply.bulkString(type);
  reply.bulkString('spec');
  const entries = Object.entries(specification);
  reply.map(entries.length);
  for (const [name, value] of entries) {
    reply.bulkString(name);
    reply.integer(value);
  }
}

function writeSetOfNames(reply: ReplyWriter, names: readonly string[]): void {
  reply.set(names.length);
  for (const name of names) reply.simple(name);
}

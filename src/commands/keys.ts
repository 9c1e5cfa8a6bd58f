import { type Command, EVERY_ARGUMENT, FIRST_ARGUMENT } from './command.ts';
import type { CommandContext } from './context.ts';
import { lastMentions } from './distinct-keys.ts';
import { replyHowManyApplied, replyHowManyFound, replyWhetherApplied } from './replies.ts';

const DELETION = { kind: 'delete' } as const;

function remove({ args, keys }: CommandContext): void {
  if (args.length === 2) keys.write(args[1]!, DELETION, replyWhetherApplied);
  else {
    const writes = lastMentions(args, 1).map(index => ({ key: args[index]!, mutation: DELETION }));
    keys.writeAll(writes, replyHowManyApplied);
  }
}

const DEL: Command = {
  name: 'del',
  arity: -2,
  flags: ['write'],
  keys: EVERY_ARGUMENT,
  keyFlags: ['RM', 'delete'],
  categories: ['keyspace'],
  tips: ['request_policy:multi_shard', 'response_policy:agg_sum'],
  summary: 'Delete a key',
  since: '1.0.0',
  group: 'generic',
  complexity:
    'O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a string, the individual complexity for this key is O(M) where M is the number of elements in the list, set, sorted set or hash. Removing a single key that holds a string value is O(1).',
  run: remove,
};

/** DEL by another name: to drop a value is never slow here. */
const UNLINK: Command = {
  name: 'unlink',
  arity: -2,
  flags: ['write', 'fast'],
  keys: EVERY_ARGUMENT,
  keyFlags: ['RM', 'delete'],
  categories: ['keyspace'],
  tips: ['request_policy:multi_shard', 'response_policy:agg_sum'],
  summary: 'Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking.',
  since: '4.0.0',
  group: 'generic',
  complexity:
    'O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in order to reclaim memory, where N is the number of allocations the deleted objects where composed of.',
  run: remove,
};

const EXISTS: Command = {
  name: 'exists',
  arity: -2,
  flags: ['readonly', 'fast'],
  keys: EVERY_ARGUMENT,
  keyFlags: ['RO'],
  categories: ['keyspace'],
  tips: ['request_policy:multi_shard', 'response_policy:agg_sum'],
  summary: 'Determine if a key exists',
  since: '1.0.0',
  group: 'generic',
  complexity: 'O(N) where N is the number of keys to check.',
  run({ args, keys }) {
    if (args.length === 2) keys.read(args[1]!, false, (reply, found) => reply.integer(found === undefined ? 0 : 1));
    else keys.readAll(args.slice(1), false, replyHowManyFound);
  },
};

const TYPE: Command = {
  name: 'type',
  arity: 2,
  flags: ['readonly', 'fast'],
  keys: FIRST_ARGUMENT,
  keyFlags: ['RO'],
  categories: ['keyspace'],
  summary: 'Determine the type stored at key',
  since: '1.0.0',
  group: 'generic',
  complexity: 'O(1)',
  run: ({ args, keys }) =>
    keys.read(args[1]!, false, (reply, found) => reply.simple(found === undefined ? 'none' : 'string')),
};

export const KEY_COMMANDS: readonly Command[] = [DEL, UNLINK, EXISTS, TYPE];

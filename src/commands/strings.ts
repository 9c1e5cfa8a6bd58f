import { NEVER } from '../store/record.ts';
import { isWord } from './arguments.ts';
import { type Command, EVERY_ARGUMENT, EVERY_OTHER_ARGUMENT, FIRST_ARGUMENT } from './command.ts';
import type { CommandContext } from './context.ts';
import { lastMentions } from './distinct-keys.ts';
import { wrongArity } from './errors.ts';
import { replyOk, replyOkIfApplied, replyValue, replyValueBefore, replyValues } from './replies.ts';
import { parseSetOptions } from './set-options.ts';

const GET: Command = {
  name: 'get',
  arity: 2,
  flags: ['readonly', 'fast'],
  keys: FIRST_ARGUMENT,
  keyFlags: ['RO', 'access'],
  categories: ['string'],
  summary: 'Get the value of a key',
  since: '1.0.0',
  group: 'string',
  complexity: 'O(1)',
  run: context => context.keys.read(context.args[1]!, true, replyValue),
};

const SET: Command = {
  name: 'set',
  arity: -3,
  flags: ['write', 'denyoom'],
  keys: FIRST_ARGUMENT,
  keyFlags: ['RW', 'access', 'update', 'variable_flags'],
  keyNotes: 'RW and ACCESS due to the optional `GET` argument',
  keyFlagsOf: args =>
    args.some((option, i) => i >= 3 && isWord(option, 'get')) ? ['RW', 'access', 'update'] : ['OW', 'update'],
  categories: ['string'],
  summary: 'Set the string value of a key',
  since: '1.0.0',
  group: 'string',
  complexity: 'O(1)',
  run(context) {
    const { args, keys } = context;
    if (args.length === 3) keys.set(args[1]!, args[2]!);
    else setWithOptions(context);
  },
};

function setWithOptions({ args, keys, reply, server }: CommandContext): void {
  const options = parseSetOptions(args, server.wallMs());
  if (typeof options === 'string') {
    reply.error(options);
    return;
  }
  const project = options.returnBefore ? replyValueBefore : replyOkIfApplied;
  keys.write(args[1]!, { kind: 'set', value: args[2]!, ...options }, project);
}

const MGET: Command = {
  name: 'mget',
  arity: -2,
  flags: ['readonly', 'fast'],
  keys: EVERY_ARGUMENT,
  keyFlags: ['RO', 'access'],
  categories: ['string'],
  tips: ['request_policy:multi_shard'],
  summary: 'Get the values of all the given keys',
  since: '1.0.0',
  group: 'string',
  complexity: 'O(N) where N is the number of keys to retrieve.',
  run: ({ args, keys }) => keys.readAll(args.slice(1), true, replyValues),
};

const MSET: Command = {
  name: 'mset',
  arity: -3,
  flags: ['write', 'denyoom'],
  keys: EVERY_OTHER_ARGUMENT,
  keyFlags: ['OW', 'update'],
  categories: ['string'],
  tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
  summary: 'Set multiple keys to multiple values',
  since: '1.0.1',
  group: 'string',
  complexity: 'O(N) where N is the number of keys to set.',
  run({ args, keys, reply }) {
    if (args.length % 2 === 0) reply.error(wrongArity('mset'));
    else if (args.length === 3) keys.set(args[1]!, args[2]!);
    else {
      const writes = lastMentions(args, 2).map(index => ({
        key: args[index]!,
        mutation: {
          kind: 'set',
          value: args[index + 1]!,
          expiry: NEVER,
          condition: 'always',
          returnBefore: false,
        } as const,
      }));
      keys.writeAll(writes, replyOk);
    }
  },
};

const STRLEN: Command = {
  name: 'strlen',
  arity: 2,
  flags: ['readonly', 'fast'],
  keys: FIRST_ARGUMENT,
  keyFlags: ['RO'],
  categories: ['string'],
  summary: 'Get the length of the value stored in a key',
  since: '2.2.0',
  group: 'string',
  complexity: 'O(1)',
  run: ({ args, keys }) =>
    keys.read(args[1]!, false, (reply, found) => reply.integer(found === undefined ? 0 : found.length)),
};

export const STRING_COMMANDS: readonly Command[] = [GET, SET, MGET, MSET, STRLEN];

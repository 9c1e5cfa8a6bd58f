import { parseInteger } from './arguments.ts';
import { authenticate, DEFAULT_USER, userName, WRONG_PASSWORD } from './authentication.ts';
import { type Command, NO_KEYS } from './command.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR, wrongArity } from './errors.ts';
import { HELLO } from './hello.ts';

const PING: Command = {
  name: 'ping',
  arity: -1,
  flags: ['fast'],
  keys: NO_KEYS,
  categories: ['connection'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  summary: 'Ping the server',
  since: '1.0.0',
  group: 'connection',
  complexity: 'O(1)',
  run({ args, reply }) {
    if (args.length > 2) reply.error(wrongArity('ping'));
    else if (args.length === 1) reply.simple('PONG');
    else reply.bulkRange(args[1]!, 0, args[1]!.length);
  },
};

const ECHO: Command = {
  name: 'echo',
  arity: 2,
  flags: ['loading', 'stale', 'fast'],
  keys: NO_KEYS,
  categories: ['connection'],
  summary: 'Echo the given string',
  since: '1.0.0',
  group: 'connection',
  complexity: 'O(1)',
  run: ({ args, reply }) => reply.bulkRange(args[1]!, 0, args[1]!.length),
};

const SELECT: Command = {
  name: 'select',
  arity: 2,
  flags: ['loading', 'stale', 'fast'],
  keys: NO_KEYS,
  categories: ['connection'],
  summary: 'Change the selected database for the current connection',
  since: '1.0.0',
  group: 'connection',
  complexity: 'O(1)',
  run({ args, connection, reply }) {
    const db = parseInteger(args[1]!);
    if (db === undefined) reply.error(NOT_AN_INTEGER);
    else if (db !== (db | 0))
      reply.error(`ERR value is out of range, value must between ${-(2 ** 31)} and ${2 ** 31 - 1}`);
    else if (connection.select(db)) reply.ok();
    else reply.error('ERR DB index is out of range');
  },
};

const AUTH: Command = {
  name: 'auth',
  arity: -2,
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  keys: NO_KEYS,
  categories: ['connection'],
  summary: 'Authenticate to the server',
  since: '1.0.0',
  group: 'connection',
  complexity: 'O(N) where N is the number of passwords defined for the user',
  run(context) {
    const { args, reply, server } = context;
    const password = args[args.length - 1]!;
    const user = args.length === 2 ? DEFAULT_USER : userName(args[1]!);
    if (args.length > 3) reply.error(SYNTAX_ERROR);
    else if (args.length === 2 && server.checkPassword(user, password) === 'no password is set') {
      reply.error(
        'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
      );
    } else if (authenticate(context, user, password)) reply.ok();
    else reply.error(WRONG_PASSWORD);
  },
};

const QUIT: Command = {
  name: 'quit',
  arity: -1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  keys: NO_KEYS,
  categories: ['connection'],
  summary: 'Close the connection',
  since: '1.0.0',
  group: 'connection',
  complexity: 'O(1)',
  run({ connection, reply }) {
    reply.ok();
    connection.closeAfterReply();
  },
};

const RESET: Command = {
  name: 'reset',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  keys: NO_KEYS,
  categories: ['connection'],
  summary: 'Reset the connection',
  since: '6.2.0',
  group: 'connection',
  complexity: 'O(1)',
  run(context) {
    context.connection.reset();
    context.reply.simple('RESET');
  },
};

export const CONNECTION_COMMANDS: readonly Command[] = [PING, ECHO, SELECT, HELLO, AUTH, QUIT, RESET];

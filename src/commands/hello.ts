import { isWord, parseInteger } from './arguments.ts';
import { authenticate, userName, WRONG_PASSWORD } from './authentication.ts';
import { attributeError, CLIENT_NAMES } from './client-attributes.ts';
import { type Command, NO_KEYS } from './command.ts';
import type { CommandContext } from './context.ts';
import { echo, writeErrorBytes } from './errors.ts';
import { REDIS_MODE, REDIS_VERSION } from './redis-version.ts';

const NOT_AUTHENTICATED =
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time';

/** `HELLO [version [AUTH user password] [SETNAME name]]` (networking.c, `helloCommand`). */
export const HELLO: Command = {
  name: 'hello',
  arity: -1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  keys: NO_KEYS,
  categories: ['connection'],
  summary: 'Handshake with Redis',
  since: '6.0.0',
  group: 'connection',
  complexity: 'O(1)',
  run(context) {
    const { args, connection } = context;
    const error = args.length > 1 ? (versionError(args[1]!) ?? takeOptions(context)) : undefined;
    if (error !== undefined) writeErrorBytes(context.reply, error);
    else if (!connection.authenticated) context.reply.error(NOT_AUTHENTICATED);
    else {
      if (args.length > 1) connection.protocol = parseInteger(args[1]!) === 3 ? 3 : 2;
      greet(context);
    }
  },
};

function versionError(version: Buffer): string | undefined {
  const number = parseInteger(version);
  if (number === undefined) return 'ERR Protocol version is not an integer or out of range';
  return number < 2 || number > 3 ? 'NOPROTO unsupported protocol version' : undefined;
}

/** Takes option by option; what came before a bad one holds, as in Redis. @returns an error in latin1, or undefined. */
function takeOptions(context: CommandContext): string | undefined {
  const { args, connection } = context;
  for (let i = 2; i < args.length; i++) {
    const option = args[i]!;
    const more = args.length - 1 - i;
    if (isWord(option, 'auth') && more >= 2) {
      if (!authenticate(context, userName(args[i + 1]!), args[i + 2]!)) return WRONG_PASSWORD;
      i += 2;
    } else if (isWord(option, 'setname') && more >= 1) {
      const name = args[++i]!;
      const error = attributeError(CLIENT_NAMES, name);
      if (error !== undefined) return error;
      connection.name = name.toString('latin1');
    } else {
      return `ERR Syntax error in HELLO option '${echo(option)}'`;
    }
  }
  return undefined;
}

function greet({ connection, reply }: CommandContext): void {
  reply.map(7);
  reply.bulkString('server');
  reply.bulkString('redis');
  reply.bulkString('version');
  reply.bulkString(REDIS_VERSION);
  reply.bulkString('proto');
  reply.integer(connection.protocol);
  reply.bulkString('id');
  reply.integer(connection.id);
  reply.bulkString('mode');
  reply.bulkString(REDIS_MODE);
  reply.bulkString('role');
  reply.bulkString('master');
  reply.bulkString('modules');
  reply.array(0);
}

import { isWord, parseInteger } from './arguments.ts';
import { attributeError, CLIENT_NAMES } from './client-attributes.ts';
import { clientLine } from './client-line.ts';
import { type Command, NO_KEYS } from './command.ts';
import { container } from './container.ts';
import type { CommandContext, Connection } from './context.ts';
import { echo, SYNTAX_ERROR, writeErrorBytes } from './errors.ts';

/** What most subcommands of CLIENT have in common. */
const OF_CLIENT = {
  flags: ['noscript', 'loading', 'stale'],
  keys: NO_KEYS,
  categories: ['connection'],
  group: 'connection',
  complexity: 'O(1)',
} as const;

const ID: Command = {
  ...OF_CLIENT,
  name: 'id',
  arity: 2,
  summary: 'Returns the client ID for the current connection',
  since: '5.0.0',
  run: ({ connection, reply }) => reply.integer(connection.id),
};

const GETNAME: Command = {
  ...OF_CLIENT,
  name: 'getname',
  arity: 2,
  summary: 'Get the current connection name',
  since: '2.6.9',
  run({ connection, reply }) {
    if (connection.name === '') reply.nullBulk();
    else reply.bulkString(connection.name);
  },
};

const SETNAME: Command = {
  ...OF_CLIENT,
  name: 'setname',
  arity: 3,
  summary: 'Set the current connection name',
  since: '2.6.9',
  run({ args, connection, reply }) {
    const error = attributeError(CLIENT_NAMES, args[2]!);
    if (error !== undefined) {
      reply.error(error);
      return;
    }
    connection.name = args[2]!.toString('latin1');
    reply.ok();
  },
};

/** Redis 7.2's: client libraries send it and take an error for an old server. */
const SETINFO: Command = {
  ...OF_CLIENT,
  name: 'setinfo',
  arity: 4,
  summary: 'Set client or connection specific info',
  since: '7.2.0',
  run({ args, connection, reply }) {
    const [, , attribute, value] = args as [Buffer, Buffer, Buffer, Buffer];
    const isName = isWord(attribute, 'lib-name');
    if (!isName && !isWord(attribute, 'lib-ver')) {
      writeErrorBytes(reply, `ERR Unrecognized option '${echo(attribute)}'`);
      return;
    }
    const error = attributeError(attribute.toString('latin1'), value);
    if (error !== undefined) {
      reply.error(error);
      return;
    }
    if (isName) connection.libName = value.toString('latin1');
    else connection.libVersion = value.toString('latin1');
    reply.ok();
  },
};

const INFO: Command = {
  ...OF_CLIENT,
  name: 'info',
  arity: 2,
  tips: ['nondeterministic_output'],
  summary: 'Returns information about the current client connection.',
  since: '6.2.0',
  run: ({ connection, reply, server }) => reply.verbatim('txt', clientLine(connection, server.monotonicMs())),
};

const LIST: Command = {
  ...OF_CLIENT,
  name: 'list',
  arity: -2,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  tips: ['nondeterministic_output'],
  summary: 'Get the list of client connections',
  since: '2.4.0',
  complexity: 'O(N) where N is the number of client connections',
  run: list,
};

/** `CLIENT LIST [TYPE type | ID id …]`. */
function list({ args, reply, server }: CommandContext): void {
  let connections: Iterable<Connection> = server.connections();
  if (args.length === 4 && isWord(args[2]!, 'type')) {
    const type = args[3]!;
    if (!CLIENT_TYPES.some(word => isWord(type, word))) {
      writeErrorBytes(reply, `ERR Unknown client type '${echo(type)}'`);
      return;
    }
    if (!isWord(type, 'normal')) connections = [];
  } else if (args.length > 3 && isWord(args[2]!, 'id')) {
    const ids = args.slice(3).map(parseInteger);
    if (ids.includes(undefined)) {
      reply.error('ERR Invalid client ID');
      return;
    }
    const byId = new Map([...connections].map(connection => [connection.id, connection]));
    connections = [...new Set(ids)].flatMap(id => byId.get(id!) ?? []);
  } else if (args.length !== 2) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const nowMs = server.monotonicMs();
  reply.verbatim('txt', Array.from(connections, connection => clientLine(connection, nowMs)).join(''));
}

/** Every client is `normal`; the other types have none. */
const CLIENT_TYPES = ['normal', 'master', 'replica', 'slave', 'pubsub'];

const NO_EVICT: Command = {
  ...OF_CLIENT,
  name: 'no-evict',
  arity: 3,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  summary: 'Set client eviction mode for the current connection',
  since: '7.0.0',
  run: context =>
    takeSwitch(context, isOn => {
      context.connection.noEvict = isOn;
    }),
};

/** Redis 7.2's. */
const NO_TOUCH: Command = {
  ...OF_CLIENT,
  name: 'no-touch',
  arity: 3,
  summary: 'Controls whether commands sent by the client will alter the LRU/LFU of the keys they access.',
  since: '7.2.0',
  run: context =>
    takeSwitch(context, isOn => {
      context.connection.noTouch = isOn;
    }),
};

function takeSwitch({ args, reply }: CommandContext, set: (isOn: boolean) => void): void {
  const isOn = isWord(args[2]!, 'on');
  if (!isOn && !isWord(args[2]!, 'off')) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  set(isOn);
  reply.ok();
}

/** Line for line Redis's, of the subcommands that are here. */
const HELP = [
  'GETNAME',
  '    Return the name of the current connection.',
  'ID',
  '    Return the ID of the current connection.',
  'INFO',
  '    Return information about the current client connection.',
  'LIST [options ...]',
  '    Return information about client connections. Options:',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Return clients of specified type.',
  'SETINFO <option> <value>',
  '    Set client meta attr. Options are:',
  '    * LIB-NAME: the client lib name.',
  '    * LIB-VER: the client lib version.',
  'SETNAME <name>',
  '    Assign the name <name> to the current connection.',
  'NO-EVICT (ON|OFF)',
  '    Protect current client connection from eviction.',
  'NO-TOUCH (ON|OFF)',
  '    Will not touch LRU/LFU stats when this mode is on.',
];

export const CLIENT: Command = container(
  { name: 'client', summary: 'A container for client connection commands', since: '2.4.0', group: 'connection' },
  [ID, GETNAME, SETNAME, SETINFO, INFO, LIST, NO_EVICT, NO_TOUCH],
  HELP,
);

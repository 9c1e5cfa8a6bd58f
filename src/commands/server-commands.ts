import { type Command, NO_KEYS } from './command.ts';

/** Keys that this node holds, in the connection's keyspace. */
const DBSIZE: Command = {
  name: 'dbsize',
  arity: 1,
  flags: ['readonly', 'fast'],
  keys: NO_KEYS,
  categories: ['keyspace'],
  tips: ['request_policy:all_shards', 'response_policy:agg_sum'],
  summary: 'Return the number of keys in the selected database',
  since: '1.0.0',
  group: 'server',
  complexity: 'O(1)',
  run: ({ connection, reply, server }) =>
    reply.integer(server.keyspaces().find(({ db }) => db === connection.db)?.keys ?? 0),
};

const TIME: Command = {
  name: 'time',
  arity: 1,
  flags: ['loading', 'stale', 'fast'],
  keys: NO_KEYS,
  categories: [],
  tips: ['nondeterministic_output'],
  summary: 'Return the current server time',
  since: '2.6.0',
  group: 'server',
  complexity: 'O(1)',
  run({ reply, server }) {
    const micros = server.wallMicros();
    reply.array(2);
    reply.bulkString(String(Math.floor(micros / 1_000_000)));
    reply.bulkString(String(micros % 1_000_000));
  },
};

export const SERVER_COMMANDS: readonly Command[] = [DBSIZE, TIME];

import { parseInteger } from './arguments.ts';
import { type Command, NO_KEYS } from './command.ts';
import type { CommandContext } from './context.ts';
import { wrongArity } from './errors.ts';

const OF_HEALING = {
  arity: -2,
  flags: ['loading', 'stale'],
  keys: NO_KEYS,
  categories: [],
  since: '7.0.0',
  group: 'coterie',
} as const;

/** `COTERIE CONVERGED [db]`. */
export const CONVERGED: Command = {
  ...OF_HEALING,
  name: 'converged',
  summary: 'Count the slots that differ between their replicas right now',
  complexity: 'O(N) where N is the number of members, one round trip',
  run(context) {
    const db = keyspaceOf(context, 'coterie|converged');
    if (db === undefined) return;
    const fill = context.server.deferReply(context.connection);
    context.server.converged(db, result => {
      fill(reply => {
        if ('unavailable' in result) reply.error(`UNAVAILABLE ${result.unavailable}`);
        else reply.integer(result.differing);
      });
    });
  },
};

/** `COTERIE SYNC [db]`. */
export const SYNC: Command = {
  ...OF_HEALING,
  name: 'sync',
  summary: 'Compare this node with each other replica now, and mend what differs',
  complexity: 'Depends on what differs.',
  run(context) {
    const db = keyspaceOf(context, 'coterie|sync');
    if (db === undefined) return;
    const fill = context.server.deferReply(context.connection);
    context.server.sync(db, unavailable => {
      fill(reply => {
        if (unavailable === undefined) reply.ok();
        else reply.error(`UNAVAILABLE ${unavailable}`);
      });
    });
  },
};

/** The keyspace that is asked about, the connection's own if none; undefined when an error was answered. */
function keyspaceOf({ args, connection, reply, server }: CommandContext, name: string): number | undefined {
  if (args.length > 3) reply.error(wrongArity(name));
  else if (args.length === 2) return connection.db;
  else {
    const db = parseInteger(args[2]!);
    if (server.keyspaces().some(keyspace => keyspace.db === db)) return db;
    reply.error('ERR DB index is out of range');
  }
  return undefined;
}

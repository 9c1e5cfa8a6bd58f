import { IDENTIFIER, IDENTIFIER_RULE } from '../lib/identifier.ts';
import type { Command } from './command.ts';
import { OF_COTERIE_ADMIN } from './coterie-command.ts';
import { NO_DISK } from './errors.ts';

/** `COTERIE BACKUP name`: answers with where the copy is, when it is whole and durable. Where that may be is for the operator to say, not for a client. */
export const BACKUP: Command = {
  ...OF_COTERIE_ADMIN,
  name: 'backup',
  arity: 3,
  flags: ['admin'],
  summary: 'Copy what this node has on disk, as of one moment, while it runs',
  complexity: 'O(N) where N is the number of records on disk',
  run({ args, connection, reply, server }) {
    const name = args[2]!.toString('latin1');
    if (server.disk === undefined) return reply.error(NO_DISK);
    if (!IDENTIFIER.test(name)) return reply.error(`ERR the name of a backup is ${IDENTIFIER_RULE}`);
    const fill = server.deferReply(connection);
    server.backup(name, made => {
      fill(later => ('path' in made ? later.bulkString(made.path) : later.error(made.error)));
    });
  },
};

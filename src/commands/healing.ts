import type { ReplyWriter } from '../resp/reply-writer.ts';
import { parseInteger } from './arguments.ts';
import type { Command } from './command.ts';
import type { CommandContext } from './context.ts';
import { OF_COTERIE } from './coterie-command.ts';
import { wrongArity } from './errors.ts';
import type { Server } from './server.ts';

/** `COTERIE CONVERGED [db]`. */
export const CONVERGED: Command = {
  ...OF_COTERIE,
  name: 'converged',
  arity: -2,
  summary: 'Count the slots that differ between their replicas right now',
  complexity: 'O(N) where N is the number of members, one round trip',
  run: context =>
    answerLater(context, 'coterie|converged', (server, db, answer) => {
      server.converged(db, result => {
        if ('unavailable' in result) answer(reply => reply.error(`UNAVAILABLE ${result.unavailable}`));
        else answer(reply => reply.integer(result.differing));
      });
    }),
};

/** `COTERIE SYNC [db]`. */
export const SYNC: Command = {
  ...OF_COTERIE,
  name: 'sync',
  arity: -2,
  summary: 'Compare this node with each other replica now, and mend what differs',
  complexity: 'Depends on what differs.',
  run: context =>
    answerLater(context, 'coterie|sync', (server, db, answer) => {
      server.sync(db, unavailable => {
        if (unavailable === undefined) answer(reply => reply.ok());
        else answer(reply => reply.error(`UNAVAILABLE ${unavailable}`));
      });
    }),
};

/** Asks about the given keyspace, or the connection's own; the answer takes a place among the replies that are to come. */
function answerLater(
  { args, connection, reply, server }: CommandContext,
  name: string,
  ask: (server: Server, db: number, answer: (write: (reply: ReplyWriter) => void) => void) => void,
): void {
  if (args.length > 3) return reply.error(wrongArity(name));
  const db = args.length === 2 ? connection.db : parseInteger(args[2]!);
  const keyspace = server.keyspaces().find(each => each.db === db);
  if (keyspace === undefined) return reply.error('ERR DB index is out of range');
  ask(server, keyspace.db, server.deferReply(connection));
}

import { isWord } from './arguments.ts';
import type { Command } from './command.ts';
import type { CommandContext } from './context.ts';
import { OF_COTERIE_ADMIN } from './coterie-command.ts';
import { drill } from './drills.ts';
import { echo, SYNTAX_ERROR, writeErrorBytes } from './errors.ts';

/** `COTERIE NODE LEAVE|FORGET|DOWN|UP node`. The first two answer when the change is decided, not when it is over. */
export const NODE: Command = {
  ...OF_COTERIE_ADMIN,
  name: 'node',
  arity: -3,
  summary: 'Let a node leave the cluster, or forget one that is gone; for drills, cut one off',
  complexity: 'O(N) where N is the number of members',
  run(context) {
    const { args, reply } = context;
    const isLeave = isWord(args[2]!, 'leave');
    if (args.length > 4 || (args.length === 3 && !isLeave)) return reply.error(SYNTAX_ERROR);
    if (isLeave || isWord(args[2]!, 'forget')) changeRing(context, isLeave ? 'leave' : 'forget');
    else drill(context, args.slice(3));
  },
};

/** Without a name it is this node that leaves. */
function changeRing({ args, connection, reply, server }: CommandContext, change: 'leave' | 'forget'): void {
  const named = args[3];
  const names = server.nodes(connection.db).map(({ name }) => name);
  const name = named?.toString('latin1') ?? server.self.name;
  if (named !== undefined && !names.includes(name))
    return writeErrorBytes(reply, `ERR there is no node '${echo(named)}': the members are ${names.join(', ')}`);
  const fill = server.deferReply(connection);
  server[change](name, error => {
    fill(later => (error === undefined ? later.ok() : later.error(`ERR ${error}`)));
  });
}

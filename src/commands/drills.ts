import { isWord } from './arguments.ts';
import type { Command } from './command.ts';
import type { CommandContext } from './context.ts';
import { OF_COTERIE_ADMIN } from './coterie-command.ts';
import { echo, SYNTAX_ERROR, writeErrorBytes } from './errors.ts';

const OF_DRILLS = { ...OF_COTERIE_ADMIN, complexity: 'O(N) where N is the number of members' } as const;

/** `COTERIE LINK DOWN|UP node node`. */
export const LINK: Command = {
  ...OF_DRILLS,
  name: 'link',
  arity: 5,
  summary: 'For drills: cut the link between two nodes, or let it be again',
  run: context => drill(context, context.args.slice(3)),
};

/** Cuts nodes off, or lets them be again, as the second word of the subcommand says. */
export function drill({ args, connection, reply, server }: CommandContext, about: readonly Buffer[]): void {
  const down = isWord(args[2]!, 'down');
  if (!down && !isWord(args[2]!, 'up')) return reply.error(SYNTAX_ERROR);
  if (!server.faultCommands) {
    return reply.error('ERR drills are off: set fault-commands to yes on every node to allow them');
  }
  const names = server.nodes(connection.db).map(({ name }) => name);
  const wanted = about.map(each => each.toString('latin1'));
  const unknown = about.find((_, i) => !names.includes(wanted[i]!));
  if (unknown !== undefined) {
    return writeErrorBytes(reply, `ERR there is no node '${echo(unknown)}': the members are ${names.join(', ')}`);
  }
  if (new Set(wanted).size < wanted.length) return reply.error('ERR a link is between two different nodes');
  server.drill(wanted, down);
  reply.ok();
}

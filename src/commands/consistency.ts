import { isWord, parseInteger } from './arguments.ts';
import type { Command } from './command.ts';
import type { CommandContext, Consistency } from './context.ts';
import { OF_COTERIE } from './coterie-command.ts';
import { SYNTAX_ERROR } from './errors.ts';
import { writeData } from './reply-map.ts';

const WORDS = ['one', 'quorum', 'all'] as const;

/** `COTERIE CONSISTENCY [READ count] [WRITE count]`: R and W of this connection, until it selects another keyspace. */
export const CONSISTENCY: Command = {
  ...OF_COTERIE,
  name: 'consistency',
  arity: -2,
  summary: 'Show or set how many replicas must answer the reads and acknowledge the writes of this connection',
  complexity: 'O(1)',
  run(context) {
    const { args, connection, reply } = context;
    if (args.length === 2) {
      const { read, write } = connection.consistency;
      writeData(reply, { read, write });
      return;
    }
    const settings = parse(context);
    if (typeof settings === 'string') {
      reply.error(settings);
      return;
    }
    for (const [which, count] of settings) connection.setConsistency(which, count);
    reply.ok();
  },
};

type Setting = readonly [which: 'read' | 'write', count: Consistency | undefined];

/** @returns all that is to be set, or a whole RESP error: then nothing is. */
function parse({ args, connection, server }: CommandContext): readonly Setting[] | string {
  const replicas = server.keyspaces().find(({ db }) => db === connection.db)?.replicas ?? 0;
  const settings: Setting[] = [];
  for (let i = 2; i < args.length; i += 2) {
    const which = isWord(args[i]!, 'read') ? 'read' : isWord(args[i]!, 'write') ? 'write' : undefined;
    if (which === undefined || i + 1 === args.length) return SYNTAX_ERROR;
    const count = parseCount(args[i + 1]!, replicas);
    if (count === undefined) {
      return `ERR ${which.toUpperCase()} must be ONE, QUORUM, ALL, DEFAULT or a number from 1 to ${replicas}`;
    }
    settings.push([which, count === 'default' ? undefined : count]);
  }
  return settings;
}

/** More replicas than a key has are refused, not cut down: who asks for five must not believe that three are five. */
function parseCount(argument: Buffer, replicas: number): Consistency | 'default' | undefined {
  if (isWord(argument, 'default')) return 'default';
  const word = WORDS.find(each => isWord(argument, each));
  if (word !== undefined) return word;
  const count = parseInteger(argument);
  return count !== undefined && count >= 1 && count <= replicas ? count : undefined;
}

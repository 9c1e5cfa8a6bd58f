import { isWord } from './arguments.ts';
import type { Command } from './command.ts';
import { OF_COTERIE_ADMIN } from './coterie-command.ts';
import { SYNTAX_ERROR } from './errors.ts';
import { writeData } from './reply-map.ts';

/** `COTERIE QUARANTINE LIST`, `CLEAR`, `DROP key`: what was stamped too far ahead of all clocks. */
export const QUARANTINE: Command = {
  ...OF_COTERIE_ADMIN,
  name: 'quarantine',
  arity: -3,
  summary: 'List or drop records that this node holds back because they were stamped too far ahead',
  complexity: 'O(N) where N is the number of records held back',
  run({ args, connection, reply, server }) {
    const [, , verb, key] = args as readonly [Buffer, Buffer, Buffer, Buffer?];
    if (args.length === 3 && isWord(verb, 'list')) {
      const records = server.quarantined();
      writeData(
        reply,
        records.map(({ db, key: of, dot, aheadMs, from }) => ({ db, key: of, dot, 'ahead-ms': aheadMs, from })),
      );
    } else if (args.length === 3 && isWord(verb, 'clear')) reply.integer(server.dropQuarantined('all'));
    else if (args.length === 4 && isWord(verb, 'drop')) {
      reply.integer(server.dropQuarantined({ db: connection.db, key: key! }));
    } else reply.error(SYNTAX_ERROR);
  },
};

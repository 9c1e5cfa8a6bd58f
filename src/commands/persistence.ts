import { isWord } from './arguments.ts';
import { type Command, NO_KEYS } from './command.ts';
import { NO_DISK, SYNTAX_ERROR } from './errors.ts';

/** Redis's words, which scripts look for. */
const IN_PROGRESS = 'ERR Background save already in progress';

/** What the disk is asked to do at once, instead of when `flush-interval` is over. */
const OF_SAVING = {
  flags: ['admin', 'noscript', 'no_async_loading'],
  keys: NO_KEYS,
  categories: [],
  since: '1.0.0',
  group: 'server',
} as const satisfies Partial<Command>;

/** Answers when everything that the node holds is durable; others are served meanwhile. */
const SAVE: Command = {
  ...OF_SAVING,
  name: 'save',
  arity: 1,
  flags: [...OF_SAVING.flags, 'no_multi'],
  summary: 'Synchronously save the dataset to disk',
  complexity: 'O(N) where N is the total number of keys in all databases',
  run({ connection, reply, server }) {
    const { disk } = server;
    if (disk === undefined) return reply.error(NO_DISK);
    if (disk.isSaving) return reply.error(IN_PROGRESS);
    const fill = server.deferReply(connection);
    disk.save(error => fill(later => (error === undefined ? later.ok() : later.error(error))));
  },
};

/** `BGSAVE [SCHEDULE]`: nothing else that a disk does keeps it from saving, so nothing is ever put off. */
const BGSAVE: Command = {
  ...OF_SAVING,
  name: 'bgsave',
  arity: -1,
  summary: 'Asynchronously save the dataset to disk',
  complexity: 'O(1)',
  run({ args, reply, server }) {
    const { disk } = server;
    if (args.length > 2 || (args.length === 2 && !isWord(args[1]!, 'schedule'))) return reply.error(SYNTAX_ERROR);
    if (disk === undefined) return reply.error(NO_DISK);
    if (disk.isSaving) return reply.error(IN_PROGRESS);
    disk.saveInBackground();
    reply.simple('Background saving started');
  },
};

/** In a node that is in memory only it is the start, as in a Redis that never saves. */
const LASTSAVE: Command = {
  name: 'lastsave',
  arity: 1,
  flags: ['loading', 'stale', 'fast'],
  keys: NO_KEYS,
  categories: ['admin', 'dangerous'],
  tips: ['nondeterministic_output'],
  summary: 'Get the UNIX time stamp of the last successful save to disk',
  since: '1.0.0',
  group: 'server',
  complexity: 'O(1)',
  run: ({ reply, server }) => reply.integer(Math.floor((server.disk?.lastFlushWallMs ?? server.startedWallMs) / 1000)),
};

export const PERSISTENCE_COMMANDS: readonly Command[] = [SAVE, BGSAVE, LASTSAVE];

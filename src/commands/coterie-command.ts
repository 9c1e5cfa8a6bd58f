import { type Command, NO_KEYS } from './command.ts';

/** What subcommands of COTERIE have in common. */
export const OF_COTERIE = {
  flags: ['loading', 'stale'],
  keys: NO_KEYS,
  categories: [],
  since: '7.0.0',
  group: 'coterie',
} as const satisfies Partial<Command>;

/** The same for those that change what a node does, not only what it holds. */
export const OF_COTERIE_ADMIN = {
  ...OF_COTERIE,
  flags: ['admin', 'loading', 'stale'],
} as const satisfies Partial<Command>;

import { type Command, NO_KEYS } from './command.ts';
import { container } from './container.ts';
import type { CommandContext } from './context.ts';
import { isGlob, matchesGlob } from './glob.ts';

const GET: Command = {
  name: 'get',
  arity: -3,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  keys: NO_KEYS,
  categories: [],
  summary: 'Get the values of configuration parameters',
  since: '2.0.0',
  group: 'server',
  complexity: 'O(N) when N is the number of configuration parameters provided',
  run: getSettings,
};

/** No setting has a longer name; a longer pattern is none that any name could match but by repeating itself. */
const MAX_PATTERN_BYTES = 256;

/** Each setting once, under the name that it was asked for by when that was no pattern, as Redis has it. */
function getSettings({ args, reply, server }: CommandContext): void {
  const settings = server.settings();
  const found = new Map<string, string>();
  const shown = new Map<string, string>();
  const take = (name: string, as: string) => {
    const value = settings.get(name);
    if (value === undefined || found.has(name)) return;
    found.set(name, value);
    shown.set(name, as);
  };
  for (const argument of args.slice(2)) {
    if (argument.length > MAX_PATTERN_BYTES) continue;
    const pattern = argument.toString('latin1');
    if (!isGlob(pattern)) take(pattern.toLowerCase(), pattern);
    else for (const name of settings.keys()) if (matchesGlob(name, pattern)) take(name, name);
  }
  reply.map(found.size);
  for (const [name, value] of found) {
    reply.bulkString(shown.get(name)!);
    reply.bulkString(value);
  }
}

export const CONFIG: Command = container(
  { name: 'config', summary: 'A container for server configuration commands', since: '2.0.0', group: 'server' },
  [GET],
  ['GET <pattern>', '    Return parameters matching the glob-like <pattern> and their values.'],
);

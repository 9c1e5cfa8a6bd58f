import { isWord } from './arguments.ts';
import { type Command, NO_KEYS } from './command.ts';
import { INFO_SECTIONS } from './info-sections.ts';

/** Words that stand for every section; `default` leaves out none that is here. */
const ALL_WORDS = ['default', 'all', 'everything'];

/** `INFO [section …]`. Sections stand in their own order, not in that of the request, as in Redis. */
export const INFO: Command = {
  name: 'info',
  arity: -1,
  flags: ['loading', 'stale'],
  keys: NO_KEYS,
  categories: ['dangerous'],
  tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
  summary: 'Get information and statistics about the server',
  since: '1.0.0',
  group: 'server',
  complexity: 'O(1)',
  run({ args, reply, server }) {
    const asked = args.slice(1);
    const isAsked = (word: string) => asked.some(argument => isWord(argument, word));
    const everything = asked.length === 0 || ALL_WORDS.some(isAsked);
    const sections = INFO_SECTIONS.filter(({ title }) => everything || isAsked(title.toLowerCase()));
    const texts = sections.map(({ title, fields }) => {
      const lines = Object.entries(fields(server)).map(([field, value]) => `${field}:${value}\r\n`);
      return `# ${title}\r\n${lines.join('')}`;
    });
    reply.verbatim('txt', texts.join('\r\n'));
  },
};

import type { z } from 'zod';
import { keyspaceSchema } from './keyspace.ts';
import { configSchema, DEFAULT_KEYSPACES, SECTIONS } from './schema.ts';
import { type Setting, settings } from './setting.ts';

const WIDTH = 110;

const INTRODUCTION = `The settings of a coterie node with their defaults. Made from src/config/schema.ts by "npm run config:write".
Read by "coterie start --config FILE". A flag (--bus-port 17001) wins over the environment (COTERIE_BUS_PORT=17001), that over the file, that over the default.
Sizes are written 4096, 64kb, 512mb or 1gb, durations 500ms, 10s, 5m, 1h or 1d.`;

/** The text of `config/coterie.yaml`: every setting with its help, what is allowed, and its default. */
export function defaultFile(): string {
  const parts = [
    INTRODUCTION.split('\n')
      .flatMap(line => comment(line))
      .join('\n'),
  ];
  for (const { title, names } of SECTIONS) {
    parts.push(`# ${`-- ${title} `.padEnd(WIDTH - 2, '-')}`);
    for (const name of names) parts.push(entry(name, settings.get(configSchema.shape[name])!));
  }
  parts.push(`# ${'-- Keyspaces '.padEnd(WIDTH - 2, '-')}`, keyspaces());
  return `${parts.join('\n\n')}\n`;
}

function entry(name: string, { help, allowed, fallback, otherwise }: Setting): string {
  const usual = otherwise === undefined ? '' : ` Unless set: ${otherwise}.`;
  const lines = [...comment(help), ...comment(`Allowed: ${allowed}.${usual}`)];
  lines.push(fallback === undefined ? `# ${name}:` : `${name}: ${fallback}`);
  return lines.join('\n');
}

function keyspaces(): string {
  const lines = comment('Redis database numbers (SELECT) and what each promises. Of each:');
  for (const [name, schema] of Object.entries<z.ZodType>(keyspaceSchema.shape)) {
    const { help, allowed, fallback, otherwise } = settings.get(schema)!;
    const usual = fallback ?? otherwise;
    lines.push(...comment(`${help} Allowed: ${allowed}.${usual ? ` Unless set: ${usual}.` : ''}`, `  ${name}: `));
  }
  lines.push('keyspaces:');
  for (const keyspace of DEFAULT_KEYSPACES) {
    const values = Object.entries(keyspace).map(([name, value]) => `${name}: ${value}`);
    lines.push(...values.map((line, index) => `  ${index === 0 ? '-' : ' '} ${line}`));
  }
  return lines.join('\n');
}

/** Comment lines of a text, broken between words, what follows the first indented as far as `label`. */
function comment(text: string, label = ''): string[] {
  const lines: string[] = [];
  let line = label;
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + word.length + 3 > WIDTH) {
      lines.push(line);
      line = label === '' ? '' : '    ';
    }
    line += line === '' || line.endsWith(' ') ? word : ` ${word}`;
  }
  return [...lines, line].map(one => `# ${one}`);
}

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { defaultFile } from '../../src/config/default-file.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { configSchema, SECTIONS } from '../../src/config/schema.ts';

const machine = { hostname: 'host-1', address: '10.0.0.9' };

it('config/coterie.yaml is what `npm run config:write` makes of the schema', () => {
  expect(readFileSync(new URL('../../config/coterie.yaml', import.meta.url), 'utf8')).toBe(defaultFile());
});

it('the default file changes nothing', () => {
  const file = { name: 'coterie.yaml', text: defaultFile() };
  expect(parseConfig({ flags: {}, env: {}, file, machine })).toEqual(parseConfig({ flags: {}, env: {}, machine }));
});

it('every setting stands under one heading', () => {
  const named = SECTIONS.flatMap(section => [...section.names]);
  expect([...named, 'keyspaces'].sort()).toEqual(Object.keys(configSchema.shape).sort());
});

it('no line of the default file is longer than a screen is wide', () => {
  for (const line of defaultFile().split('\n')) expect(line.length, line).toBeLessThanOrEqual(112);
});

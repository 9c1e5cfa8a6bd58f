import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { play } from './scenario.ts';

const FOLDER = new URL('scenarios/', import.meta.url);

/** Set to anything, writes what comes of the commands now instead of comparing it: look at the difference before it is committed. */
const REWRITE = process.env['REWRITE_SCENARIOS'] !== undefined;

describe('The traces of the scenarios are as they were looked at:', () => {
  test.each(readdirSync(FOLDER))('%s', name => {
    const file = new URL(name, FOLDER);
    const text = readFileSync(file, 'utf8');
    const played = play(text);
    if (REWRITE) writeFileSync(file, played);
    else expect(played).toBe(text);
  });
});

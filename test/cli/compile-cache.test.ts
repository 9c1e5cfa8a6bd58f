import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CoterieProcess } from './coterie-process.ts';

describe('What Node.js has compiled', () => {
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'coterie-home-'));
  });

  afterEach(() => rmSync(home, { recursive: true }));

  /** Runs a command that ends at once. @returns its status and what it leaves in the directory below `home`. */
  async function run(env: Readonly<Record<string, string>>, cache: string): Promise<[number | null, number]> {
    const { status } = await new CoterieProcess(['--version'], env).ended;
    const files = readdirSync(home, { recursive: true }).map(String);
    return [status, files.filter(file => file.startsWith(join(cache, 'coterie', 'v'))).length];
  }

  it('is kept in ~/.cache/coterie, so that the next command need not compile it', async () => {
    const [status, files] = await run({ HOME: home, XDG_CACHE_HOME: '' }, '.cache');
    expect(status).toBe(0);
    expect(files).toBeGreaterThan(100);
  });

  it('is kept below XDG_CACHE_HOME where that is set', async () => {
    const [status, files] = await run({ HOME: '/dev/null', XDG_CACHE_HOME: join(home, 'c') }, 'c');
    expect(status).toBe(0);
    expect(files).toBeGreaterThan(100);
  });

  it('is kept nowhere when there is no home, or one that cannot be written to', async () => {
    expect(await run({ HOME: '', XDG_CACHE_HOME: '' }, '')).toEqual([0, 0]);
    expect(await run({ HOME: '/dev/null', XDG_CACHE_HOME: '' }, '')).toEqual([0, 0]);
  });
});

it('runs with the same flags of Node.js from npm, in the image and in coterie cluster', () => {
  const root = new URL('../../', import.meta.url);
  const flagsIn = (file: string) => [
    ...readFileSync(new URL(file, root), 'utf8').matchAll(/--(?:max-semi|v8-)[\w=-]+/g),
  ];
  const all = ['package.json', 'Dockerfile', 'src/cli/child-node.ts'].map(file => flagsIn(file).map(String));
  expect(all).toEqual(all.map(() => ['--max-semi-space-size=16', '--v8-pool-size=0']));
});

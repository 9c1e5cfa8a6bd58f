import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LevelDisk } from '../../src/io/disk/level-disk.ts';
import { drawBelow } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { type Found, modelAfter } from './batches.ts';

const CHILD = new URL('./disk-child.ts', import.meta.url).pathname;
/** For a long loop set it in the environment. */
const KILLS = Number(process.env['DISK_KILLS'] ?? 6);
const FLIPS = Number(process.env['DISK_FLIPS'] ?? 12);

describe('LevelDisk in a process that dies', () => {
  let dir: string;
  let path: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'level-crash-'));
    path = join(dir, 'store');
  });

  afterEach(() => rmSync(dir, { recursive: true }));

  /** What another process finds; its death is a failure of the test. */
  function found(at: string): Found {
    const { stdout, status, signal } = spawnSync(process.execPath, [CHILD, 'read', at], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    expect([status, signal]).toEqual([0, null]);
    return JSON.parse(stdout) as Found;
  }

  /** Lets a process write for so long, and kills it. @returns the last batch that it said to be durable. */
  function writeAndKill(afterBatches: number): Promise<number> {
    const child = spawn(process.execPath, [CHILD, 'write', path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    let batches = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk;
      batches += chunk.toString().split('\n').length - 1;
      if (batches >= afterBatches) child.kill('SIGKILL');
    });
    return new Promise(resolve => child.on('close', () => resolve(Number(said.trimEnd().split('\n').at(-1)))));
  }

  it('has exactly a number of whole batches after a kill, every one among them that had called back', {
    timeout: 600_000,
  }, async () => {
    const random = new SeededRandom(5);
    for (let kill = 0; kill < KILLS; kill++) {
      const said = await writeAndKill(1 + drawBelow(random, 150));
      const { entries, lost, damaged } = found(path);
      const count = Number(entries?.['count']);
      expect([said, said + 1]).toContain(count);
      expect(entries).toEqual(modelAfter(count));
      expect([lost, damaged]).toEqual([false, 0]);
    }
  });

  it("keeps LevelDB's code loaded when its thread has ended: LevelDB's own goes on in it, and the process would die of that", () => {
    const { stdout } = spawnSync(process.execPath, [CHILD, 'close', path], { encoding: 'utf8' });
    expect((JSON.parse(stdout) as string[]).some(library => library.includes('classic-level'))).toBe(true);
  });

  it('is locked by another process, and free once that is dead', async () => {
    const child = spawn(process.execPath, [CHILD, 'write', path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise(resolve => child.stdout.once('data', resolve));
    // It writes all the while, so its log looks broken off at times, which is nothing to tell.
    for (let round = 0; round < 5; round++) expect(await LevelDisk.open(path)).toMatchObject({ kind: 'locked' });
    expect(readdirSync(path).filter(name => /^(lost|torn)/.test(name))).toEqual([]);
    child.kill('SIGKILL');
    await new Promise(resolve => child.on('close', resolve));
    expect(await LevelDisk.open(path).then(async disk => 'kind' in disk || (await closed(disk)))).toBeUndefined();
  });

  it('says that there is no room, loses nothing that it had flushed, and goes on when there is some', () => {
    // A file may not grow beyond 2 MiB: the system refuses as it does on a full disk, and needs no full disk for it.
    const limited = spawnSync('bash', ['-c', `ulimit -f 2048; exec "$0" "$@"`, process.execPath, CHILD, 'fill', path], {
      encoding: 'utf8',
    });
    const { flushed, failure, again } = JSON.parse(limited.stdout);
    expect(flushed).toBeGreaterThan(50);
    expect(failure).toMatchObject({ kind: 'full', message: expect.stringContaining('File too large') });
    // The log begins anew in a file of its own, so there is room again.
    expect(again).toBeUndefined();
    const { entries, lost, damaged } = found(path);
    expect(Object.keys(entries!)).toHaveLength(flushed + 1);
    expect([lost, damaged]).toEqual([false, 0]);
  });

  it('says that a part of its log is lost at each opening, until something has been flushed', async () => {
    await writeAndKill(150);
    const log = readdirSync(path).find(file => file.endsWith('.log'))!;
    const bytes = readFileSync(join(path, log));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(join(path, log), bytes);
    const said: (string | undefined)[] = [];
    for (let opening = 0; opening < 4; opening++) {
      const disk = await LevelDisk.open(path);
      if ('kind' in disk) throw new Error(disk.message);
      said.push(disk.lost);
      if (opening === 2) disk.put(Buffer.of(1), Buffer.of(1));
      await closed(disk);
    }
    expect(said[0]).toMatch(/\.log is damaged at \d+, and more was written behind that/);
    expect(said).toEqual([said[0], said[0], said[0], undefined]);
  });

  it('shows nothing that was not written, and does not die, whichever byte of its files is wrong', {
    timeout: 600_000,
  }, async () => {
    const random = new SeededRandom(7);
    // What the second process finds it makes a table of, and what it writes itself is in a log.
    await writeAndKill(150);
    await writeAndKill(100);
    const copy = join(dir, 'copy');
    cpSync(path, copy, { recursive: true });
    const whole = found(copy);
    const outcomes: Record<string, number> = {};
    for (let flip = 0; flip < FLIPS; flip++) {
      const broken = join(dir, 'broken');
      cpSync(path, broken, { recursive: true });
      const files = readdirSync(broken).filter(
        file => statSync(join(broken, file)).size > 0 && !file.startsWith('LOG'),
      );
      const file = files[flip % files.length]!;
      const bytes = readFileSync(join(broken, file));
      bytes[drawBelow(random, bytes.length)]! ^= 1 + drawBelow(random, 255);
      writeFileSync(join(broken, file), bytes);
      const { failure, lost, torn, damaged = 0, entries = {} } = found(broken);
      const asWritten = JSON.stringify(entries) === JSON.stringify(whole.entries);
      const seen =
        failure ?? (lost ? 'lost' : torn ? 'torn' : damaged > 0 ? 'damaged' : asWritten ? 'as written' : 'unnoticed');
      const outcome = `${file.replace(/\d+/, 'N')}: ${seen}`;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      for (const [key, value] of Object.entries(entries)) {
        expect(value === whole.entries![key] || /^(\d+|\d+\.\dv+)$/.test(value)).toBe(true);
      }
      rmSync(broken, { recursive: true });
    }
    expect(Object.keys(outcomes).filter(outcome => outcome.endsWith('unnoticed'))).toEqual([]);
    if (process.env['DISK_FLIPS'] !== undefined) console.log(outcomes);
  });
});

function closed(disk: LevelDisk): Promise<unknown> {
  return new Promise(resolve => disk.close(resolve));
}

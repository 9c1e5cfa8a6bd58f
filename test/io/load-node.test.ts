import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LevelDisk } from '../../src/io/disk/level-disk.ts';
import { DataDirError, loadNode } from '../../src/io/load-node.ts';
import type { Node } from '../../src/node/node.ts';
import type { Disk } from '../../src/ports/disk.ts';
import type { Log } from '../../src/ports/log.ts';

const LOG: Log = { info: () => {}, warn: () => {}, error: () => {} };

describe('loadNode', () => {
  let root: string;
  let dataDir: string;
  const disks: Disk[] = [];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'load-node-'));
    dataDir = join(root, 'data');
  });

  afterEach(async () => {
    for (const disk of disks.splice(0)) await ended(disk);
    rmSync(root, { recursive: true });
  });

  function ended(disk: Disk): Promise<unknown> {
    return new Promise(resolve => disk.close(resolve));
  }

  /** Loads nodes that find this, one after the other. */
  async function load(...found: Node['unusable'][]): Promise<void> {
    await loadNode(dataDir, LOG, disk => {
      const unusable = found.shift();
      if (unusable === undefined) disks.push(disk);
      return { unusable, isLoading: false } as Node;
    });
  }

  it('makes the store in the data directory', async () => {
    await load(undefined);
    expect(readdirSync(dataDir)).toEqual(['store']);
  });

  it('sets a store aside within the data directory, which may be a volume that cannot be renamed', async () => {
    await load(undefined);
    await ended(disks.pop()!);
    const { ino } = statSync(dataDir);
    await load({ found: 'corrupt', reason: 'something is gone' }, undefined);
    expect(statSync(dataDir).ino).toBe(ino);
    expect(readdirSync(dataDir)).toEqual([expect.stringMatching(/^set-aside-\d+$/), 'store']);
  });

  it('sets one aside that cannot be opened', async () => {
    await load(undefined);
    await ended(disks.pop()!);
    writeFileSync(join(dataDir, 'store', 'CURRENT'), 'nonsense');
    await load(undefined);
    const [aside] = readdirSync(dataDir);
    expect(readFileSync(join(dataDir, aside!, 'CURRENT'), 'utf8')).toBe('nonsense');
  });

  it('says in one line what the system refuses: to make the directory, and to rename the store', async () => {
    writeFileSync(dataDir, '');
    await expect(load(undefined)).rejects.toThrow(/^the data-dir \S+ cannot be used: EEXIST: .*$/);
    rmSync(dataDir);
    const removing = loadNode(dataDir, LOG, () => {
      rmSync(join(dataDir, 'store'), { recursive: true });
      return { unusable: { found: 'corrupt', reason: 'something is gone' }, isLoading: false } as Node;
    });
    await expect(removing).rejects.toThrow(/^the data-dir \S+ cannot be used: ENOENT: .* rename .*$/);
    await expect(removing).rejects.toBeInstanceOf(DataDirError);
  });

  it('refuses a backup, and a store, in the place of the data directory, and leaves them as they are', async () => {
    await load(undefined);
    const disk = disks[0]!;
    dataDir = join(root, 'copy');
    await new Promise(resolve => disk.backup(dataDir, resolve));
    const files = readdirSync(dataDir);
    await expect(load(undefined)).rejects.toThrow('it is a backup');
    dataDir = join(root, 'bare');
    await ended((await LevelDisk.open(dataDir)) as LevelDisk);
    await expect(load(undefined)).rejects.toThrow('it is a store itself');
    expect(readdirSync(join(root, 'copy'))).toEqual(files);
  });
});

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BackupDirectory } from '../../../src/io/backup/backup-directory.ts';
import { LevelDisk } from '../../../src/io/disk/level-disk.ts';
import type { MadeBackup } from '../../../src/ports/disk.ts';
import { mayMount, SmallFileSystem } from '../../small-file-system.ts';

let root: string;
let disk: LevelDisk;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'coterie-backups-'));
  disk = (await LevelDisk.open(join(root, 'data'))) as LevelDisk;
  for (let i = 0; i < 6; i++) disk.put(Buffer.of(3, i), Buffer.alloc(1 << 20, i));
  await new Promise(resolve => disk.flush(resolve));
});
afterEach(async () => {
  await new Promise(resolve => disk.close(resolve));
  rmSync(root, { recursive: true });
});

const make = (directory: BackupDirectory, name: string) =>
  new Promise<MadeBackup>(resolve => directory.make(name, resolve));

it('makes copies beside the data, each below its name, under the name of the node', async () => {
  const beside = new BackupDirectory(disk, 'n1', `${root}/data/`, undefined);
  expect(await make(beside, 'monday')).toEqual({ path: join(root, 'data-backups', 'monday', 'n1') });
  const elsewhere = new BackupDirectory(disk, 'n1', join(root, 'data'), join(root, 'copies'));
  expect(await make(elsewhere, 'monday')).toEqual({ path: join(root, 'copies', 'monday', 'n1') });
  expect(readdirSync(join(root, 'copies', 'monday'))).toEqual(['n1']);
});

it('leaves alone what is there already', async () => {
  const path = join(root, 'data-backups', 'monday', 'n1');
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'file'), 'x');
  const made = await make(new BackupDirectory(disk, 'n1', join(root, 'data'), undefined), 'monday');
  expect(made).toEqual({ error: `ERR Cannot back ${join(root, 'data')} up to ${path}: it exists` });
  expect(readdirSync(path)).toEqual(['file']);
});

it('begins anew where a process was killed in the middle of one', async () => {
  const left = join(root, 'data-backups', 'monday', '.n1.unfinished');
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, 'CURRENT'), 'MANIFEST-000099\n');
  const made = await make(new BackupDirectory(disk, 'n1', join(root, 'data'), undefined), 'monday');
  expect(made).toHaveProperty('path');
  expect(existsSync(left)).toBe(false);
});

it.each(['../x', 'a/b', '..', ''])('would rather end the process than make one of the name %j', name => {
  expect(() => new BackupDirectory(disk, 'n1', 'data', root).make(name, () => {})).toThrow('some other place');
});

it.skipIf(!mayMount)('leaves nothing of a copy that there is no room for, and the node goes on', async () => {
  const small = new SmallFileSystem(join(root, 'small'), 2 << 20);
  try {
    const directory = new BackupDirectory(disk, 'n1', join(root, 'data'), join(small.path, 'copies'));
    expect(await make(directory, 'monday')).toEqual({
      error: expect.stringMatching(/^ERR .*No space left on device$/),
    });
    expect(readdirSync(join(small.path, 'copies'))).toEqual([]);
    expect(disk.failure).toBeUndefined();
    disk.put(Buffer.of(3, 99), Buffer.of(1));
    expect(await new Promise(resolve => disk.flush(resolve))).toBeUndefined();
  } finally {
    small.unmount();
  }
});

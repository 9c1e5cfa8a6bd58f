import { existsSync, mkdirSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { IS_COPY } from '../node/disk/node-storage.ts';
import type { Node } from '../node/node.ts';
import type { Disk, DiskFailure } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import { LevelDisk } from './disk/level-disk.ts';
import { noteIn, syncDirectory } from './disk/store-copy.ts';

/** A data directory that a node cannot start with, in words for whoever has to see to it. */
export class DataDirError extends Error {
  override readonly name = 'DataDirError';
}

/** How often it is looked whether a node has read its disk. */
const CHECK_MS = 5;

/**
 * Makes a node that has read what is in the data directory. A store that cannot be used is set aside, and the node starts with an empty one: what
 * it had is taken from the other replicas. The store is a directory in the data directory, which may be a volume of its own: that cannot be renamed.
 *
 *     store               what the node has
 *     set-aside-<time>    a store that it could not use
 *
 * @throws DataDirError when somebody has to look at it.
 */
export async function loadNode(dataDir: string, log: Log, makeNode: (disk: Disk) => Node): Promise<Node> {
  try {
    return await load(dataDir, log, makeNode);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new DataDirError(`the data-dir ${dataDir} cannot be used: ${error.message}`);
  }
}

async function load(dataDir: string, log: Log, makeNode: (disk: Disk) => Node): Promise<Node> {
  prepare(dataDir);
  const disk = await openDisk(dataDir, log);
  const node = makeNode(disk);
  const trouble = await loaded(node);
  if (trouble === undefined) return node;
  await new Promise<void>(resolve => disk.close(() => resolve()));
  if (trouble.found === 'unusable') throw new DataDirError(`${dataDir}: ${trouble.reason}`);
  await setAside(dataDir, trouble.reason, log);
  const anew = makeNode(await openDisk(dataDir, log));
  const again = await loaded(anew);
  if (again !== undefined) throw new DataDirError(`${dataDir}: ${again.reason}`);
  return anew;
}

/** Sees to it that there is a data directory, and that nothing is in it which was meant to be its store. */
function prepare(dataDir: string): void {
  if (noteIn(dataDir) !== undefined) throw new DataDirError(`${dataDir}: ${IS_COPY}`);
  if (existsSync(join(dataDir, 'CURRENT')))
    throw new DataDirError(`${dataDir}: it is a store itself: move what is in it to ${storeIn(dataDir)}`);
  if (mkdirSync(dataDir, { recursive: true }) !== undefined) syncDirectory(dirname(dataDir));
}

function storeIn(dataDir: string): string {
  return join(dataDir, 'store');
}

async function openDisk(dataDir: string, log: Log): Promise<LevelDisk> {
  const opened = await LevelDisk.open(storeIn(dataDir));
  if (opened instanceof LevelDisk) return opened;
  if (opened.kind !== 'corrupt') throw explain(dataDir, opened);
  await setAside(dataDir, opened.message, log);
  const again = await LevelDisk.open(storeIn(dataDir));
  if (again instanceof LevelDisk) return again;
  throw explain(dataDir, again);
}

function explain(path: string, { kind, message }: DiskFailure): DataDirError {
  const advice = {
    locked: 'another process uses it: stop that one, or choose another data-dir',
    'newer-schema': 'it was written by a later version of coterie: start that version',
    full: 'its disk is full: make room',
    'read-only': 'it cannot be written: mend its permissions, or choose another data-dir',
    io: message,
    corrupt: message,
  };
  return new DataDirError(`the data-dir ${path} cannot be opened: ${advice[kind]}`);
}

/** Whoever looks into what went wrong finds it there. */
async function setAside(dataDir: string, reason: string, log: Log): Promise<void> {
  const to = join(dataDir, `set-aside-${Date.now()}`);
  await rename(storeIn(dataDir), to);
  syncDirectory(dataDir);
  log.error('what is in the data directory cannot be used: it was set aside, and the node begins with nothing', {
    reason,
    to,
  });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

/** Settles when the node has read its disk, with what was wrong if anything was. */
function loaded(node: Node): Promise<Node['unusable']> {
  return new Promise(resolve => {
    const check = (): void => {
      if (node.unusable === undefined && node.isLoading) setTimeout(check, CHECK_MS);
      else resolve(node.unusable);
    };
    check();
  });
}

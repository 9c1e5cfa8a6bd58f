import { rename } from 'node:fs/promises';
import type { Node } from '../node/node.ts';
import type { Disk, DiskFailure } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import { LevelDisk } from './disk/level-disk.ts';

/** A data directory that a node cannot start with, in words for whoever has to see to it. */
export class DataDirError extends Error {
  override readonly name = 'DataDirError';
}

/** How often it is looked whether a node has read its disk. */
const CHECK_MS = 5;

/**
 * Makes a node that has read what is in the data directory. One that cannot be used is set aside, and the node starts with an empty one: what
 * it had is taken from the other replicas.
 *
 * @throws DataDirError when somebody has to look at it.
 */
export async function loadNode(path: string, log: Log, makeNode: (disk: Disk) => Node): Promise<Node> {
  const disk = await openDisk(path, log);
  const node = makeNode(disk);
  const trouble = await loaded(node);
  if (trouble === undefined) return node;
  await new Promise<void>(resolve => disk.close(() => resolve()));
  if (trouble.found === 'unusable') throw new DataDirError(`${path}: ${trouble.reason}`);
  await setAside(path, trouble.reason, log);
  const anew = makeNode(await openDisk(path, log));
  const again = await loaded(anew);
  if (again !== undefined) throw new DataDirError(`${path}: ${again.reason}`);
  return anew;
}

async function openDisk(path: string, log: Log): Promise<LevelDisk> {
  const opened = await LevelDisk.open(path);
  if (opened instanceof LevelDisk) return opened;
  if (opened.kind !== 'corrupt') throw explain(path, opened);
  await setAside(path, opened.message, log);
  const again = await LevelDisk.open(path);
  if (again instanceof LevelDisk) return again;
  throw explain(path, again);
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
async function setAside(path: string, reason: string, log: Log): Promise<void> {
  const to = `${path.replace(/\/+$/, '')}.set-aside-${Date.now()}`;
  await rename(path, to);
  log.error('the data directory cannot be used: it was set aside, and the node begins with nothing', {
    reason,
    to,
  });
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

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Lies beside LevelDB's files in what a backup has made, and in nothing else. So a node tells such a copy from its own data, which a copy may be
 * far behind; and whoever reads the copy knows whether all is there: of a damaged log LevelDB drops what it cannot read, and does not say so twice.
 */
const NOTE = 'BACKUP';

export interface CopyNote {
  /** Entries in the copy, the store's own not counted; undefined where the note cannot be read. */
  readonly entries: number | undefined;
}

/** What stands in a copy beside its entries; undefined in a store that is none. */
export function noteIn(path: string): CopyNote | undefined {
  const file = join(path, NOTE);
  if (!existsSync(file)) return undefined;
  const [, digits] = /^\{"entries":(\d{1,15}),/.exec(readFileSync(file, 'latin1')) ?? [];
  return { entries: digits === undefined ? undefined : Number(digits) };
}

/**
 * Makes a copy beside `to`, with its note, and renames it when it is whole and durable. What was begun is removed when that fails.
 *
 * @param fill makes a store in the directory it is given. @returns how many entries it has.
 */
export async function makeCopy(to: string, fill: (path: string) => Promise<number>): Promise<void> {
  if (existsSync(to)) throw new Error('it exists');
  const parent = dirname(to);
  const isNew = mkdirSync(parent, { recursive: true }) !== undefined;
  // No backup has such a name: they begin with a letter or a digit.
  const unfinished = join(parent, `.${basename(to)}.unfinished`);
  rmSync(unfinished, { recursive: true, force: true });
  try {
    const entries = await fill(unfinished);
    const note = { entries, made: new Date().toISOString() };
    writeFileSync(join(unfinished, NOTE), `${JSON.stringify(note)}\n`, { flush: true });
    syncDirectory(unfinished);
    renameSync(unfinished, to);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (isNew) removeIfEmpty(parent);
    throw error;
  }
  syncDirectory(parent);
  if (isNew) syncDirectory(dirname(parent));
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Somebody else has put something there.
  }
}

/** Makes the names in a directory durable. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

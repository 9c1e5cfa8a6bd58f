import { join, resolve } from 'node:path';
import { assert } from '../../lib/assert.ts';
import { IDENTIFIER } from '../../lib/identifier.ts';
import type { Backups, Disk, MadeBackup } from '../../ports/disk.ts';

/**
 * Copies of a node's disk, each as `<directory>/<name of the backup>/<name of the node>`: nodes may share a directory, and what was backed up together lies
 * together. Who asks for one names it, and says nothing of where.
 */
export class BackupDirectory implements Backups {
  readonly #disk: Disk;
  readonly #node: string;
  readonly #path: string;

  /** @param path undefined for a directory beside that of the data. */
  constructor(disk: Disk, node: string, dataDir: string, path: string | undefined) {
    this.#disk = disk;
    this.#node = node;
    this.#path = resolve(path ?? `${resolve(dataDir)}-backups`);
  }

  make(name: string, done: (made: MadeBackup) => void): void {
    assert(IDENTIFIER.test(name), 'Cannot make a backup: its name may mean some other place');
    const path = join(this.#path, name, this.#node);
    this.#disk.backup(path, failure => done(failure === undefined ? { path } : { error: `ERR ${failure.message}` }));
  }
}

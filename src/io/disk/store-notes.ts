import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Findings, NO_FINDINGS } from './store-check.ts';
import { syncDirectory } from './store-copy.ts';

/**
 * What was found in a store's files, and has not been seen to. LevelDB does away with it on opening: it makes a table of a log, and a compaction
 * writes new tables. Whoever is told may be killed before what follows is durable; so it is noted before LevelDB opens the store, and told at each opening
 * until it is settled. A damaged table may stay; what has been settled is not told again of the same one.
 *
 *     lost, torn    what to tell
 *     lost-seen     what was told of `lost`, and settled
 */
export class StoreNotes {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Whether it would change what is told at this opening. */
  areNews({ lost, torn }: Findings): boolean {
    return (lost !== undefined && lost !== this.#read('lost-seen')) || torn !== undefined;
  }

  /** Keeps what is new beside what was found at a former opening. */
  add({ lost, torn }: Findings): void {
    if (lost !== undefined && lost !== this.#read('lost-seen')) this.#write('lost', lost);
    if (torn !== undefined) this.#write('torn', torn);
  }

  get toTell(): Findings {
    return { lost: this.#read('lost'), torn: this.#read('torn') };
  }

  /** What follows from these is durable. */
  settle({ lost, torn }: Findings = NO_FINDINGS): void {
    if (lost !== undefined) {
      this.#write('lost-seen', lost);
      rmSync(this.#path('lost'), { force: true });
    }
    if (torn !== undefined) rmSync(this.#path('torn'), { force: true });
    syncDirectory(this.#directory);
  }

  #read(name: string): string | undefined {
    const path = this.#path(name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  #write(name: string, text: string): void {
    const path = this.#path(name);
    const unfinished = `${path}.unfinished`;
    const file = openSync(unfinished, 'w');
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
    syncDirectory(this.#directory);
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}

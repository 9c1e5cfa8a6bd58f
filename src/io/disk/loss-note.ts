import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { syncDirectory } from './store-copy.ts';

/**
 * LevelDB says only in its file `LOG`, at one opening, that it has dropped a part of what had been durable, and begins `LOG` anew at the next. Whoever
 * was told may be killed before what follows from it is durable; so it is told again at each opening until then. A line of `LOG` has its time in
 * it, which tells one loss from another.
 */
export class LossNote {
  readonly #directory: string;
  readonly #lost: string;
  readonly #seen: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.#lost = join(directory, 'lost');
    this.#seen = join(directory, 'lost-seen');
  }

  /** To be called before LevelDB begins its `LOG` anew. */
  keep(): void {
    const line = this.#lineInLog();
    if (line !== undefined && line !== textOf(this.#seen)) this.#write(this.#lost, line);
  }

  /** What was lost, and has not been seen to; to be asked when LevelDB has opened its files. */
  get reason(): string | undefined {
    const line = this.#line;
    return line === undefined ? undefined : `LevelDB dropped a part of its log: ${line.replace(/^\S+ \S+ /, '')}`;
  }

  /** What follows from the loss is durable. */
  settle(): void {
    const line = this.#line;
    if (line === undefined) return;
    this.#write(this.#seen, line);
    rmSync(this.#lost, { force: true });
  }

  get #line(): string | undefined {
    const line = this.#lineInLog() ?? textOf(this.#lost);
    return line === textOf(this.#seen) ? undefined : line;
  }

  #lineInLog(): string | undefined {
    return textOf(join(this.#directory, 'LOG'))
      ?.split('\n')
      .find(each => /dropping \d+ bytes|[Ii]gnoring error/.test(each));
  }

  #write(path: string, text: string): void {
    const unfinished = `${path}.unfinished`;
    const file = openSync(unfinished, 'w');
    try {
      writeSync(file, text, null, 'latin1');
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
    syncDirectory(this.#directory);
  }
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'latin1') : undefined;
}

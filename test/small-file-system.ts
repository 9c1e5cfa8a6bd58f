import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** Whether this process may mount one. */
export const mayMount = process.getuid?.() === 0 && process.platform === 'linux';

/** A file system of its own, in memory. */
export class SmallFileSystem {
  readonly path: string;

  /** @param path a directory that is made. */
  constructor(path: string, bytes: number) {
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'none', path], { stdio: 'pipe' });
    this.path = path;
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.path]);
  }
}

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { packageVersion } from '../io/package-version.ts';

/** What code this is: the commit of the checkout, or the version of the package. */
export function codeVersion(): string {
  try {
    const folder = fileURLToPath(new URL('.', import.meta.url));
    const described = execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return `commit ${described.trim()}`;
  } catch {
    return `version ${packageVersion()}`;
  }
}

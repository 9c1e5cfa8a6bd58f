import type { DiskFailure, DiskFailureKind } from '../../ports/disk.ts';

/** The system's words, which LevelDB passes on without the number, of glibc and musl. Space is short in four ways. */
const BY_WORDS: readonly (readonly [RegExp, DiskFailureKind])[] = [
  [/No space left on device|[Qq]uota exceeded|File too large/, 'full'],
  [/Read-only file system|Permission denied|Operation not permitted/, 'read-only'],
];

const BY_CODE: Readonly<Record<string, DiskFailureKind>> = {
  LEVEL_LOCKED: 'locked',
  LEVEL_CORRUPTION: 'corrupt',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EROFS: 'read-only',
  EACCES: 'read-only',
  EPERM: 'read-only',
};

/** Also of a table that is missing while the store is open, and of a place in a file that a damaged index names and no file has. */
const CORRUPT = /Corruption|(?:\.ldb|\.sst): No such file|Invalid argument/;

/** What an error of the engine, or of the file system below it, means to a node. Whatever is not known better is `io`. */
export function failureOf(error: unknown, doing: string): DiskFailure {
  const causes: { message: string; code?: string }[] = [];
  for (let each = error; each instanceof Error; each = each.cause) causes.push(each);
  const deepest = causes.at(-1)?.message ?? String(error);
  return { kind: kindOf(causes), message: `Cannot ${doing}: ${deepest}` };
}

function kindOf(causes: readonly { message: string; code?: string }[]): DiskFailureKind {
  for (const { code = '' } of causes) if (BY_CODE[code] !== undefined) return BY_CODE[code];
  for (const { message } of causes) {
    for (const [words, kind] of BY_WORDS) if (words.test(message)) return kind;
    if (CORRUPT.test(message)) return 'corrupt';
  }
  return 'io';
}

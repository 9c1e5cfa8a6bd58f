import { describe, expect, it } from 'vitest';
import { failureOf } from '../../src/io/disk/level-failure.ts';

/** An error as `classic-level` nests them, or as the file system's functions throw it. */
function error(message: string, code?: string, cause?: Error): Error {
  return Object.assign(new Error(message, { cause }), code === undefined ? {} : { code });
}

describe('an error of LevelDB', () => {
  it.each([
    ['IO error: /data/000005.log: No space left on device', 'LEVEL_IO_ERROR', 'full'],
    ['IO error: /data/000005.log: Disk quota exceeded', 'LEVEL_IO_ERROR', 'full'],
    ['IO error: /data/000005.log: Quota exceeded', 'LEVEL_IO_ERROR', 'full'],
    ['IO error: /data/000005.log: File too large', 'LEVEL_IO_ERROR', 'full'],
    ['IO error: /data/LOCK: Read-only file system', 'LEVEL_IO_ERROR', 'read-only'],
    ['IO error: /data/LOCK: Permission denied', 'LEVEL_IO_ERROR', 'read-only'],
    ['IO error: lock /data/LOCK: Resource temporarily unavailable', 'LEVEL_LOCKED', 'locked'],
    ['Corruption: corrupted compressed block contents', 'LEVEL_CORRUPTION', 'corrupt'],
    ['IO error: /data/000007.ldb: No such file or directory', 'LEVEL_IO_ERROR', 'corrupt'],
    ['IO error: /data/000007.ldb: Invalid argument', 'LEVEL_IO_ERROR', 'corrupt'],
    ['IO error: /data/000005.log: Input/output error', 'LEVEL_IO_ERROR', 'io'],
    ["EACCES: permission denied, mkdir '/data'", 'EACCES', 'read-only'],
    ["EROFS: read-only file system, mkdir '/data'", 'EROFS', 'read-only'],
    ["ENOSPC: no space left on device, mkdir '/data'", 'ENOSPC', 'full'],
    ["ENOTDIR: not a directory, mkdir '/data'", 'ENOTDIR', 'io'],
  ])('%s is of the kind that a node can act upon', (message, code, kind) => {
    expect(failureOf(error(message, code), 'open /data')).toEqual({ kind, message: `Cannot open /data: ${message}` });
  });

  it('is told by its cause, whatever it is wrapped in', () => {
    const wrapped = error(
      'Database failed to open',
      'LEVEL_DATABASE_NOT_OPEN',
      error('IO error: lock: held', 'LEVEL_LOCKED'),
    );
    expect(failureOf(wrapped, 'open /data')).toEqual({
      kind: 'locked',
      message: 'Cannot open /data: IO error: lock: held',
    });
  });
});

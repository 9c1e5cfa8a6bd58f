import { describe, expect, it } from 'vitest';
import type { ServerDisk } from '../../src/commands/server.ts';
import { FakeSession } from './fake-session.ts';

/** A disk whose saves end when a test says so. */
class FakeDisk implements ServerDisk {
  lastFlushWallMs = 1_760_000_012_999;
  refusal: string | undefined;
  pendingChanges = 0;
  isSaving = false;
  lastSave: 'ok' | 'err' = 'ok';
  saved = 0;
  error: string | undefined;

  save(done: (error: string | undefined) => void): void {
    this.saved++;
    done(this.error);
  }

  saveInBackground(): void {
    this.isSaving = true;
  }
}

function sessionWithDisk(): { session: FakeSession; disk: FakeDisk } {
  const session = new FakeSession();
  const disk = new FakeDisk();
  session.server.disk = disk;
  return { session, disk };
}

const NO_DISK = '-ERR this node keeps everything in memory: it has no data-dir\r\n';
const IN_PROGRESS = '-ERR Background save already in progress\r\n';

describe('SAVE', () => {
  it('answers when everything is durable, in its place among the replies', () => {
    const { session, disk } = sessionWithDisk();
    session.start('SAVE');
    expect(session.reply.byteLength).toBe(0);
    expect(session.settle()).toBe('+OK\r\n');
    expect(disk.saved).toBe(1);
  });

  it('says why it could not', () => {
    const { session, disk } = sessionWithDisk();
    disk.error = 'MISCONF Errors writing to the data directory: No space left on device';
    expect(session.run('SAVE')).toBe(`-${disk.error}\r\n`);
  });

  it('does not save beside a BGSAVE', () => {
    const { session, disk } = sessionWithDisk();
    disk.isSaving = true;
    expect(session.run('SAVE')).toBe(IN_PROGRESS);
    expect(disk.saved).toBe(0);
  });

  it('takes no argument', () => {
    expect(new FakeSession().run('SAVE', 'x')).toBe("-ERR wrong number of arguments for 'save' command\r\n");
  });
});

describe('BGSAVE', () => {
  it.each([[[]], [['SCHEDULE']], [['schedule']]])('%j starts a save, and no second one beside it', words => {
    const { session, disk } = sessionWithDisk();
    expect(session.run('BGSAVE', ...words)).toBe('+Background saving started\r\n');
    expect(session.run('BGSAVE', ...words)).toBe(IN_PROGRESS);
    disk.isSaving = false;
    expect(session.run('BGSAVE', ...words)).toBe('+Background saving started\r\n');
  });

  it.each([[['NOW']], [['SCHEDULE', 'x']]])('does not take %j', words => {
    expect(sessionWithDisk().session.run('BGSAVE', ...words)).toBe('-ERR syntax error\r\n');
  });
});

describe('LASTSAVE', () => {
  it('is the second of the last flush, and without a disk that of the start', () => {
    const { session } = sessionWithDisk();
    expect(session.run('LASTSAVE')).toBe(':1760000012\r\n');
    expect(new FakeSession().run('LASTSAVE')).toBe(':1760000000\r\n');
  });
});

describe('a node that is in memory only', () => {
  it.each([['SAVE'], ['BGSAVE'], ['COTERIE', 'BACKUP', 'monday']])('says so to %s %s %s', (...words) => {
    expect(new FakeSession().run(...words.filter(word => word !== undefined))).toBe(NO_DISK);
  });

  it('does not say in INFO that nothing has changed since the last save', () => {
    const text = new FakeSession().run('INFO', 'persistence');
    expect(text).not.toContain('rdb_changes_since_last_save');
    expect(text).toContain('\r\nrdb_bgsave_in_progress:0\r\nrdb_last_save_time:1760000000\r\n');
    expect(text).toContain('aof_enabled:0');
  });
});

it('a node that is loading saves nothing, and says when it last did', () => {
  const { session } = sessionWithDisk();
  session.server.isLoading = true;
  for (const words of [['SAVE'], ['BGSAVE'], ['COTERIE', 'BACKUP', 'monday']]) {
    expect(session.run(...words)).toBe('-LOADING Redis is loading the dataset in memory\r\n');
  }
  expect(session.run('LASTSAVE')).toBe(':1760000012\r\n');
});

it('INFO tells what is not on disk yet, and how the last save went', () => {
  const { session, disk } = sessionWithDisk();
  Object.assign(disk, { pendingChanges: 7, isSaving: true, lastSave: 'err' });
  const text = session.run('INFO', 'persistence');
  for (const line of [
    ...['rdb_changes_since_last_save:7', 'rdb_bgsave_in_progress:1', 'rdb_last_save_time:1760000012'],
    ...['rdb_last_bgsave_status:err', 'aof_enabled:1', 'aof_last_write_status:ok'],
  ]) {
    expect(text).toContain(`\r\n${line}\r\n`);
  }
});

it('INFO and COTERIE KEYSPACES tell what a keyspace promises of its disk', () => {
  const session = new FakeSession();
  session.server.keyspaceChanges = { durability: 'sync' };
  expect(session.run('INFO', 'coterie')).toContain(',durability=sync,');
  expect(session.run('COTERIE', 'KEYSPACES')).toContain('$10\r\ndurability\r\n$4\r\nsync\r\n');
});

describe('COTERIE BACKUP', () => {
  it('answers with where the copy is, in its place among the replies', () => {
    const { session } = sessionWithDisk();
    session.start('COTERIE', 'BACKUP', 'monday-2026.01');
    expect(session.reply.byteLength).toBe(0);
    expect(session.settle()).toBe('$18\r\n/backups/monday/n1\r\n');
    expect(session.server.asked).toEqual(['backup monday-2026.01']);
  });

  it('says why there is none', () => {
    const { session } = sessionWithDisk();
    session.server.made = { error: 'ERR a backup is under way' };
    expect(session.run('COTERIE', 'BACKUP', 'monday')).toBe('-ERR a backup is under way\r\n');
  });

  it.each(['', '.', '..', '../x', 'a/b', '/etc', '-x', '.hidden', 'a\0b', 'a\nb', 'ä', 'x'.repeat(65)])(
    'does not take the name %j, which may mean some other place',
    name => {
      const { session } = sessionWithDisk();
      expect(session.run('COTERIE', 'BACKUP', name)).toMatch(/^-ERR the name of a backup is 1 to 64 letters, .*\r\n$/);
      expect(session.server.asked).toEqual([]);
    },
  );
});

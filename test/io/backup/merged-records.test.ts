import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Actors } from '../../../src/clock/actors.ts';
import { Backup, BackupError } from '../../../src/io/backup/backup.ts';
import { MergedRecords } from '../../../src/io/backup/merged-records.ts';
import { drawBelow } from '../../../src/lib/draw.ts';
import { SeededRandom } from '../../../src/lib/seeded-random.ts';
import { mergeRecords, type StoredRecord } from '../../../src/store/record.ts';
import { backupMaker, flipIn, recordOf, type Version } from './backups.ts';

const maker = backupMaker();

/** What backups hold together, in order, and what is wrong with them. */
async function read(...paths: readonly string[]) {
  const backups: Backup[] = [];
  for (const path of paths) backups.push(await Backup.open(path));
  try {
    const merged = new MergedRecords(backups);
    const records: { db: number; key: string; value: string | undefined; atMs: number | undefined }[] = [];
    for await (const { db, key, record } of merged.read()) {
      const value = record.value && Buffer.from(record.value).toString('latin1');
      records.push({ db, key: key.toString('latin1'), value, atMs: record.expiry?.atMs });
    }
    const missing: (number | undefined)[] = [];
    for (const backup of backups) missing.push(await backup.countMissing());
    return { records, damaged: merged.damaged, missing };
  } finally {
    for (const backup of backups) await backup.close();
  }
}

const valuesOf = ({ records }: Awaited<ReturnType<typeof read>>) =>
  Object.fromEntries(records.map(({ db, key, value }) => [`${db}/${key}`, value ?? null]));

async function refusal(path: string): Promise<string> {
  const error = await Backup.open(path).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(BackupError);
  return (error as Error).message;
}

describe('several backups', () => {
  it('give the newest version of each key, whoever has it, as its replica or for others', async () => {
    const one = await maker.make([
      { db: 0, key: 'a', stamp: 5, value: 'old' },
      { db: 0, key: 'b', stamp: 5, value: 'new' },
      { db: 1, key: 'a', stamp: 1, value: 'other keyspace' },
      { db: 0, key: 'tie', stamp: 3, actor: 'n1.00', value: 'n1' },
    ]);
    const two = await maker.make([
      { db: 0, key: 'a', stamp: 9, value: 'new' },
      { db: 0, key: 'b', stamp: 4, value: 'old' },
      { db: 0, key: 'c', stamp: 1, value: 'only here' },
      { db: 0, key: 'c', stamp: 2, value: 'kept', kept: true },
      { db: 0, key: 'tie', stamp: 3, actor: 'n2.00', value: 'n2' },
    ]);
    const expected = { '0/a': 'new', '0/b': 'new', '0/c': 'kept', '0/tie': 'n2', '1/a': 'other keyspace' };
    expect(valuesOf(await read(one, two))).toEqual(expected);
    expect(valuesOf(await read(two, one))).toEqual(expected);
  });

  it('keep a deleted key deleted, and give back one that was set again', async () => {
    const before = await maker.make([
      { db: 0, key: 'gone', stamp: 5, value: 'x' },
      { db: 0, key: 'back', stamp: 5 },
    ]);
    const after = await maker.make([
      { db: 0, key: 'gone', stamp: 6 },
      { db: 0, key: 'back', stamp: 6, value: 'y' },
    ]);
    expect(valuesOf(await read(before, after))).toEqual({ '0/gone': null, '0/back': 'y' });
  });

  it('hold what a replica would that had been given all of them', async () => {
    const version: fc.Arbitrary<Version> = fc
      .record(
        {
          db: fc.constantFrom(0, 1, 255),
          key: fc.constantFrom('', 'a', 'b', '{a}b', '\0', '\xff\xff', 'user:1'),
          stamp: fc.integer({ min: 1, max: 4 }),
          actor: fc.constantFrom('n1.00', 'n2.00'),
          isTombstone: fc.boolean(),
          expiryAtMs: fc.constantFrom(0, 1_000, 2_000),
          kept: fc.boolean(),
        },
        { requiredKeys: ['db', 'key', 'stamp', 'actor', 'isTombstone', 'kept'] },
      )
      // One dot is one write: all that have it have the same.
      .map(({ isTombstone, expiryAtMs, ...each }) =>
        isTombstone
          ? { ...each, actor: 'n3.00' }
          : {
              ...each,
              value: `${each.actor}@${each.stamp}`,
              ...(expiryAtMs === undefined ? {} : { expiryAtMs: 7_000 }),
            },
      );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(version, { maxLength: 12 }), { minLength: 1, maxLength: 3 }), async lists => {
        const paths: string[] = [];
        for (const list of lists) paths.push(await maker.make(list));
        expect(valuesOf(await read(...paths))).toEqual(model(lists));
      }),
      { numRuns: 25 },
    );
  });

  it('are read a chunk at a time, in the order of their keys', async () => {
    const many = (from: number, step: number) =>
      Array.from({ length: 3_000 }, (_, i) => ({
        db: 0,
        key: `{x}${String(from + i * step).padStart(6, '0')}`,
        stamp: 1,
        value: 'v',
      }));
    const { records } = await read(await maker.make(many(0, 2)), await maker.make(many(1, 2)));
    expect(records.map(({ key }) => Number(key.slice(3)))).toEqual(Array.from({ length: 6_000 }, (_, i) => i));
  });
});

/** The last put of a table wins there; the tables are merged one after the other. */
function model(lists: readonly (readonly Version[])[]): Record<string, string | null> {
  const actors = new Actors();
  const merged = new Map<string, StoredRecord>();
  for (const list of lists) {
    const entries = new Map(list.map(each => [`${each.kept}/${each.db}/${each.key}`, each]));
    for (const each of entries.values()) {
      const place = `${each.db}/${each.key}`;
      const before = merged.get(place);
      const record = recordOf(actors, each);
      merged.set(place, before === undefined ? record : mergeRecords(actors, before, record));
    }
  }
  return Object.fromEntries(
    [...merged].map(([place, { value }]) => [place, value === undefined ? null : Buffer.from(value).toString()]),
  );
}

const FLIPS = Number(process.env['DISK_FLIPS'] ?? 40);

/** One bit of one of the files, each byte as likely as the other. */
function flipOne(path: string, random: SeededRandom): void {
  const files = readdirSync(path).map(name => ({ file: join(path, name), bytes: readFileSync(join(path, name)) }));
  let at = drawBelow(
    random,
    files.reduce((sum, { bytes }) => sum + bytes.length, 0),
  );
  for (const { file, bytes } of files) {
    if (at < bytes.length) {
      bytes[at]! ^= 1 << drawBelow(random, 8);
      return writeFileSync(file, bytes);
    }
    at -= bytes.length;
  }
}

describe('a backup that is damaged', () => {
  const VERSIONS = Array.from({ length: 50 }, (_, i) => ({ db: 0, key: `k${i}`, stamp: 1, value: `<value ${i}>` }));

  it('gives everything but the entry whose value is not what it was', async () => {
    const path = await maker.make(VERSIONS);
    flipIn(path, '<value 7>');
    const found = await read(path);
    expect(found.damaged).toBe(1);
    expect(found.missing).toEqual([0]);
    expect(found.records.map(({ value }) => value).sort()).toEqual(
      VERSIONS.map(({ value }) => value)
        .filter(value => value !== '<value 7>')
        .sort(),
    );
  });

  it('gives what another backup has of it', async () => {
    const paths = [await maker.make(VERSIONS), await maker.make(VERSIONS)] as const;
    flipIn(paths[0], '<value 7>');
    expect((await read(...paths)).records).toHaveLength(50);
  });

  it('gives nothing that was not in it, and says so where it gives less, whichever bit of its files is wrong', async () => {
    const random = new SeededRandom(11);
    const whole = await maker.make(VERSIONS);
    const expected = (await read(whole)).records;
    const outcomes = new Map<string, number>();
    for (let i = 0; i < FLIPS; i++) {
      const copy = join(maker.root, `flipped${i}`);
      cpSync(whole, copy, { recursive: true });
      flipOne(copy, random);
      const outcome = await read(copy).then(
        ({ records, damaged, missing }) => {
          for (const record of records) expect(expected).toContainEqual(record);
          if (records.length === expected.length) return 'whole';
          expect(damaged > 0 || missing[0] !== 0, `flip ${i}`).toBe(true);
          return 'damaged';
        },
        error => {
          expect(error).toBeInstanceOf(BackupError);
          return 'refused';
        },
      );
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      rmSync(copy, { recursive: true });
    }
    // Most of the bytes are values.
    expect(outcomes.get('damaged')).toBeGreaterThan(FLIPS / 3);
  });

  it('says each time it is read how many entries are missing', async () => {
    const path = await maker.make(VERSIONS);
    writeFileSync(join(path, 'BACKUP'), '{"entries":54,"made":"2026-01-01T00:00:00.000Z"}\n');
    // Two entries say of which cluster it is.
    for (let i = 0; i < 2; i++) expect((await read(path)).missing).toEqual([2]);
    writeFileSync(join(path, 'BACKUP'), '{"entries":');
    expect((await read(path)).missing).toEqual([undefined]);
  });

  it('does not say of which cluster it is any more', async () => {
    const path = await maker.make(VERSIONS);
    flipIn(path, 'hashKey');
    expect(await refusal(path)).toBe(`${path} cannot be used: what says of which cluster it is is damaged`);
  });
});

describe('what is no backup', () => {
  it('is told in a sentence, and left as it is', async () => {
    expect(await refusal(join(maker.root, 'nothing'))).toMatch(/ is no backup: there is no such directory$/);
    expect(await refusal(maker.root)).toMatch(/ is no backup: COTERIE BACKUP has not made it$/);
    // The data of a node that has ended: to open it would make it forget what it has lost.
    const data = join(maker.root, basename(dirname(await maker.make([]))).replace('backup', 'data'));
    expect(await refusal(data)).toMatch(/ is no backup: COTERIE BACKUP has not made it$/);
  });

  it('is one whose files are gone, or one that is being read', async () => {
    const path = await maker.make([]);
    const backup = await Backup.open(path);
    expect(await refusal(path)).toMatch(/ is in use: another process reads it, or it is named twice$/);
    await backup.close();
    rmSync(join(path, 'CURRENT'));
    expect(await refusal(path)).toMatch(/CURRENT is missing$/);
  });
});

it('tells which keyspaces have records in it', async () => {
  const backup = await Backup.open(
    await maker.make([
      { db: 3, key: 'a', stamp: 1, value: 'x' },
      { db: 255, key: 'a', stamp: 1 },
      { db: 7, key: 'a', stamp: 1, value: 'x', kept: true },
    ]),
  );
  expect([...(await backup.dbs())].sort((a, b) => a - b)).toEqual([3, 7, 255]);
  await backup.close();
});

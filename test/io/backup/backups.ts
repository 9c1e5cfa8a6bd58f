import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { Actors } from '../../../src/clock/actors.ts';
import { BlockWriter } from '../../../src/io/disk/batch-block.ts';
import { LevelStore } from '../../../src/io/disk/level-store.ts';
import { slotOf } from '../../../src/lib/slots.ts';
import { foundingTopology } from '../../../src/membership/topology.ts';
import { NodeTable } from '../../../src/node/disk/node-table.ts';
import { RecordTable } from '../../../src/node/disk/record-table.ts';
import type { Disk } from '../../../src/ports/disk.ts';
import { DiskTable } from '../../../src/store/disk-tables.ts';
import type { StoredRecord } from '../../../src/store/record.ts';

/** One version of a key as a node has it on disk. */
export interface Version {
  readonly db: number;
  readonly key: string;
  readonly stamp: number;
  readonly actor?: string;
  /** Undefined for a tombstone. */
  readonly value?: string;
  readonly expiryAtMs?: number;
  /** Whether the node keeps it for others. */
  readonly kept?: boolean;
}

const A_CLUSTER = 'a'.repeat(32);
const ADDRESS = { host: 'n1', port: 1 };
const MEMBER = { name: 'n1', place: 'n1', joinedAt: 1, zone: 'z', weight: 1, bus: ADDRESS, client: ADDRESS };

/** Makes backups of what nodes might have on disk, in a directory that each test has for itself. */
export class BackupMaker {
  root = '';
  #count = 0;

  /** @returns where the backup is. */
  async make(versions: readonly Version[], id = A_CLUSTER): Promise<string> {
    const number = ++this.#count;
    const store = await LevelStore.open(join(this.root, `data${number}`));
    if (!(store instanceof LevelStore)) throw new Error(store.message);
    const batch = new BlockWriter();
    // No thread, as there are many.
    const disk = { put: (key, value) => batch.add('put', key, value) } as Pick<Disk, 'put'> as Disk;
    new NodeTable(disk, 'n1').putCluster({ id, hashKey: [1, 2], topology: foundingTopology([MEMBER]) });
    const actors = new Actors();
    for (const version of versions) {
      const table = new RecordTable(
        disk,
        version.kept === true ? DiskTable.kept : DiskTable.record,
        version.db,
        actors,
      );
      const key = Buffer.from(version.key, 'latin1');
      table.held(slotOf(key), key, recordOf(actors, version));
    }
    const path = join(this.root, `backup${number}`, 'n1');
    await store.write(batch.take());
    await store.backup(path);
    await store.close();
    return path;
  }
}

export function recordOf(actors: Actors, { stamp, actor = 'n1.00', value, expiryAtMs }: Version): StoredRecord {
  const dot = { actor: actors.intern(actor), stamp };
  return {
    dot,
    value: value === undefined ? undefined : Buffer.from(value, 'latin1'),
    vector: new Map(),
    expiry: expiryAtMs === undefined ? undefined : { dot, atMs: expiryAtMs },
  };
}

/** A maker with a directory for each test of the file. */
export function backupMaker(): BackupMaker {
  const maker = new BackupMaker();
  beforeEach(() => {
    maker.root = mkdtempSync(join(tmpdir(), 'coterie-backup-'));
  });
  afterEach(() => rmSync(maker.root, { recursive: true }));
  return maker;
}

/** Where this text stands in the files of a backup, one bit is turned. */
export function flipIn(path: string, text: string): void {
  for (const name of readdirSync(path)) {
    const bytes = readFileSync(join(path, name));
    const at = bytes.indexOf(text, 0, 'latin1');
    if (at < 0) continue;
    bytes[at]! ^= 1;
    writeFileSync(join(path, name), bytes);
    return;
  }
  throw new Error(`${text} is in no file of ${path}`);
}

import { cpSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { LevelDisk } from '../../src/io/disk/level-disk.ts';
import { signed } from '../../src/io/disk/level-store.ts';
import { type DiskBench, describeDisk } from './conformance.ts';

describeDisk(
  'LevelDisk',
  async (): Promise<DiskBench> => {
    const root = mkdtempSync(join(tmpdir(), 'level-disk-'));
    const at = (name: string) => join(root, name);
    const raw = async (name: string, change: (db: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>) => {
      const options = { keyEncoding: 'view', valueEncoding: 'view', compression: false };
      const db = new ClassicLevel<Uint8Array, Uint8Array>(at(name), options);
      await db.open();
      await change(db);
      await db.close();
    };
    return {
      open: name => LevelDisk.open(at(name)),
      // What a kill leaves: the files as they are at that moment.
      crash: async (name, disk) => {
        cpSync(at(name), at(`${name}.left`), { recursive: true });
        await new Promise(resolve => disk.close(resolve));
        rmSync(at(name), { recursive: true });
        renameSync(at(`${name}.left`), at(name));
      },
      damage: (name, key) =>
        raw(name, async db => {
          const stored = Buffer.from((await db.get(key))!);
          stored[0]! ^= 1;
          await db.put(key, stored);
        }),
      tear: async name => {
        const log = at(join(name, readdirSync(at(name)).find(file => file.endsWith('.log'))!));
        truncateSync(log, statSync(log).size - 3);
      },
      placeOf: at,
      setSchemaVersion: (name, version) =>
        raw(name, async db => {
          const key = Buffer.from('\0schema');
          await db.put(key, signed(key, Buffer.of(version)));
        }),
      pass: () => {},
      end: async () => {
        rmSync(root, { recursive: true });
      },
    };
  },
  false,
);

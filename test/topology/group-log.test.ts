import { beforeEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { foundingTopology } from '../../src/membership/topology.ts';
import type { DiskFailure } from '../../src/ports/disk.ts';
import { Configuration } from '../../src/raft/configuration.ts';
import type { Entry } from '../../src/raft/entry.ts';
import { foundingSnapshot } from '../../src/raft/snapshot.ts';
import type { SimulatedDisk } from '../../src/sim/simulated-disk.ts';
import { NO_DISK_FAULTS, SimulatedDrive } from '../../src/sim/simulated-drive.ts';
import { VirtualTime } from '../../src/sim/virtual-clock.ts';
import { DiskTable } from '../../src/store/disk-tables.ts';
import { encodeTopology } from '../../src/topology/commands.ts';
import { GroupLog, type RestoredGroup, restoreGroup } from '../../src/topology/group-log.ts';
import { pack } from '../../src/topology/packed.ts';
import { member } from './group-network.ts';

const ID = 'n1.1';
const VOTERS = new Configuration([ID, 'n2.2']);
// What is unpacked is a Buffer.
const BYTES = Buffer.from(encodeTopology(foundingTopology([member('n1')])));
const FOUNDING = { meta: foundingSnapshot(VOTERS), bytes: BYTES };
const LATER = { meta: { index: 4, term: 3, configuration: VOTERS }, bytes: BYTES };
const TERM_1 = { term: 1, vote: undefined };

const proposal = { origin: ID, number: 1 };
const empty = (index: number, term: number): Entry => ({ index, term, kind: 'empty' });
const command = (index: number, term: number): Entry => {
  return { index, term, kind: 'command', proposal, data: Buffer.from([index]) };
};

let time: VirtualTime;
let drive: SimulatedDrive;
let disk: SimulatedDisk;

beforeEach(() => {
  time = new VirtualTime();
  drive = new SimulatedDrive(new SeededRandom(1), time, NO_DISK_FAULTS);
  disk = opened();
});

function opened(): SimulatedDisk {
  const found = drive.open('node');
  if ('kind' in found) throw new Error(found.message);
  return found;
}

function pass(): void {
  time.run(time.nowMs + 1_000, () => false);
}

/** A log of the founder with these entries, durable. */
function founded(...entries: Entry[]): GroupLog {
  const log = new GroupLog(disk, undefined);
  log.begin(ID, TERM_1, FOUNDING);
  if (entries.length > 0) log.put({ hardState: undefined, entries }, undefined);
  flush(log);
  return log;
}

function flush(log: GroupLog): void {
  log.flush(failure => expect(failure).toBeUndefined());
  pass();
  expect(log.isDirty).toBe(false);
}

/** What the next process finds. @param happens to the store meanwhile. */
function found(happens: (store: ReturnType<SimulatedDrive['store']>) => void = () => {}): RestoredGroup | DiskFailure {
  drive.crash('node');
  happens(drive.store('node'));
  disk = opened();
  let restored: RestoredGroup | DiskFailure | undefined;
  restoreGroup(disk, each => {
    restored = each;
  });
  pass();
  return restored!;
}

const GOOD = { voidBecause: undefined };

describe("The placement group's log on a disk", () => {
  it('is found as it was put', () => {
    const configuration: Entry = { index: 4, term: 3, kind: 'configuration', proposal, configuration: VOTERS };
    const entries = [empty(2, 2), command(3, 2), configuration];
    const log = founded();
    log.put({ hardState: { term: 3, vote: 'n2.2' }, entries }, undefined);
    flush(log);
    const stored = { id: ID, hardState: { term: 3, vote: 'n2.2' }, snapshot: FOUNDING, entries };
    expect(found()).toEqual({ ...GOOD, stored });
  });

  it('is nothing where there was none, and nobody is told of a loss that cannot concern it', () => {
    expect(found()).toEqual({ ...GOOD, stored: undefined });
    expect(
      found(store => {
        store.lost = 'the tail is gone';
      }),
    ).toEqual({ ...GOOD, stored: undefined });
  });

  it('is not void when the last batch is broken off: a power cut may do that to all members at once', () => {
    founded(empty(2, 1));
    expect(
      found(store => {
        store.torn = 'the last batch is broken off';
      }),
    ).toMatchObject({ ...GOOD, stored: { entries: [empty(2, 1)] } });
  });

  it('has entries replaced from an index on, and none behind', () => {
    const log = founded(empty(2, 1), command(3, 1), command(4, 1));
    log.put({ hardState: { term: 2, vote: undefined }, entries: [empty(3, 2)] }, undefined);
    flush(log);
    expect(found()).toMatchObject({ ...GOOD, stored: { entries: [empty(2, 1), empty(3, 2)] } });
  });

  it('has all entries replaced by the snapshot that a leader sends, in one step with what follows it', () => {
    const log = founded(empty(2, 1), command(3, 1));
    log.put({ hardState: { term: 3, vote: undefined }, entries: [command(5, 3)] }, LATER);
    flush(log);
    expect(found()).toMatchObject({ ...GOOD, stored: { snapshot: LATER, entries: [command(5, 3)] } });
  });

  it('has the entries replaced that a snapshot of its own holds, and no others', () => {
    const log = founded(empty(2, 1), command(3, 3), command(4, 3), command(5, 3));
    log.put({ hardState: { term: 3, vote: undefined }, entries: [] }, undefined);
    log.compact(LATER);
    flush(log);
    expect(found()).toMatchObject({ ...GOOD, stored: { snapshot: LATER, entries: [command(5, 3)] } });
  });

  it('goes on where it was found', () => {
    founded(empty(2, 1), command(3, 1), command(4, 1));
    const restored = found();
    const stored = 'kind' in restored ? undefined : restored.stored;
    const log = new GroupLog(disk, stored);
    log.put({ hardState: { term: 2, vote: undefined }, entries: [empty(3, 2)] }, undefined);
    flush(log);
    expect(found()).toMatchObject({
      ...GOOD,
      stored: { hardState: { term: 2 }, entries: [empty(2, 1), empty(3, 2)] },
    });
  });

  it('that is begun anew has nothing of the former one', () => {
    founded(empty(2, 1), command(3, 1));
    const log = new GroupLog(disk, undefined);
    log.begin('n1.9', TERM_1, FOUNDING);
    flush(log);
    expect(found()).toEqual({ ...GOOD, stored: { id: 'n1.9', hardState: TERM_1, snapshot: FOUNDING, entries: [] } });
  });
});

describe('A log of which something is lost', () => {
  const key = (...bytes: number[]) => Buffer.from([DiskTable.group, ...bytes]).toString('latin1');
  const ENTRY = key(4, 0, 0, 0, 0, 0, 3);
  const value = (of: unknown) => ({ value: pack(of), isDamaged: false });
  const faults: [string, (store: ReturnType<SimulatedDrive['store']>) => void][] = [
    ['a damaged entry', store => store.damage(ENTRY)],
    ['a missing entry', store => store.entries.delete(ENTRY)],
    ['a missing last entry', store => store.entries.delete(key(4, 0, 0, 0, 0, 0, 4))],
    ['no name', store => store.entries.delete(key(1))],
    ['no vote', store => store.entries.delete(key(2))],
    ['no snapshot', store => store.entries.delete(key(3))],
    ['a value of another entry', store => store.entries.set(ENTRY, store.entries.get(key(4, 0, 0, 0, 0, 0, 4))!)],
    ['a term that falls', store => store.entries.set(ENTRY, value(command(3, 0)))],
    ['a term that has not begun', store => store.entries.set(key(2), value({ term: 0, vote: undefined, last: 4 }))],
    ['garbage', store => store.entries.set(ENTRY, { value: Buffer.from([0xc1]), isDamaged: false })],
    ['a key that nobody wrote', store => store.entries.set(key(9), { value: Buffer.from([1]), isDamaged: false })],
    [
      'a disk that has lost something',
      store => {
        store.lost = 'the tail is gone';
      },
    ],
  ];

  it.each(faults)('is void for %s, and is gone before anybody is told', (_, fault) => {
    founded(empty(2, 1), command(3, 1), command(4, 1));
    const restored = found(fault);
    expect(restored).toMatchObject({ stored: undefined, voidBecause: expect.stringMatching(/./) });
    expect(found()).toEqual({ ...GOOD, stored: undefined });
    drive.crash('node');
    expect([...drive.store('node').entries.keys()]).toEqual([]);
  });

  it('is void also while the disk refuses to delete it, and for the next process as well', () => {
    founded(empty(2, 1), command(3, 1));
    drive.isFull = true;
    const voided = { stored: undefined, voidBecause: 'an entry is damaged' };
    expect(found(store => store.damage(ENTRY))).toEqual(voided);
    drive.isFull = false;
    expect(found(() => {})).toEqual(voided);
  });

  it('leaves other tables alone', () => {
    founded(empty(2, 1), command(3, 1));
    const others = [Buffer.of(DiskTable.node, 1), Buffer.of(DiskTable.record)];
    for (const other of others) disk.put(other, Buffer.of(1));
    disk.flush(() => {});
    pass();
    found(store => store.damage(ENTRY));
    drive.crash('node');
    expect([...drive.store('node').entries.keys()].sort()).toEqual(others.map(other => other.toString('latin1')));
  });
});

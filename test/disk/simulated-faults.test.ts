import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import type { Disk, DiskFailure } from '../../src/ports/disk.ts';
import { type DiskFaultRates, NO_DISK_FAULTS, SimulatedDrive } from '../../src/sim/simulated-drive.ts';
import { VirtualTime } from '../../src/sim/virtual-clock.ts';
import { batchOf, type Found, modelAfter, scanAll } from './batches.ts';

interface World {
  readonly time: VirtualTime;
  readonly drive: SimulatedDrive;
  open(): Disk;
  found(disk: Disk): Promise<Found>;
}

function world(seed: number, rates: Partial<DiskFaultRates>): World {
  const time = new VirtualTime();
  const drive = new SimulatedDrive(new SeededRandom(seed), time, { ...NO_DISK_FAULTS, ...rates });
  return {
    time,
    drive,
    open: () => {
      const disk = drive.open('store');
      if ('kind' in disk) throw new Error(disk.message);
      return disk;
    },
    found: disk => {
      const found = scanAll(disk);
      time.run(time.nowMs + 1_000, () => false);
      return found;
    },
  };
}

/** Flushes batch after batch until the power goes at `crashMs`. @returns how many had called back. */
function writeUntil({ time, drive }: World, disk: Disk, crashMs: number): number {
  let flushed = 0;
  const next = () => {
    batchOf(flushed + 1, disk);
    disk.flush(failure => {
      if (failure !== undefined) return;
      flushed++;
      next();
    });
  };
  next();
  time.run(crashMs, () => false);
  drive.crash('store');
  time.run(crashMs + 10_000, () => false);
  return flushed;
}

describe('a simulated drive', () => {
  it('has a whole number of batches after a crash at any moment, every flushed one among them', async () => {
    const more = new Set<number>();
    for (let crashMs = 0; crashMs < 40; crashMs += 0.25) {
      const here = world(3, { 'torn-batch': 0.5 });
      const flushed = writeUntil(here, here.open(), crashMs);
      const { entries = {}, lost } = await here.found(here.open());
      const count = Number(entries['count'] ?? 0);
      expect(entries).toEqual(modelAfter(count));
      expect(lost).toBe(false);
      more.add(count - flushed);
    }
    // The batch under way is sometimes there and sometimes not.
    expect([...more].sort()).toEqual([0, 1]);
  });

  it('takes a torn batch away as a whole', async () => {
    const here = world(3, { 'torn-batch': 1 });
    const flushed = writeUntil(here, here.open(), 20.2);
    expect((await here.found(here.open())).entries).toEqual(modelAfter(flushed));
    expect(here.drive.counts['torn-batch']).toBe(1);
  });

  it('loses a tail of flushed batches as a whole, and says so to whoever opens it until it is written', async () => {
    const here = world(4, { 'lost-tail': 1 });
    const flushed = writeUntil(here, here.open(), 30);
    const disk = here.open();
    const { entries = {}, lost } = await here.found(disk);
    const count = Number(entries['count']);
    expect(count).toBeLessThan(flushed);
    expect(count).toBeGreaterThan(flushed - 10);
    expect(entries).toEqual(modelAfter(count));
    expect([lost, here.drive.counts['lost-tail']]).toEqual([true, 1]);
    here.drive.rates = NO_DISK_FAULTS;
    here.drive.crash('store');
    const again = here.open();
    expect(again.lost).toBe(disk.lost);
    again.put(Buffer.of(1), Buffer.of(1));
    again.flush(() => {});
    here.time.run(here.time.nowMs + 10, () => false);
    here.drive.crash('store');
    expect(here.open().lost).toBeUndefined();
  });

  it('damages one entry at a crash, which is reported and not shown', async () => {
    const here = world(5, { damage: 1 });
    writeUntil(here, here.open(), 30);
    const { entries = {}, damaged } = await here.found(here.open());
    const whole = modelAfter(Number(entries['count']));
    expect(damaged).toBe(1);
    expect(Object.keys(whole).length - Object.keys(entries).length).toBe(1);
    for (const [key, value] of Object.entries(entries)) expect(whole[key]).toBe(value);
  });

  it('is slow at some flushes, and those who ask meanwhile wait for the next', () => {
    const here = world(6, { 'slow-flush': 0.2 });
    const disk = here.open();
    const flushMs: number[] = [];
    let startMs = 0;
    const next = () => {
      startMs = here.time.nowMs;
      disk.put(Buffer.of(1), Buffer.of(1));
      disk.flush(() => {
        flushMs.push(here.time.nowMs - startMs);
        next();
      });
    };
    next();
    here.time.run(20_000, () => false);
    expect(here.drive.counts['slow-flush']).toBeGreaterThan(3);
    expect(Math.max(...flushMs)).toBeGreaterThan(100);
    expect(flushMs.filter(ms => ms < 2).length).toBeGreaterThan(flushMs.length / 2);
  });

  it('refuses to write while it is read-only or full, for new stores too, and is read all the same', async () => {
    const here = world(7, {});
    const disk = here.open();
    batchOf(1, disk);
    disk.flush(() => {});
    here.time.run(10, () => false);
    const failures: (DiskFailure | undefined)[] = [];
    here.drive.isReadOnly = true;
    batchOf(2, disk);
    disk.flush(failure => failures.push(failure));
    here.time.run(20, () => false);
    here.drive.isReadOnly = false;
    here.drive.isFull = true;
    disk.retry(failure => failures.push(failure));
    here.time.run(30, () => false);
    expect(failures.map(failure => failure?.kind)).toEqual(['read-only', 'full']);
    expect(here.drive.open('other')).toMatchObject({ kind: 'full' });
    expect((await here.found(disk)).entries).toEqual(modelAfter(1));
    // A crash on the way takes what was never flushed.
    here.drive.crash('store');
    expect((await here.found(here.open())).entries).toEqual(modelAfter(1));
  });

  it('does the same at the same seed', () => {
    const trace = () => {
      const here = world(8, { 'slow-flush': 0.1, 'torn-batch': 0.5, 'lost-tail': 0.5, damage: 0.5 });
      const flushed = [];
      for (let crash = 1; crash <= 5; crash++) flushed.push(writeUntil(here, here.open(), here.time.nowMs + 500));
      return JSON.stringify([flushed, here.drive.counts, [...here.drive.store('store').entries]]);
    };
    expect(trace()).toBe(trace());
  });
});

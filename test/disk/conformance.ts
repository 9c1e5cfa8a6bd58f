import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Disk, DiskDone, DiskFailure } from '../../src/ports/disk.ts';

/** What a disk of either kind needs so that the same tests can be put to it. Stores have names. */
export interface DiskBench {
  open(name: string): Promise<Disk | DiskFailure>;
  /** The process that has it open is gone from one moment to the next; from now on the store is as it was left. */
  crash(name: string, disk: Disk): Promise<void>;
  /** Of a store that is closed: the bytes of this entry's value change. */
  damage(name: string, key: Uint8Array): Promise<void>;
  /** Of a store that is closed: the last batch is broken off. */
  tear(name: string): Promise<void>;
  /** What `backup` is to be told. */
  placeOf(name: string): string;
  setSchemaVersion(name: string, version: number): Promise<void>;
  /** From now on writes are refused, or are not; undefined where no test in the same process can arrange for it. */
  readonly setFull?: (isFull: boolean) => void;
  /** Lets time pass, where it does not by itself. */
  pass(): void;
  end(): Promise<void>;
}

const key = (text: string): Buffer => Buffer.from(text, 'latin1');
const FIRST = Buffer.of(1);
const LAST = Buffer.alloc(64, 255);

/** The sentences of `src/ports/disk.ts`. @param canBeFull whether benches have `setFull`. */
export function describeDisk(kind: string, makeBench: () => Promise<DiskBench>, canBeFull: boolean): void {
  describe(kind, () => {
    let bench: DiskBench;
    const opened: Disk[] = [];

    beforeEach(async () => {
      bench = await makeBench();
    });

    afterEach(async () => {
      for (const disk of opened.splice(0)) await ask(done => disk.close(done));
      await bench.end();
    });

    function ask(call: (done: DiskDone) => void): Promise<DiskFailure | undefined> {
      return new Promise(resolve => {
        call(resolve);
        bench.pass();
      });
    }

    /** A promise, and what fulfils it. */
    function later(): [Promise<DiskFailure | undefined>, DiskDone] {
      const { promise, resolve } = Promise.withResolvers<DiskFailure | undefined>();
      return [promise, resolve];
    }

    const flush = (disk: Disk) => ask(done => disk.flush(done));

    async function open(name = 'store'): Promise<Disk> {
      const disk = await bench.open(name);
      if ('kind' in disk) throw new Error(disk.message);
      opened.push(disk);
      return disk;
    }

    async function close(disk: Disk): Promise<void> {
      opened.splice(opened.indexOf(disk), 1);
      expect(await ask(done => disk.close(done))).toBeUndefined();
    }

    async function crash(disk: Disk, name = 'store'): Promise<void> {
      opened.splice(opened.indexOf(disk), 1);
      await bench.crash(name, disk);
    }

    /** `key=value` of each entry, `key!` of each damaged one, in the order shown. */
    async function contents(disk: Disk, from: Uint8Array = FIRST, to: Uint8Array = LAST): Promise<string[]> {
      const shown: string[] = [];
      const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
      const failure = await ask(done =>
        disk.scan(from, to, {
          entry: (key, value) => shown.push(`${text(key)}=${text(value)}`),
          damaged: key => shown.push(`${text(key)}!`),
          end: done,
        }),
      );
      expect(failure).toBeUndefined();
      return shown;
    }

    function put(disk: Disk, ...entries: string[]): void {
      for (const entry of entries) {
        const [name = '', value = ''] = entry.split('=');
        disk.put(key(name), key(value));
      }
    }

    it('is empty when it is made', async () => {
      const disk = await open();
      expect(await contents(disk)).toEqual([]);
      expect([disk.lost, disk.torn, disk.failure, disk.pendingBytes]).toEqual([undefined, undefined, undefined, 0]);
    });

    it('shows entries in the order of their bytes, whatever order they were put in', async () => {
      const disk = await open();
      put(disk, 'b=2', 'a=1', '\x01=low', '\xff=high', 'ab=3', '\x7f=middle', '\x80=above');
      expect(await flush(disk)).toBeUndefined();
      expect(await contents(disk)).toEqual([
        '\x01=low',
        'a=1',
        'ab=3',
        'b=2',
        '\x7f=middle',
        '\x80=above',
        '\xff=high',
      ]);
    });

    it('holds what was put last, empty values and long keys and values', async () => {
      const disk = await open();
      const long = 'k'.repeat(5_000);
      put(disk, 'a=1', 'empty=', 'a=2', `${long}=1`, `b=${'v'.repeat(300_000)}`);
      await flush(disk);
      put(disk, 'a=3');
      await flush(disk);
      expect(await contents(disk)).toEqual(['a=3', `b=${'v'.repeat(300_000)}`, 'empty=', `${long}=1`]);
    });

    it('copies what it is given before the call returns', async () => {
      const disk = await open();
      const [name, value] = [key('a'), key('1')];
      disk.put(name, value);
      name.fill('x');
      value.fill('x');
      await flush(disk);
      expect(await contents(disk)).toEqual(['a=1']);
    });

    it('deletes entries and ranges, in the order of the calls, across batches and within one', async () => {
      const disk = await open();
      put(disk, 'a=1', 'b=1', 'b1=1', 'c=1', 'd=1');
      await flush(disk);
      put(disk, 'b2=before');
      disk.delete(key('a'));
      disk.delete(key('nothing'));
      disk.deleteRange(key('b'), key('c'));
      put(disk, 'b1=after', 'b3=after');
      disk.delete(key('b3'));
      await flush(disk);
      expect(await contents(disk)).toEqual(['b1=after', 'c=1', 'd=1']);
      put(disk, 'e=1');
      disk.deleteRange(key('a'), key('c'));
      put(disk, 'x=1');
      disk.deleteRange(key('d'), key('f'));
      await flush(disk);
      expect(await contents(disk)).toEqual(['c=1', 'x=1']);
    });

    it('scans from one key up to another, the first included and the last not', async () => {
      const disk = await open();
      put(disk, 'a=1', 'b=2', 'c=3', 'd=4');
      await flush(disk);
      expect(await contents(disk, key('b'), key('d'))).toEqual(['b=2', 'c=3']);
      expect(await contents(disk, key('b'), key('b'))).toEqual([]);
    });

    it('scans many entries in order, and what was durable when the scan was asked for', async () => {
      const disk = await open();
      const expected = Array.from(
        { length: 10_000 },
        (_, i) => `key${String(i).padStart(6, '0')}=${'v'.repeat(i % 150)}`,
      );
      put(disk, ...expected);
      await flush(disk);
      // Nothing passes until all three have been asked for.
      const scanned: string[] = [];
      const [ended, ends] = later();
      disk.scan(FIRST, LAST, {
        entry: (key, value) => scanned.push(`${Buffer.from(key)}=${Buffer.from(value)}`),
        damaged: key => scanned.push(`${key}!`),
        end: ends,
      });
      put(disk, 'key000000=changed', 'key009998=changed', 'zzz=new');
      disk.delete(key('key009999'));
      expect(await flush(disk)).toBeUndefined();
      expect(await ended).toBeUndefined();
      expect(scanned).toEqual(expected);
    });

    it('has what was flushed when it is opened again, and what was put before it was closed', async () => {
      const first = await open();
      put(first, 'a=1');
      await flush(first);
      put(first, 'b=2');
      await close(first);
      const second = await open();
      expect(await contents(second)).toEqual(['a=1', 'b=2']);
      expect([second.lost, second.torn]).toEqual([undefined, undefined]);
    });

    it('has every flushed batch after a crash, and nothing of one that nobody asked to flush', async () => {
      const disk = await open();
      for (let i = 0; i < 5; i++) {
        put(disk, `a=${i}`, `b${i}=1`);
        if (i === 3) disk.delete(key('b0'));
        expect(await flush(disk)).toBeUndefined();
      }
      put(disk, 'a=never', 'c=never');
      await crash(disk);
      const again = await open();
      expect(await contents(again)).toEqual(['a=4', 'b1=1', 'b2=1', 'b3=1', 'b4=1']);
      expect([again.lost, again.torn]).toEqual([undefined, undefined]);
    });

    it('has the batch under way after a crash as a whole or not at all', async () => {
      const disk = await open();
      put(disk, 'a=old', 'b=old');
      await flush(disk);
      put(disk, 'a=new', 'b=new', ...Array.from({ length: 500 }, (_, i) => `n${i}=1`));
      disk.flush(() => {});
      await crash(disk);
      const found = await contents(await open());
      expect([2, 502]).toContain(found.length);
      expect(new Set(found.slice(0, 2).map(entry => entry.split('=')[1]))).toHaveProperty('size', 1);
      expect(found[0]).toBe(found.length === 2 ? 'a=old' : 'a=new');
    });

    it('calls back after the call, in the order of asking, also when there is nothing to flush', async () => {
      const disk = await open();
      const calls: string[] = [];
      put(disk, 'a=1');
      disk.flush(() => calls.push('first'));
      disk.flush(() => calls.push('second'));
      expect(calls).toEqual([]);
      await flush(disk);
      expect(calls).toEqual(['first', 'second']);
      expect(await flush(disk)).toBeUndefined();
      expect(disk.pendingBytes).toBe(0);
    });

    it('serves those who ask during a flush with the next one, and never with the one under way', async () => {
      const disk = await open();
      const order: string[] = [];
      put(disk, 'a=1');
      disk.flush(() => order.push('first'));
      // Now it is under way.
      await new Promise<void>(resolve => setImmediate(() => setImmediate(resolve)));
      put(disk, 'b=2');
      expect(disk.pendingBytes).toBeGreaterThan(0);
      disk.flush(() => order.push('second'));
      await flush(disk);
      expect(order).toEqual(['first', 'second']);
      expect(disk.pendingBytes).toBe(0);
      await crash(disk);
      expect(await contents(await open())).toEqual(['a=1', 'b=2']);
    });

    it('may be asked to put and to flush from within a callback', async () => {
      const disk = await open();
      put(disk, 'a=1');
      await ask(done =>
        disk.flush(() => {
          put(disk, 'b=2');
          disk.flush(done);
        }),
      );
      expect(await contents(disk)).toEqual(['a=1', 'b=2']);
    });

    it('reports a damaged entry in its place, never its value, and no other entry', async () => {
      const disk = await open();
      put(disk, 'a=1', 'b=2', 'c=3');
      await close(disk);
      await bench.damage('store', key('b'));
      const again = await open();
      expect(await contents(again)).toEqual(['a=1', 'b!', 'c=3']);
      put(again, 'b=mended');
      await flush(again);
      expect(await contents(again)).toEqual(['a=1', 'b=mended', 'c=3']);
    });

    it('says at each opening that its last batch is broken off, and has all before, until something has been flushed', async () => {
      const disk = await open();
      put(disk, 'a=1');
      await flush(disk);
      put(disk, 'a=2', 'b=2');
      await close(disk);
      await bench.tear('store');
      for (const opening of ['first', 'second']) {
        const again = await open();
        expect([again.torn, again.lost], opening).toEqual([expect.any(String), undefined]);
        expect(await contents(again)).toEqual(['a=1']);
        if (opening === 'second') put(again, 'c=3');
        await close(again);
      }
      const last = await open();
      expect([last.torn, last.lost]).toEqual([undefined, undefined]);
      expect(await contents(last)).toEqual(['a=1', 'c=3']);
    });

    it('is locked while it is open, and not afterwards', async () => {
      const disk = await open();
      expect(await bench.open('store')).toMatchObject({ kind: 'locked' });
      await close(disk);
      await open();
    });

    it('refuses a store of a newer schema, leaves it as it is, and does not hold it', async () => {
      const disk = await open();
      put(disk, 'a=1');
      await close(disk);
      await bench.setSchemaVersion('store', 2);
      expect(await bench.open('store')).toMatchObject({
        kind: 'newer-schema',
        message: expect.stringContaining('is 2'),
      });
      await bench.setSchemaVersion('store', 1);
      expect(await contents(await open())).toEqual(['a=1']);
    });

    it('makes a backup of what was durable then, while writes go on, which opens as a store', async () => {
      const disk = await open();
      const before = Array.from({ length: 5_000 }, (_, i) => `a${String(i).padStart(5, '0')}=1`);
      put(disk, ...before);
      await flush(disk);
      const backedUp = ask(done => disk.backup(bench.placeOf('copy'), done));
      put(disk, 'a00000=2', 'z=2');
      await flush(disk);
      expect(await backedUp).toBeUndefined();
      const copy = await open('copy');
      expect(await contents(copy)).toEqual(before);
      expect([disk.isCopy, copy.isCopy]).toEqual([false, true]);
      expect((await contents(disk)).length).toBe(5_001);
      expect(await ask(done => disk.backup(bench.placeOf('copy'), done))).toMatchObject({ kind: 'io' });
    });

    it('counts what is not durable yet', async () => {
      const disk = await open();
      expect(disk.pendingChanges).toBe(0);
      put(disk, 'a=1', 'b=1');
      expect(disk.pendingChanges).toBe(2);
      const flushed = flush(disk);
      put(disk, 'c=1');
      expect(disk.pendingChanges).toBeGreaterThanOrEqual(1);
      await flushed;
      await flush(disk);
      expect(disk.pendingChanges).toBe(0);
    });

    it('refuses keys that are its own', async () => {
      const disk = await open();
      expect(() => disk.put(Buffer.alloc(0), FIRST)).toThrow('reserved');
      expect(() => disk.put(Buffer.of(0, 1), FIRST)).toThrow('reserved');
      expect(() => disk.delete(Buffer.of(0))).toThrow('reserved');
      expect(() => disk.deleteRange(Buffer.of(0), FIRST)).toThrow('reserved');
    });

    if (!canBeFull) return;

    it('says that it is full, loses nothing it had, and makes all of it durable once there is room', async () => {
      const disk = await open();
      put(disk, 'a=1');
      await flush(disk);
      bench.setFull!(true);
      put(disk, 'a=2', 'b=2');
      expect(await flush(disk)).toMatchObject({ kind: 'full' });
      expect(disk.failure).toMatchObject({ kind: 'full' });
      put(disk, 'c=3');
      expect(await flush(disk)).toMatchObject({ kind: 'full' });
      expect(await ask(done => disk.retry(done))).toMatchObject({ kind: 'full' });
      expect(await contents(disk)).toEqual(['a=1']);
      expect(disk.pendingBytes).toBeGreaterThan(0);
      bench.setFull!(false);
      expect(await flush(disk)).toMatchObject({ kind: 'full' });
      expect(await ask(done => disk.retry(done))).toBeUndefined();
      expect([disk.failure, disk.pendingBytes]).toEqual([undefined, 0]);
      put(disk, 'd=4');
      await flush(disk);
      await crash(disk);
      expect(await contents(await open())).toEqual(['a=2', 'b=2', 'c=3', 'd=4']);
    });
  });
}

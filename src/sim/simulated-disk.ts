import { assert } from '../lib/assert.ts';
import { type Disk, type DiskDone, type DiskFailure, type DiskReader, RESERVED_FIRST_BYTE } from '../ports/disk.ts';
import type { Change, SimulatedDrive, SimulatedStore } from './simulated-drive.ts';

/** Entries that a reader is shown at one virtual moment. */
const CHUNK_ENTRIES = 64;
const CHUNK_MS = 0.1;

/** A process's view of a store on a simulated drive: it dies with the process. What the drive does by chance stands there. */
export class SimulatedDisk implements Disk {
  readonly #drive: SimulatedDrive;
  readonly #name: string;
  readonly #store: SimulatedStore;
  readonly #enter: (action: () => void) => void;
  readonly lost: string | undefined;
  readonly torn: string | undefined;
  readonly isCopy: boolean;
  #open: Change[] = [];
  #underWay: Change[] | undefined;
  #waiting: DiskDone[] = [];
  #isPlanned = false;
  #isDead = false;
  #failure: DiskFailure | undefined;
  /** What has failed and is tried again. */
  #retried: DiskFailure | undefined;
  #openBytes = 0;
  #underWayBytes = 0;

  /** @param enter calls back into the process when that can be called. */
  constructor(drive: SimulatedDrive, name: string, store: SimulatedStore, enter: (action: () => void) => void) {
    this.#drive = drive;
    this.#name = name;
    this.#store = store;
    this.#enter = enter;
    this.lost = store.lost;
    this.torn = store.torn;
    this.isCopy = store.isCopy;
  }

  get failure(): DiskFailure | undefined {
    return this.#failure ?? this.#retried;
  }

  get pendingBytes(): number {
    return this.#openBytes + this.#underWayBytes;
  }

  get pendingChanges(): number {
    return this.#open.length + (this.#underWay?.length ?? 0);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#add({ change: 'put', key: named(key), value: Uint8Array.from(value) }, key.length + value.length);
  }

  delete(key: Uint8Array): void {
    this.#add({ change: 'delete', key: named(key) }, key.length);
  }

  deleteRange(from: Uint8Array, to: Uint8Array): void {
    this.#add({ change: 'deleteRange', key: named(from), to: latin1(to) }, from.length + to.length);
  }

  #add(change: Change, bytes: number): void {
    assert(!this.#isDead, 'Cannot change a disk: its process is gone');
    this.#open.push(change);
    this.#openBytes += bytes;
    this.#drive.tell('put');
  }

  flush(done: DiskDone): void {
    this.#flush(failure => this.#enter(() => done(failure)));
  }

  #flush(done: DiskDone): void {
    this.#waiting.push(done);
    this.#plan();
  }

  retry(done: DiskDone): void {
    if (this.#failure !== undefined) {
      // What failed goes first, with what has been put since in the same batch.
      this.#retried = this.#failure;
      this.#failure = undefined;
      this.#open = [...(this.#underWay ?? []), ...this.#open];
      this.#openBytes += this.#underWayBytes;
      this.#underWay = undefined;
      this.#underWayBytes = 0;
    }
    this.flush(done);
  }

  scan(from: Uint8Array, to: Uint8Array, reader: DiskReader): void {
    const store = this.#store.copy();
    const keys = store.keys(latin1(from), latin1(to));
    const show = (start: number): void => {
      const end = Math.min(keys.length, start + CHUNK_ENTRIES);
      for (const key of keys.slice(start, end)) {
        const { value, isDamaged } = store.entries.get(key)!;
        if (isDamaged) reader.damaged(bytesOf(key));
        else reader.entry(bytesOf(key), Uint8Array.from(value));
      }
      if (end === keys.length) reader.end(undefined);
      else this.#later(CHUNK_MS, () => this.#enter(() => show(end)));
    };
    this.#later(CHUNK_MS, () => this.#enter(() => show(0)));
  }

  backup(to: string, done: DiskDone): void {
    const copy = this.#store.copy();
    const told = (failure: DiskFailure | undefined): void => this.#enter(() => done(failure));
    this.#later(this.#drive.flushMs(), () => {
      const refusal = this.#drive.refusal(`back up to ${to}`);
      if (refusal !== undefined) told(refusal);
      else if (this.#drive.backUp(copy, to)) told(undefined);
      else told({ kind: 'io', message: `Cannot back up to ${to}: it exists` });
    });
  }

  close(done: DiskDone): void {
    this.#flush(failure => {
      this.#isDead = true;
      this.#drive.released(this.#name);
      this.#enter(() => done(failure));
    });
  }

  /** The process is gone. @returns the batch that was under way. */
  die(): readonly Change[] | undefined {
    this.#isDead = true;
    return this.#failure === undefined ? this.#underWay : undefined;
  }

  #plan(): void {
    if (this.#isPlanned || (this.#underWay !== undefined && this.#failure === undefined)) return;
    this.#isPlanned = true;
    this.#later(0, () => {
      this.#isPlanned = false;
      this.#send();
    });
  }

  #send(): void {
    const served = this.#waiting;
    this.#waiting = [];
    if (this.#failure !== undefined) return call(served, this.#failure);
    if (this.#open.length === 0) this.#retried = undefined;
    if (this.#open.length === 0) return call(served, undefined);
    this.#underWay = this.#open;
    this.#underWayBytes = this.#openBytes;
    this.#open = [];
    this.#openBytes = 0;
    this.#later(this.#drive.flushMs(), () => this.#written(served));
    this.#drive.tell('flush');
  }

  #written(served: readonly DiskDone[]): void {
    const failure = this.#drive.refusal(`write to ${this.#name}`);
    this.#retried = undefined;
    if (failure !== undefined) {
      this.#failure = failure;
      const waiting = this.#waiting;
      this.#waiting = [];
      return call([...served, ...waiting], failure);
    }
    this.#store.apply(this.#underWay!);
    this.#underWay = undefined;
    this.#underWayBytes = 0;
    this.#drive.tell('flushed');
    if (this.#isDead) return;
    if (this.#waiting.length > 0) this.#plan();
    call(served, undefined);
  }

  #later(delayMs: number, action: () => void): void {
    this.#drive.time.in(delayMs, () => {
      if (!this.#isDead) action();
    });
  }
}

function call(all: readonly DiskDone[], failure: DiskFailure | undefined): void {
  for (const done of all) done(failure);
}

/** A key of the node's. */
function named(key: Uint8Array): string {
  assert(key.length > 0 && key[0] !== RESERVED_FIRST_BYTE, 'Cannot use a key: it is empty or reserved');
  return latin1(key);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function bytesOf(key: string): Uint8Array {
  return Buffer.from(key, 'latin1');
}

import { assert } from '../lib/assert.ts';
import { drawBelow, drawChance, drawFraction } from '../lib/draw.ts';
import type { DiskFailure } from '../ports/disk.ts';
import type { Random } from '../ports/random.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import type { VirtualTime } from './virtual-clock.ts';

/**
 * What can go wrong with a drive by chance; all are shares.
 *
 * - `slow-flush`: of flushes that take up to seconds.
 * - `torn-batch`: of crashes during a flush after which nothing is there of its batch; after the others all of it is, and nobody was told.
 * - `lost-tail`: of crashes after which flushed batches are gone as well, which the store says when it is opened (`Disk.lost`), until it is written.
 * - `damage`: of crashes after which an entry is damaged.
 *
 * `isFull` and `isReadOnly` are set by whoever plans the episodes; `damageOne` may be called at any time.
 */
export const DISK_FAULT_KINDS = ['slow-flush', 'torn-batch', 'lost-tail', 'damage'] as const;
export type DiskFaultKind = (typeof DISK_FAULT_KINDS)[number];
export type DiskFaultRates = Readonly<Record<DiskFaultKind, number>>;

export const NO_DISK_FAULTS: DiskFaultRates = { 'slow-flush': 0, 'torn-batch': 0, 'lost-tail': 0, damage: 0 };

/** A change was put, perhaps among others; a batch is under way; it is durable, and nobody has been told. */
export type DiskMoment = 'put' | 'flush' | 'flushed';

/** A flush in fair weather is uniform in [base, base + jitter); a slow one is up to this, mostly much less. */
const FLUSH_MS = 0.3;
const FLUSH_JITTER_MS = 1.2;
const SLOW_FLUSH_MS = 5_000;
/** As many flushed batches can be lost with a tail. */
const TAIL_BATCHES = 8;

/** An entry as it lies there: a damaged one is one whose checksum is wrong. */
export interface StoredEntry {
  readonly value: Uint8Array;
  readonly isDamaged: boolean;
}

/** One change of a batch; `key` and `to` are Latin-1 strings, which are ordered as their bytes are. */
export type Change =
  | { readonly change: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly change: 'delete'; readonly key: string }
  | { readonly change: 'deleteRange'; readonly key: string; readonly to: string };

/** What a batch wrote over, oldest first. */
type Undo = readonly (readonly [string, StoredEntry | undefined])[];

/** A store as it would be found after a crash. */
export class SimulatedStore {
  readonly entries = new Map<string, StoredEntry>();
  schemaVersion: number;
  lost: string | undefined;
  /** Set by whoever wants it found: a batch that is torn here leaves nothing behind. */
  torn: string | undefined;
  isCopy = false;
  readonly #tail: Undo[] = [];

  constructor(schemaVersion: number) {
    this.schemaVersion = schemaVersion;
  }

  apply(batch: readonly Change[]): void {
    this.lost = undefined;
    this.torn = undefined;
    const undo: [string, StoredEntry | undefined][] = [];
    const set = (key: string, entry: StoredEntry | undefined) => {
      undo.push([key, this.entries.get(key)]);
      if (entry === undefined) this.entries.delete(key);
      else this.entries.set(key, entry);
    };
    for (const each of batch) {
      if (each.change === 'put') set(each.key, { value: each.value, isDamaged: false });
      else if (each.change === 'delete') set(each.key, undefined);
      else for (const key of this.keys(each.key, each.to)) set(key, undefined);
    }
    this.#tail.push(undo);
    if (this.#tail.length > TAIL_BATCHES) this.#tail.shift();
  }

  /** In order, from `from` up to but without `to`. */
  keys(from: string, to: string): string[] {
    return [...this.entries.keys()].filter(key => key >= from && key < to).sort();
  }

  /** Takes back the last batches. @returns how many that were. */
  loseTail(batches: number): number {
    let count = 0;
    for (; count < batches; count++) {
      const undo = this.#tail.pop();
      if (undo === undefined) break;
      for (const [key, before] of undo.toReversed()) {
        if (before === undefined) this.entries.delete(key);
        else this.entries.set(key, before);
      }
    }
    if (count > 0) this.lost = `the last ${count} flushed batches are gone`;
    return count;
  }

  damage(key: string): void {
    const entry = this.entries.get(key);
    assert(entry !== undefined, 'Cannot damage an entry: there is none');
    this.entries.set(key, { value: entry.value, isDamaged: true });
  }

  copy(): SimulatedStore {
    const copy = new SimulatedStore(this.schemaVersion);
    for (const [key, entry] of this.entries) copy.entries.set(key, entry);
    return copy;
  }
}

const SCHEMA_VERSION = 1;

/** A machine's drive: stores by name, which survive the processes that hold them open. */
export class SimulatedDrive {
  readonly time: VirtualTime;
  readonly #random: Random;
  readonly #stores = new Map<string, SimulatedStore>();
  readonly #holders = new Map<string, SimulatedDisk>();
  /** How often each kind occurred. */
  readonly counts: Record<DiskFaultKind, number> = { 'slow-flush': 0, 'torn-batch': 0, 'lost-tail': 0, damage: 0 };
  rates: DiskFaultRates;
  /** A slow flush takes up to so long. */
  slowFlushMs = SLOW_FLUSH_MS;
  isFull = false;
  isReadOnly = false;
  /** Are told of each moment between which a process may be killed. Within `put` the process must live on. */
  readonly watchers = new Set<(moment: DiskMoment) => void>();

  constructor(random: Random, time: VirtualTime, rates: DiskFaultRates) {
    this.#random = random;
    this.time = time;
    this.rates = rates;
  }

  /** Opens a store, or makes it. @param enter how the process that opens it is called. */
  open(name: string, enter: (action: () => void) => void = action => action()): SimulatedDisk | DiskFailure {
    if (this.#holders.has(name)) return { kind: 'locked', message: `Cannot open ${name}: another process holds it` };
    const store = this.#stores.get(name) ?? this.#make(name);
    if (!(store instanceof SimulatedStore)) return store;
    if (store.schemaVersion > SCHEMA_VERSION) {
      const message = `Cannot open ${name}: its schema version is ${store.schemaVersion}, and this program knows ${SCHEMA_VERSION} at most`;
      return { kind: 'newer-schema', message };
    }
    const disk = new SimulatedDisk(this, name, store, enter);
    this.#holders.set(name, disk);
    return disk;
  }

  #make(name: string): SimulatedStore | DiskFailure {
    const refusal = this.refusal(`make ${name}`);
    if (refusal !== undefined) return refusal;
    const store = new SimulatedStore(SCHEMA_VERSION);
    this.#stores.set(name, store);
    return store;
  }

  /** Why nothing can be written now. */
  refusal(doing: string): DiskFailure | undefined {
    if (this.isReadOnly) return { kind: 'read-only', message: `Cannot ${doing}: Read-only file system` };
    if (this.isFull) return { kind: 'full', message: `Cannot ${doing}: No space left on device` };
    return undefined;
  }

  flushMs(): number {
    const usualMs = FLUSH_MS + FLUSH_JITTER_MS * drawFraction(this.#random);
    return this.#strikes('slow-flush') ? usualMs + this.slowFlushMs * drawFraction(this.#random) ** 3 : usualMs;
  }

  /** @returns false when there is such a store already. */
  backUp(store: SimulatedStore, to: string): boolean {
    if (this.#stores.has(to)) return false;
    store.isCopy = true;
    this.#stores.set(to, store);
    return true;
  }

  /** The store has come to this moment. */
  tell(moment: DiskMoment): void {
    for (const watcher of [...this.watchers]) watcher(moment);
  }

  /** The store goes out of the way of a new one, whoever has it open. */
  setAside(name: string): void {
    this.#holders.get(name)?.die();
    this.#holders.delete(name);
    this.#stores.set(name, new SimulatedStore(SCHEMA_VERSION));
  }

  released(name: string): void {
    this.#holders.delete(name);
  }

  /** The store, which nobody may have open; for tests, and for what befalls a drive by the way. */
  store(name: string): SimulatedStore {
    const store = this.#stores.get(name);
    assert(store !== undefined && !this.#holders.has(name), 'Cannot touch a store: it is open, or there is none');
    return store;
  }

  /**
   * The power goes, or the process is killed: nobody who waits for this store is called any more. What is under way is there, or it is not.
   *
   * @param isTorn what is under way is not there.
   */
  crash(name: string, isTorn = false): void {
    const holder = this.#holders.get(name);
    if (holder === undefined) return;
    this.#holders.delete(name);
    const store = this.#stores.get(name)!;
    const underWay = holder.die();
    if (underWay !== undefined && !isTorn && !this.#strikes('torn-batch') && this.refusal('write') === undefined)
      store.apply(underWay);
    if (this.rates['lost-tail'] > 0 && drawChance(this.#random, this.rates['lost-tail'])) this.loseTail(name);
    if (this.rates.damage > 0 && drawChance(this.#random, this.rates.damage)) this.damageOne(name);
  }

  /** The last flushed batches are gone, from a store that nobody has open. @returns false when there were none. */
  loseTail(name: string): boolean {
    if (this.store(name).loseTail(1 + drawBelow(this.#random, TAIL_BATCHES)) === 0) return false;
    this.counts['lost-tail']++;
    return true;
  }

  /** One entry rots. @returns false when there is none. */
  damageOne(name: string): boolean {
    const store = this.#stores.get(name);
    const keys = store === undefined ? [] : [...store.entries.keys()];
    if (keys.length === 0) return false;
    store!.damage(keys[drawBelow(this.#random, keys.length)]!);
    this.counts.damage++;
    return true;
  }

  #strikes(kind: 'slow-flush' | 'torn-batch'): boolean {
    const rate = this.rates[kind];
    if (rate === 0 || !drawChance(this.#random, rate)) return false;
    this.counts[kind]++;
    return true;
  }
}

import { keyName } from '../lib/key-name.ts';
import type { Dot } from './record.ts';

/** A version that lost against a concurrent one: neither had seen the other, and the later stamp won. */
export interface PutAside {
  readonly dot: Dot;
  /** Undefined if it was a deletion. */
  readonly value: Uint8Array | undefined;
}

export interface KeyedPutAside extends PutAside {
  readonly key: Uint8Array;
}

/** Is told what the journal keeps, so that a disk can follow. Sequence numbers ascend. */
export interface ConflictStore {
  added(sequence: number, conflict: KeyedPutAside): void;
  dropped(sequence: number): void;
}

interface Entry extends PutAside {
  readonly key: string;
  readonly bytes: number;
  readonly sequence: number;
}

/** What an entry takes besides its key and value, about. */
const ENTRY_BYTES = 200;

/** Versions kept of one key: as many as `COTERIE CONFLICTS` shows of a replica. */
const MAX_OF_KEY = 64;

/**
 * The versions that last-write-wins put aside on this replica, so that somebody can look whether it was right (DESIGN
 * §3). Bounded in bytes, and in versions of each key; the oldest give way.
 */
export class ConflictJournal {
  readonly #maxBytes: number;
  /** Oldest first. */
  readonly #entries = new Set<Entry>();
  /** Of each key, by its `keyName` and `dotName`; oldest first. */
  readonly #byKey = new Map<string, Map<string, Entry>>();
  #byteLength = 0;
  #noted = 0;
  #nextSequence = 1;
  #store: ConflictStore | undefined;

  /** @param maxBytes 0 keeps nothing, and only counts. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** How many versions were put aside since the start, those included that are no longer kept. */
  get noted(): number {
    return this.#noted;
  }

  /** From now on the store is told what is kept. */
  tell(store: ConflictStore): void {
    this.#store = store;
  }

  /** Takes up what a former process of this node has left, in the order of the numbers; the store has it. */
  restore(sequence: number, conflict: KeyedPutAside): void {
    this.#nextSequence = Math.max(this.#nextSequence, sequence + 1);
    this.#keep(sequence, conflict, false);
  }

  /** @param value is kept, and must not change. */
  add(key: Uint8Array, dot: Dot, value: Uint8Array | undefined): void {
    if (this.#byKey.get(keyName(key))?.has(dotName(dot)) === true) return;
    this.#noted++;
    this.#keep(this.#nextSequence++, { key, dot, value }, true);
  }

  #keep(sequence: number, conflict: KeyedPutAside, isNew: boolean): void {
    const { key, dot, value } = conflict;
    const name = keyName(key);
    const ofKey = this.#byKey.get(name) ?? new Map<string, Entry>();
    const bytes = ENTRY_BYTES + key.length + (value?.length ?? 0);
    if (bytes > this.#maxBytes) {
      if (!isNew) this.#store?.dropped(sequence);
      return;
    }
    const entry: Entry = { key: name, dot, value, bytes, sequence };
    this.#entries.add(entry);
    this.#byKey.set(name, ofKey.set(dotName(dot), entry));
    this.#byteLength += bytes;
    if (isNew) this.#store?.added(sequence, conflict);
    if (ofKey.size > MAX_OF_KEY) this.#drop(firstOf(ofKey));
    for (const oldest of this.#entries) {
      if (this.#byteLength <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  /** What was put aside of a key, the latest first. */
  of(key: Uint8Array): readonly PutAside[] {
    return [...(this.#byKey.get(keyName(key))?.values() ?? [])].reverse();
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry);
    this.#byteLength -= entry.bytes;
    this.#store?.dropped(entry.sequence);
    const ofKey = this.#byKey.get(entry.key)!;
    ofKey.delete(dotName(entry.dot));
    if (ofKey.size === 0) this.#byKey.delete(entry.key);
  }
}

function dotName({ stamp, actor }: Dot): string {
  return `${stamp} ${actor}`;
}

function firstOf(entries: ReadonlyMap<string, Entry>): Entry {
  return entries.values().next().value!;
}

import { fieldsOf, isActor, isBelow } from '../membership/wire.ts';
import type { Disk, DiskDone, DiskFailure } from '../ports/disk.ts';
import type { MemberId } from '../raft/configuration.ts';
import type { Effects, HardState } from '../raft/effects.ts';
import type { Entry } from '../raft/entry.ts';
import type { SnapshotMeta } from '../raft/snapshot.ts';
import { DiskTable } from '../store/disk-tables.ts';
import { decodeTopology } from './commands.ts';
import { pack, unpack } from './packed.ts';
import { parseEntry, parseSnapshotMeta } from './raft-wire.ts';

/** A snapshot of the group's state: an encoded topology, or no bytes at all in a member that has only begun its log. */
export interface GroupSnapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

/** A member of the placement group as it was found on a disk. */
export interface StoredGroup {
  /** The actor of the process that began the log. */
  readonly id: MemberId;
  readonly hardState: HardState;
  readonly snapshot: GroupSnapshot;
  /** All that follow the snapshot. */
  readonly entries: readonly Entry[];
}

/** What a disk had of the group: nothing; all; or something that is void, and deleted by now. */
export interface RestoredGroup {
  readonly stored: StoredGroup | undefined;
  readonly voidBecause: string | undefined;
}

/** What follows the table's byte in a key. An entry's index, big-endian, comes behind. */
const KEY = { member: 1, state: 2, snapshot: 3, entry: 4 } as const;
const INDEX_BYTES = 6;

const TABLE_KEY = Buffer.of(DiskTable.group);
const TABLE_END = Buffer.of(DiskTable.group + 1);
const MEMBER_KEY = Buffer.of(DiskTable.group, KEY.member);
const STATE_KEY = Buffer.of(DiskTable.group, KEY.state);
const SNAPSHOT_KEY = Buffer.of(DiskTable.group, KEY.snapshot);
const ENTRIES_END = Buffer.of(DiskTable.group, KEY.entry + 1);

function entryKey(index: number): Buffer {
  const key = Buffer.alloc(2 + INDEX_BYTES);
  key[0] = DiskTable.group;
  key[1] = KEY.entry;
  key.writeUIntBE(index, 2, INDEX_BYTES);
  return key;
}

/**
 * The placement group's log on the node's disk:
 *
 *     member      the id under which the log was begun
 *     state       term and vote, and the index of the last entry, so that its loss is noticed
 *     snapshot    what it is of, and its bytes
 *     entry n     from the snapshot on
 *
 * What belongs together is put into the disk's open batch within one turn, and a batch is there as a whole or not at all. So a chunk of an
 * incoming snapshot need not be here before the last one is: after a restart the snapshot is sent from its beginning.
 */
export class GroupLog {
  readonly #disk: Disk;
  #hardState: HardState;
  #last: number;
  #isDirty = false;

  /** Goes on with what was restored. */
  constructor(disk: Disk, stored: StoredGroup | undefined) {
    this.#disk = disk;
    this.#hardState = stored?.hardState ?? { term: 0, vote: undefined };
    this.#last = stored?.entries.at(-1)?.index ?? stored?.snapshot.meta.index ?? 0;
  }

  /** Whether something was put that is not known to be durable. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Begins a log anew; nothing is left of any before. */
  begin(id: MemberId, hardState: HardState, snapshot: GroupSnapshot): void {
    this.#disk.deleteRange(TABLE_KEY, TABLE_END);
    this.#put(MEMBER_KEY, id);
    this.#hardState = hardState;
    this.#putSnapshot(snapshot);
    this.#last = snapshot.meta.index;
    this.#putState();
  }

  /** @param snapshot is what the last chunk among the effects has completed. */
  put({ hardState, entries }: Pick<Effects, 'hardState' | 'entries'>, snapshot: GroupSnapshot | undefined): void {
    this.#hardState = hardState ?? this.#hardState;
    if (snapshot !== undefined) {
      this.#putSnapshot(snapshot);
      this.#disk.deleteRange(entryKey(0), ENTRIES_END);
      this.#last = snapshot.meta.index;
    }
    const [first] = entries;
    if (first !== undefined) {
      if (first.index <= this.#last) this.#disk.deleteRange(entryKey(first.index), ENTRIES_END);
      for (const entry of entries) this.#put(entryKey(entry.index), entry);
      this.#last = entries.at(-1)!.index;
    }
    if (hardState !== undefined || snapshot !== undefined || first !== undefined) this.#putState();
  }

  /** A snapshot of what was applied takes the place of the entries up to there. */
  compact(snapshot: GroupSnapshot): void {
    this.#putSnapshot(snapshot);
    this.#disk.deleteRange(entryKey(0), entryKey(snapshot.meta.index + 1));
  }

  /** Calls back when all that was put is durable, or cannot be for now. In between nothing may be put. */
  flush(done: DiskDone): void {
    this.#disk.flush(failure => {
      if (failure === undefined) this.#isDirty = false;
      done(failure);
    });
  }

  #putState(): void {
    this.#put(STATE_KEY, { ...this.#hardState, last: this.#last });
  }

  #putSnapshot({ meta, bytes }: GroupSnapshot): void {
    this.#put(SNAPSHOT_KEY, { meta, bytes });
  }

  #put(key: Uint8Array, value: unknown): void {
    this.#disk.put(key, pack(value));
    this.#isDirty = true;
  }
}

/**
 * Reads what a disk has of the group. A log of which anything is lost, damaged or contradictory is void as a whole: what its member has promised is
 * not known any more, so it must never speak again. It is deleted before anything else is put. Until that is durable the next process finds it
 * void again: what is damaged stays so, and `Disk.lost` is said again.
 *
 * **A log whose last batch is broken off (`Disk.torn`) is not void.** Nearly always the power went before that batch was durable; so nobody was told of what is
 * in it, and what is there is what this member has promised. The power may go for all members at once, and tear the batch of each: were their logs void then, the
 * group would have nobody left, for good. What remains is a wrong bit in a last batch that had called back: the member forgets one vote, or
 * some entries that it has acknowledged. That does harm only if, besides, the same term is voted on again, or a majority that lacks those entries elects a leader
 * before the one that has them reaches this member again. Two faults at once, of which one is a wrong bit in the last few hundred bytes of a log, are what the group is not made for.
 */
export function restoreGroup(disk: Disk, done: (restored: RestoredGroup | DiskFailure) => void): void {
  const found = new FoundGroup();
  disk.scan(TABLE_KEY, TABLE_END, {
    entry: (key, value) => found.add(key, value),
    damaged: () => found.isBad('an entry is damaged'),
    end: failure => {
      if (failure !== undefined) return done(failure);
      const restored = found.take(disk.lost);
      if (restored.voidBecause === undefined) return done(restored);
      disk.deleteRange(TABLE_KEY, TABLE_END);
      // Where that is refused it goes first of all that this process puts.
      disk.flush(() => done(restored));
    },
  });
}

/** What a scan shows, until it is all there. */
class FoundGroup {
  #isEmpty = true;
  #fault: string | undefined;
  #id: MemberId | undefined;
  #state: (HardState & { readonly last: number }) | undefined;
  #snapshot: GroupSnapshot | undefined;
  readonly #entries: Entry[] = [];

  isBad(fault: string): void {
    this.#isEmpty = false;
    this.#fault ??= fault;
  }

  add(key: Uint8Array, bytes: Uint8Array): void {
    this.#isEmpty = false;
    if (!this.#take(key, unpack(bytes))) this.isBad('an entry cannot be read');
  }

  /** @returns whether it is what the key says. */
  #take(key: Uint8Array, value: unknown): boolean {
    switch (key[1]) {
      case KEY.member:
        this.#id = isActor(value) ? value : undefined;
        return this.#id !== undefined;
      case KEY.state:
        this.#state = parseState(value);
        return this.#state !== undefined;
      case KEY.snapshot:
        this.#snapshot = parseSnapshot(value);
        return this.#snapshot !== undefined;
      case KEY.entry: {
        const entry = parseEntry(value);
        if (entry !== undefined) this.#entries.push(entry);
        return entry !== undefined;
      }
      default:
        return false;
    }
  }

  take(lost: string | undefined): RestoredGroup {
    if (this.#isEmpty) return { stored: undefined, voidBecause: undefined };
    const stored = this.#fault === undefined && lost === undefined ? this.#whole() : undefined;
    const voidBecause = stored === undefined ? (lost ?? this.#fault ?? 'a part of it is missing') : undefined;
    return { stored, voidBecause };
  }

  /** Undefined when a part is missing, or one contradicts another. */
  #whole(): StoredGroup | undefined {
    if (this.#id === undefined || this.#state === undefined || this.#snapshot === undefined) return undefined;
    const { term, vote, last } = this.#state;
    let { index, term: before } = this.#snapshot.meta;
    for (const entry of this.#entries) {
      if (entry.index !== ++index || entry.term < before) return undefined;
      before = entry.term;
    }
    if (index !== last || before > term) return undefined;
    return { id: this.#id, hardState: { term, vote }, snapshot: this.#snapshot, entries: this.#entries };
  }
}

function parseState(value: unknown): (HardState & { readonly last: number }) | undefined {
  const { term, last, ...others } = (fieldsOf(value) ?? {}) as Partial<Record<string, unknown>>;
  const vote = others['vote'] ?? undefined;
  if (!isBelow(term, Number.MAX_SAFE_INTEGER) || !isBelow(last, Number.MAX_SAFE_INTEGER)) return undefined;
  return vote === undefined || isActor(vote) ? { term, vote, last } : undefined;
}

function parseSnapshot(value: unknown): GroupSnapshot | undefined {
  const fields = (fieldsOf(value) ?? {}) as Partial<Record<string, unknown>>;
  const { bytes } = fields;
  const meta = parseSnapshotMeta(fields['meta']);
  if (meta === undefined || !(bytes instanceof Uint8Array)) return undefined;
  return meta.index === 0 || decodeTopology(bytes) !== undefined ? { meta, bytes } : undefined;
}

import { assert } from '../lib/assert.ts';
import { ConfigurationHistory } from './configuration-history.ts';
import { type Entry, type EntryBody, entryBytes, type Position } from './entry.ts';
import type { SnapshotMeta } from './snapshot.ts';

/**
 * The log as one member has it in memory: everything behind the newest snapshot, and what was retained before it.
 *
 *     base     snapshot     applied     commit      stable     unpersisted     last
 *      │ retained │            │           │           │            │            │
 *      ┴──────────┴────────────┴───────────┴───────────┴────────────┴────────────┴──▶ index
 *
 * - `applied`: handed out to be applied. Never above `commit`, which is never above `last`.
 * - `stable`: known to be durable here. What comes next has been handed out to be persisted (up to `#unpersisted`), or will be.
 *   Only what a leader counts for itself goes by it, so `commit` may be above.
 *
 * Limit: all of it is in memory, and bounded by whoever calls `compact`; `bytes` says how much it is.
 */
export class Log {
  /** The position before the first entry. */
  #base: Position;
  #entries: Entry[];
  #snapshot: SnapshotMeta;
  #bytes = 0;
  #commit: number;
  #applied: number;
  #stable: number;
  /** The first index that was not handed out to be persisted since it was written. */
  #unpersisted: number;
  /** The end of what was handed out and is not yet known to be durable. */
  #handedOut: Position | undefined;
  readonly configurations: ConfigurationHistory;

  /** What was found on disk: a snapshot and the entries after it. `applied`: what the state machine has in it already. */
  constructor(snapshot: SnapshotMeta, entries: readonly Entry[], applied = snapshot.index) {
    const { index, term, configuration } = snapshot;
    this.#base = { index, term };
    this.#snapshot = snapshot;
    this.#entries = [];
    this.#unpersisted = index + 1;
    this.#stable = index;
    this.configurations = new ConfigurationHistory(index, configuration);
    for (const entry of entries) this.#push(entry);
    assert(
      applied >= index && applied <= this.last,
      `Cannot have applied ${applied}: the log is ${index} to ${this.last}`,
    );
    this.#commit = applied;
    this.#applied = applied;
    this.#stable = this.last;
    this.#unpersisted = this.last + 1;
  }

  get first(): number {
    return this.#base.index + 1;
  }

  get last(): number {
    return this.#base.index + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#base.term;
  }

  get commit(): number {
    return this.#commit;
  }

  get applied(): number {
    return this.#applied;
  }

  get stable(): number {
    return this.#stable;
  }

  /** The newest snapshot: one that this member made, or was sent. */
  get snapshot(): SnapshotMeta {
    return this.#snapshot;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The term of the entry at `index`; undefined where the log does not reach. */
  termAt(index: number): number | undefined {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.first]?.term;
  }

  has({ index, term }: Position): boolean {
    return this.termAt(index) === term;
  }

  /** Entries from `from` to `to`, both included, as many as `maxBytes` hold but at least one if there is one. */
  slice(from: number, to: number, maxBytes = Number.POSITIVE_INFINITY): Entry[] {
    assert(
      from >= this.first && to <= this.last,
      `Cannot read ${from} to ${to}: the log is ${this.first} to ${this.last}`,
    );
    const entries: Entry[] = [];
    let bytes = 0;
    for (let at = from - this.first; at <= to - this.first; at++) {
      const entry = this.#entries[at]!;
      bytes += entryBytes(entry);
      if (bytes > maxBytes && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }

  /** §5.4.1: a later last term wins; of two logs with the same one, the longer. */
  isUpToDate(last: Position): boolean {
    return last.term > this.lastTerm || (last.term === this.lastTerm && last.index >= this.last);
  }

  /** Puts an own entry at the end. */
  append(term: number, body: EntryBody): Entry {
    assert(term >= this.lastTerm, `Cannot append at term ${term}: the log has got to ${this.lastTerm}`);
    const entry: Entry = { ...body, index: this.last + 1, term };
    this.#push(entry);
    return entry;
  }

  /**
   * §5.3: takes a leader's entries if the log has `previous`: keeps what agrees, drops what contradicts, appends the rest.
   *
   * @returns the last index that now agrees with the leader; undefined when the log has not got `previous`.
   */
  accept(previous: Position, entries: readonly Entry[]): number | undefined {
    if (!this.has(previous)) return undefined;
    const unknown = entries.findIndex(entry => !this.has(entry));
    if (unknown >= 0) {
      this.#truncateFrom(entries[unknown]!.index);
      for (const entry of entries.slice(unknown)) this.#push(entry);
    }
    return previous.index + entries.length;
  }

  /**
   * Where a leader and a follower may agree at the latest, given a position that one of them has: the last entry up to that index whose term is
   * not above that term. All that is between has a greater term here than the other can have there (§5.3, "the protocol can be optimized").
   */
  latestPossibleMatch({ index, term }: Position): Position {
    let at = Math.min(index, this.last);
    while (at > this.#base.index && this.termAt(at)! > term) at--;
    return { index: at, term: this.termAt(at) ?? 0 };
  }

  commitTo(index: number): void {
    if (index <= this.#commit) return;
    assert(index <= this.last, `Cannot commit ${index}: the log ends at ${this.last}`);
    this.#commit = index;
  }

  /** Committed entries that were not handed out yet; they count as applied from now on. */
  takeCommitted(maxBytes: number): Entry[] {
    if (this.#applied === this.#commit) return [];
    const entries = this.slice(this.#applied + 1, this.#commit, maxBytes);
    this.#applied += entries.length;
    return entries;
  }

  /** Entries that were not handed out to be persisted yet. They replace whatever is at their indexes on disk and behind. */
  takeUnpersisted(): Entry[] {
    const entries = this.slice(this.#unpersisted, this.last);
    this.#unpersisted = this.last + 1;
    this.#handedOut = { index: this.last, term: this.lastTerm };
    return entries;
  }

  /** What was handed out last is durable. Where it was rewritten since, the rewritten entries are handed out next. */
  persisted(): void {
    const handedOut = this.#handedOut;
    this.#handedOut = undefined;
    if (handedOut !== undefined && handedOut.index < this.#unpersisted && this.has(handedOut))
      this.#stable = handedOut.index;
  }

  /** What a snapshot of the state as applied up to `index` is of. */
  snapshotMeta(index: number): SnapshotMeta {
    assert(
      index >= this.#snapshot.index && index <= this.#applied,
      `Cannot snapshot ${index}: ${this.#applied} are applied`,
    );
    return { index, term: this.termAt(index)!, configuration: this.configurations.at(index) };
  }

  /** A snapshot is durable: drops what it holds, but for the last `retained` entries of it. Older than the newest one, it changes nothing. */
  compact(snapshot: SnapshotMeta, retained: number): void {
    const { index } = snapshot;
    if (index <= this.#snapshot.index) return;
    assert(index <= this.#applied && this.has(snapshot), `Cannot compact to ${index}: it is not what was applied`);
    this.#snapshot = snapshot;
    this.configurations.compact(index);
    const base = Math.max(this.#base.index, index - retained);
    const term = this.termAt(base)!;
    for (const entry of this.#entries.splice(0, base - this.#base.index)) this.#bytes -= entryBytes(entry);
    this.#base = { index: base, term };
  }

  /** A leader's snapshot takes the place of the whole log. */
  restore(snapshot: SnapshotMeta): void {
    const { index, term } = snapshot;
    assert(index > this.#commit, `Cannot restore ${index}: ${this.#commit} are committed`);
    this.#entries = [];
    this.#bytes = 0;
    this.#base = { index, term };
    this.#snapshot = snapshot;
    this.configurations.restart(index, snapshot.configuration);
    this.#commit = index;
    this.#applied = index;
    this.#stable = 0;
    this.#unpersisted = index + 1;
  }

  #push(entry: Entry): void {
    assert(entry.index === this.last + 1, `Cannot append ${entry.index}: the log ends at ${this.last}`);
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
    this.configurations.append(entry);
  }

  #truncateFrom(index: number): void {
    assert(index > this.#commit, `Cannot drop entry ${index}: ${this.#commit} are committed`);
    for (const entry of this.#entries.splice(index - this.first)) this.#bytes -= entryBytes(entry);
    this.configurations.truncateFrom(index);
    this.#stable = Math.min(this.#stable, index - 1);
    this.#unpersisted = Math.min(this.#unpersisted, index);
  }
}

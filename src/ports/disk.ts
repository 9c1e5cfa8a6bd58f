/**
 * Why a disk did not do what it was asked, by what a node can do about it. `full` and `read-only` may pass, and writes are refused until `retry`
 * succeeds; `io` may have lost anything, so whoever goes on after it does so on a disk opened anew. The others come only of opening, and of reading:
 * `locked` by another process; `newer-schema`, written by a later version of this program; `corrupt`, in a way that no single entry accounts for.
 */
export type DiskFailureKind = 'full' | 'read-only' | 'io' | 'locked' | 'newer-schema' | 'corrupt';

export interface DiskFailure {
  readonly kind: DiskFailureKind;
  /** A sentence for the log and the operator, with the system's own words. */
  readonly message: string;
}

/** Never called before the call that it was given to has returned. */
export type DiskDone = (failure: DiskFailure | undefined) => void;

/** Whom `scan` tells what it finds, in the order of keys, some hundreds of entries in one turn of the event loop. */
export interface DiskReader {
  /** Both are views of memory that is used again: good only until this returns. */
  entry(key: Uint8Array, value: Uint8Array): void;
  /**
   * An entry was here whose bytes are not those that were put: its value is not shown, and `key` may be wrong too. Good only until this returns.
   * The entry stays until it is written over or deleted.
   */
  damaged(key: Uint8Array): void;
  /** The last call. With a failure, nothing is known of the keys behind the last one shown. */
  end(failure: DiskFailure | undefined): void;
}

/** Keys that begin with this byte are the disk's own. */
export const RESERVED_FIRST_BYTE = 0;

/**
 * An ordered map from keys to values, both bytes, that survives the power switch up to the last flush. Keys are ordered byte by byte, the shorter
 * of two first where it is the other's beginning; they have at least one byte and do not begin with `RESERVED_FIRST_BYTE`.
 *
 * Changes gather in one open batch. A flush makes it durable as a whole: after a crash there is what some number of flushed batches left, all that
 * had called back among them, one more at most, and nothing of any later one. There is one flush under way at a time; what is asked for meanwhile waits for the next, which
 * serves all who ask (group commit).
 *
 * When a flush fails, everything that was not durable stays where it is, in its order, and every flush is refused with the same failure until `retry`
 * has made it durable. So a node may keep what it had put in memory, acknowledge nothing, and ask again later.
 *
 * Nothing here returns a promise, and `put` and `delete` do nothing but copy bytes: a node calls them once a write.
 */
export interface Disk {
  /** Why flushes are refused; undefined while they are not. */
  readonly failure: DiskFailure | undefined;
  /** Bytes of keys and values in memory that are not durable yet, in the open batch and the one under way: for the node to bound. */
  readonly pendingBytes: number;
  /** How many changes that is. */
  readonly pendingChanges: number;
  /**
   * A sentence when the disk found on opening that something which had been durable is gone, without knowing which keys; then whatever it holds
   * may be too old. It is said at each opening until a batch has been flushed, in which whoever was told says what follows from it.
   */
  readonly lost: string | undefined;
  /**
   * A sentence when the end of what was written is broken off: the last batch of the former process is not there. Most likely it had not called back,
   * and the power went, or the process was killed; but a wrong bit in one that had looks the same. Nothing before that batch is missing. It is said as
   * often as `lost`.
   */
  readonly torn: string | undefined;
  /** Whether the store is one that `backup` has made. */
  readonly isCopy: boolean;

  /** Adds to the open batch; both are copied before the call returns. */
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /** Deletes every key from `from` up to but without `to`, those in the open batch included. Takes time and memory for each of them at the flush. */
  deleteRange(from: Uint8Array, to: Uint8Array): void;
  /** Calls back when everything put before is durable, or when it cannot be for now. */
  flush(done: DiskDone): void;
  /** Calls back without a failure when everything put before is durable, after opening the store anew where that is needed. Without a failure it is a flush. */
  retry(done: DiskDone): void;

  /** Every key from `from` up to but without `to`, as durable when this is called: what is put meanwhile does not show. */
  scan(from: Uint8Array, to: Uint8Array, reader: DiskReader): void;
  /** Makes a store named `to`, which must not exist, of what is durable when this is called, while writes go on. Nothing is left of one that fails. */
  backup(to: string, done: DiskDone): void;
  /** Flushes, and lets go of the lock whether that succeeded or not. Nothing may be called afterwards. */
  close(done: DiskDone): void;
}

/** Where a backup is, or an error for whoever has asked for one. */
export type MadeBackup = { readonly path: string } | { readonly error: string };

/** Where the copies of a node's disk go. */
export interface Backups {
  /** Copies what is durable when this is called to a place of that name; `done` is called once, later. */
  make(name: string, done: (made: MadeBackup) => void): void;
}

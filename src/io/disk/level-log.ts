import { closeSync, openSync, readSync } from 'node:fs';
import { crc32c, masked } from './crc32c.ts';

/**
 * LevelDB's format of logs and manifests (doc/log_format.md there): blocks of 32 KiB with fragments of records in them,
 *
 *     masked CRC-32C of all that follows (4 bytes) · length (2) · kind (1) · bytes
 *
 * A record is one `full` fragment, or a `first` up to the end of its block, `middle` ones that fill theirs, and a `last`. Where fewer than 7 bytes are
 * left of a block, they mean nothing.
 */
const BLOCK_BYTES = 32 << 10;
const HEADER_BYTES = 7;
const KIND = { full: 1, first: 2, middle: 3, last: 4 } as const;

/** What a record has to say of itself, where its place alone does not show that it is one. */
export interface LogReading {
  /** The bytes at which a record begins that was found behind bad ones: whether they can be those of one. As many as there are, up to `HEAD_BYTES`. */
  mayBegin(head: Buffer): boolean;
  /** A record that is good, and none before it was bad. */
  take(record: Buffer): void;
  /** Of a record only the first so many bytes are wanted. */
  readonly wantedBytes: number;
}

export const HEAD_BYTES = 12;

/**
 * Where the good records of a log end.
 *
 * - `torn`: from `at` on there is none. So it is when the power went before the last one was durable, and when a wrong bit is in the last one.
 * - `broken`: behind what is bad at `at` another good record begins, which was written later: what is missing had been durable.
 */
export type LogEnd = { readonly end: 'whole' } | { readonly end: 'torn' | 'broken'; readonly at: number };

/**
 * Reads a log as LevelDB does, but stricter: LevelDB skips zeros, and a length that points behind the end of the file, without a word.
 *
 * @param isAfterTear whether something is bad already, in a log before this one: then a good record in this one is enough to make it `broken`.
 */
export function readLog(path: string, reading: LogReading, isAfterTear = false): LogEnd {
  const file = openSync(path, 'r');
  try {
    return new LogScan(file, reading, isAfterTear).run();
  } finally {
    closeSync(file);
  }
}

class LogScan {
  readonly #file: number;
  readonly #reading: LogReading;
  readonly #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  /** Where the first bad thing is. */
  #badAt: number | undefined;
  /** Of a record that has begun: where, and what is wanted of it. */
  #begun: { readonly at: number; readonly parts: Buffer[]; bytes: number } | undefined;
  #isBroken = false;

  constructor(file: number, reading: LogReading, isAfterTear: boolean) {
    this.#file = file;
    this.#reading = reading;
    this.#badAt = isAfterTear ? 0 : undefined;
  }

  run(): LogEnd {
    for (let at = 0; !this.#isBroken; at += BLOCK_BYTES) {
      const length = readSync(this.#file, this.#block, 0, BLOCK_BYTES, at);
      this.#readBlock(at, length);
      if (length < BLOCK_BYTES) break;
    }
    if (this.#begun !== undefined) this.#bad(this.#begun.at);
    if (this.#badAt === undefined) return { end: 'whole' };
    return { end: this.#isBroken ? 'broken' : 'torn', at: this.#badAt };
  }

  #readBlock(blockAt: number, length: number): void {
    let at = 0;
    while (length - at >= HEADER_BYTES && !this.#isBroken) {
      if (!this.#isGood(at, length)) {
        this.#bad(blockAt + at);
        at = this.#nextBeginning(at + 1, length);
        continue;
      }
      const from = at + HEADER_BYTES;
      const end = from + this.#lengthAt(at);
      this.#take(this.#block[at + 6]!, blockAt + at, this.#block.subarray(from, end));
      at = end;
    }
    // The rest of a whole block means nothing, that of a file is a header which was not finished.
    if (length < BLOCK_BYTES && at < length) this.#bad(blockAt + at);
  }

  #take(kind: number, at: number, bytes: Buffer): void {
    const isBeginning = kind === KIND.full || kind === KIND.first;
    // An empty one at the end of a block was written by LevelDB when a record did not fit behind it, and begins nothing.
    if (isBeginning && this.#begun !== undefined && this.#begun.bytes > 0) this.#bad(this.#begun.at);
    if (isBeginning) this.#begun = { at, parts: [], bytes: 0 };
    const begun = this.#begun;
    if (begun === undefined) return this.#bad(at);
    const wanted = Math.min(bytes.length, this.#reading.wantedBytes - begun.bytes);
    if (wanted > 0) begun.parts.push(Buffer.from(bytes.subarray(0, wanted)));
    begun.bytes += bytes.length;
    if (kind === KIND.first || kind === KIND.middle) return;
    this.#begun = undefined;
    if (this.#badAt === undefined) this.#reading.take(Buffer.concat(begun.parts));
    else this.#isBroken = true;
  }

  /** The record that has begun ends here, and never ends. */
  #bad(at: number): void {
    this.#badAt ??= this.#begun?.at ?? at;
    this.#begun = undefined;
  }

  #lengthAt(at: number): number {
    return this.#block.readUInt16LE(at + 4);
  }

  #isGood(at: number, length: number): boolean {
    const kind = this.#block[at + 6]!;
    const end = at + HEADER_BYTES + this.#lengthAt(at);
    if (kind < KIND.full || kind > KIND.last || end > length) return false;
    return masked(crc32c(this.#block, at + 6, end)) === this.#block.readUInt32LE(at);
  }

  /** Behind something bad even the lengths are not to be trusted: any byte may be where the next good record of this block begins. */
  #nextBeginning(from: number, length: number): number {
    for (let at = from; length - at >= HEADER_BYTES; at++) {
      const kind = this.#block[at + 6]!;
      if (kind !== KIND.full && kind !== KIND.first) continue;
      const head = this.#block.subarray(
        at + HEADER_BYTES,
        at + HEADER_BYTES + Math.min(HEAD_BYTES, this.#lengthAt(at)),
      );
      if (this.#reading.mayBegin(head) && this.#isGood(at, length)) return at;
    }
    return length;
  }
}

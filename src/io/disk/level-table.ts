import { closeSync, openSync, readSync } from 'node:fs';
import { crc32c, masked } from './crc32c.ts';
import { VarintReader } from './level-manifest.ts';

/**
 * LevelDB's format of tables (doc/table_format.md there): data blocks, a filter, a block that lists the filters, the index, which lists the data blocks, and a
 * footer. Behind each block stand its kind of compression (1 byte) and the masked CRC-32C of both (4).
 */
const TRAILER_BYTES = 5;
const FOOTER_BYTES = 48;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
const CHUNK_BYTES = 1 << 20;

interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

/**
 * What is wrong with a table; undefined where every byte of it is as LevelDB wrote it, and where there is no such file. LevelDB 1.20 checks nothing when it reads: a wrong bit
 * in a key makes it another key, and uncovers an older version of the first.
 *
 * @param bytes its length, by the manifest.
 */
export function faultOfTable(path: string, bytes: number): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return new TableCheck(file, bytes).run();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'EIO') return message;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

class TableCheck {
  readonly #file: number;
  readonly #bytes: number;
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  /** What of the file is in the chunk. */
  #from = 0;
  #to = 0;

  constructor(file: number, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
  }

  run(): string | undefined {
    const footerAt = this.#bytes - FOOTER_BYTES;
    const footer = this.#copy(footerAt, FOOTER_BYTES + 1);
    if (footer.length !== FOOTER_BYTES) return 'its length is wrong';
    if (!footer.subarray(-MAGIC.length).equals(MAGIC)) return 'its footer is damaged';
    const handles = new VarintReader(footer);
    const [meta, index] = [readHandle(handles), readHandle(handles)];
    if (endOf(meta) !== index.offset || endOf(index) !== footerAt) return 'its footer is damaged';
    if (!this.#isWhole(index)) return 'its index is damaged';
    if (!this.#isWhole(meta)) return 'its list of filters is damaged';
    let offset = 0;
    for (const block of [...this.#handlesIn(index), ...this.#handlesIn(meta), meta]) {
      if (block.offset !== offset) return 'its index is damaged';
      if (!this.#isWhole(block)) return `its block at ${offset} is damaged`;
      offset = endOf(block);
    }
    return offset === index.offset ? undefined : 'its index is damaged';
  }

  /** We write no block that is compressed. */
  #handlesIn({ offset, size }: BlockHandle): BlockHandle[] {
    return readHandles(this.#copy(offset, size));
  }

  #isWhole({ offset, size }: BlockHandle): boolean {
    const end = offset + size + 1;
    let sum = 0;
    for (let at = offset; at < end; ) {
      if (!this.#reach(at)) return false;
      const stop = Math.min(end, this.#to);
      sum = crc32c(this.#chunk, at - this.#from, stop - this.#from, sum);
      at = stop;
    }
    const stored = this.#copy(end, TRAILER_BYTES - 1);
    return stored.length === TRAILER_BYTES - 1 && stored.readUInt32LE(0) === masked(sum);
  }

  /** Less than `length` at the end of the file. */
  #copy(offset: number, length: number): Buffer {
    const parts: Buffer[] = [];
    for (let at = offset; at >= 0 && at < offset + length && this.#reach(at); at = this.#to)
      parts.push(Buffer.from(this.#chunk.subarray(at - this.#from, Math.min(this.#to, offset + length) - this.#from)));
    return Buffer.concat(parts);
  }

  /** Has that byte in the chunk. @returns false when there is none. */
  #reach(at: number): boolean {
    if (at >= this.#from && at < this.#to) return true;
    this.#from = at;
    this.#to = at + readSync(this.#file, this.#chunk, 0, CHUNK_BYTES, at);
    return this.#to > at;
  }
}

function endOf({ offset, size }: BlockHandle): number {
  return offset + size + TRAILER_BYTES;
}

function readHandle(input: VarintReader): BlockHandle {
  return { offset: input.number(), size: input.number() };
}

/**
 * Entries are `bytes shared with the key before · others · bytes of the value · others of the key · value`; behind them stand where the sharing begins anew,
 * and how often it does.
 */
function readHandles(block: Buffer): BlockHandle[] {
  const count = block.readUInt32LE(block.length - 4);
  const input = new VarintReader(block.subarray(0, Math.max(0, block.length - 4 * (1 + count))));
  const handles: BlockHandle[] = [];
  while (input.hasMore) {
    input.number();
    const keyBytes = input.number();
    const valueBytes = input.number();
    input.bytes(keyBytes);
    handles.push(readHandle(new VarintReader(input.bytes(valueBytes))));
  }
  return handles;
}

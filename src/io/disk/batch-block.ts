/**
 * Batches and chunks of entries as they pass between a node's thread and its disk's, as one block of memory:
 *
 *     operation (1 byte) · key length (4) · value length (4) · key · value · room for a checksum (4)
 *
 * Numbers are little-endian. With `deleteRange` the key is where the range begins, the value where it ends.
 */
export type BatchOperation = 'put' | 'delete' | 'deleteRange' | 'damaged';

/** By their codes. */
const OPERATIONS: readonly BatchOperation[] = ['put', 'delete', 'deleteRange', 'damaged'];
const CODES = { put: 0, delete: 1, deleteRange: 2, damaged: 3 } as const satisfies Record<BatchOperation, number>;

const HEADER_BYTES = 9;
export const CHECKSUM_BYTES = 4;
const LEAST_BYTES = 64 << 10;
/** Up to here a loop is faster than a call that copies. */
const SHORT_BYTES = 32;

/** Blocks are transferred between threads, so they own their memory. */
type Block = Buffer<ArrayBuffer>;

/** What travels: a block and how much of it is filled. */
export interface FilledBlock {
  readonly block: Uint8Array<ArrayBuffer>;
  readonly length: number;
}

/** Writes blocks. */
export class BlockWriter {
  #block: Block | undefined;
  #length = 0;
  #count = 0;

  get length(): number {
    return this.#length;
  }

  /** Entries that have been added. */
  get count(): number {
    return this.#count;
  }

  add(operation: BatchOperation, key: Uint8Array, value: Uint8Array): void {
    const keyBytes = key.length;
    const valueBytes = value.length;
    let at = this.#length;
    const end = at + HEADER_BYTES + keyBytes + valueBytes + CHECKSUM_BYTES;
    const block = this.#block !== undefined && end <= this.#block.length ? this.#block : this.#grow(end);
    block[at] = CODES[operation];
    block.writeUInt32LE(keyBytes, at + 1);
    block.writeUInt32LE(valueBytes, at + 5);
    at += HEADER_BYTES;
    copy(key, block, at);
    copy(value, block, at + keyBytes);
    this.#length = end;
    this.#count++;
  }

  /** What has been written; the writer begins anew, in `next` if that is given. */
  take(next?: Uint8Array<ArrayBuffer>): FilledBlock {
    const filled = { block: this.#block ?? this.#grow(0), length: this.#length };
    this.#block = next === undefined ? undefined : Buffer.from(next.buffer, next.byteOffset, next.length);
    this.#length = 0;
    this.#count = 0;
    return filled;
  }

  #grow(least: number): Block {
    const before = this.#block;
    const after = Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, 2 * (before?.length ?? 0), least)) as Block;
    before?.copy(after, 0, 0, this.#length);
    this.#block = after;
    return after;
  }
}

function copy(source: Uint8Array, target: Block, at: number): void {
  const { length } = source;
  if (length <= SHORT_BYTES) for (let i = 0; i < length; i++) target[at + i] = source[i]!;
  else target.set(source, at);
}

/**
 * Visits what a block holds, in order; what it shows are views of the block. `withChecksum` are the value and the room behind it, which belongs to nobody else.
 */
export function readBlock(
  { block, length }: FilledBlock,
  visit: (operation: BatchOperation, key: Uint8Array, value: Uint8Array, withChecksum: Uint8Array) => void,
): void {
  const bytes = Buffer.from(block.buffer, block.byteOffset, length);
  for (let at = 0; at < length; ) {
    const keyAt = at + HEADER_BYTES;
    const valueAt = keyAt + bytes.readUInt32LE(at + 1);
    const end = valueAt + bytes.readUInt32LE(at + 5);
    const operation = OPERATIONS[bytes[at]!]!;
    at = end + CHECKSUM_BYTES;
    visit(operation, bytes.subarray(keyAt, valueAt), bytes.subarray(valueAt, end), bytes.subarray(valueAt, at));
  }
}

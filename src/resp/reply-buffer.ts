import { BlockPool } from './block-pool.ts';

/** A payload above this is passed on by reference; up to this, copying it is cheaper than a segment of its own. */
export const BY_REFERENCE_BYTES = 16_384;

/** Up to these sizes a loop beats the call that moves memory: all of a source, or a part of one, which costs a view. */
const LOOP_WHOLE_BYTES = 12;
const LOOP_PART_BYTES = 40;
const NO_BLOCK: Buffer = Buffer.alloc(0);

/**
 * Bytes on their way to a socket, in order: small ones copied into blocks, large payloads by reference.
 *
 *     block   ├── taken ──┼── pending ──┼────── free ──────┤
 *                       #start        #end
 *
 * Who owns the memory:
 *
 * 1. `takeSegments` lends what is pending to the socket. What is written later goes behind it in the block, or into
 *    another block; lent bytes are never overwritten.
 * 2. `recycle` is the socket's word that it reads none of the lent bytes any more (all of them are the kernel's:
 *    `socket.writableLength === 0`). Only then are blocks used again, by this writer or by another one.
 * 3. Without that word the writer forgets lent blocks at the next `takeSegments`, and the garbage collector frees them
 *    when the socket has. Slower, never wrong.
 */
export class ReplyBuffer {
  readonly #pool: BlockPool;
  #block: Buffer = NO_BLOCK;
  #start = 0;
  #end = 0;
  /** Pending, before `block[start, end)`. */
  #segments: Buffer[] = [];
  #segmentsBytes = 0;
  /** Blocks that are full, with bytes among `#segments`. */
  #full: Buffer[] = [];
  /** Blocks that are full, with bytes lent by the last `takeSegments`. */
  #lent: Buffer[] = [];

  constructor(pool = new BlockPool()) {
    this.#pool = pool;
  }

  /** Pending bytes. */
  get byteLength(): number {
    return this.#segmentsBytes + this.#end - this.#start;
  }

  /** Everything pending, in order; see above for what the caller may do with it. Empty when nothing is. */
  takeSegments(): Buffer[] {
    if (this.byteLength === 0) return [];
    this.#seal();
    const segments = this.#segments;
    this.#segments = [];
    this.#segmentsBytes = 0;
    this.#lent = this.#full;
    this.#full = [];
    return segments;
  }

  /** The socket reads none of the bytes any more that were taken so far. What is pending stays as it is. */
  recycle(): void {
    for (const block of this.#lent) this.#pool.release(block);
    if (this.#lent.length > 0) this.#lent = [];
    if (this.byteLength > 0 || this.#block === NO_BLOCK) return;
    this.#pool.release(this.#block);
    this.#block = NO_BLOCK;
    this.#start = 0;
    this.#end = 0;
  }

  /**
   * Makes room for `bytes` in a row, at most a block's size.
   *
   * @returns the block; write from `end` on and then call `advanceTo`.
   */
  room(bytes: number): Buffer {
    if (this.#block.length - this.#end < bytes) this.#nextBlock();
    return this.#block;
  }

  /** Where the next byte goes in the block that `room` has returned. */
  get end(): number {
    return this.#end;
  }

  advanceTo(end: number): void {
    this.#end = end;
  }

  /** Copies `source[start, end)`, whatever its size. */
  copy(source: Uint8Array, start: number, end: number): void {
    if (end - start > BY_REFERENCE_BYTES) {
      const own = Buffer.allocUnsafeSlow(end - start);
      own.set(source.subarray(start, end));
      this.#append(own);
      return;
    }
    let from = start;
    while (from < end) {
      if (this.#end === this.#block.length) this.#nextBlock();
      const to = Math.min(end, from + this.#block.length - this.#end);
      this.#copyHere(source, from, to);
      from = to;
    }
  }

  /** Takes a payload: by reference when it is large, and then it must never change again; otherwise a copy. */
  add(bytes: Uint8Array): void {
    if (bytes.length > BY_REFERENCE_BYTES) this.#append(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    else this.copy(bytes, 0, bytes.length);
  }

  #copyHere(source: Uint8Array, from: number, to: number): void {
    const block = this.#block;
    const at = this.#end;
    const size = to - from;
    const whole = size === source.length;
    if (size <= (whole ? LOOP_WHOLE_BYTES : LOOP_PART_BYTES)) {
      for (let i = 0; i < size; i++) block[at + i] = source[from + i]!;
    } else {
      block.set(whole ? source : source.subarray(from, to), at);
    }
    this.#end = at + size;
  }

  #append(segment: Buffer): void {
    this.#seal();
    this.#segments.push(segment);
    this.#segmentsBytes += segment.length;
  }

  /** Ends the current segment; the block goes on behind it. */
  #seal(): void {
    if (this.#start === this.#end) return;
    this.#segments.push(this.#block.subarray(this.#start, this.#end));
    this.#segmentsBytes += this.#end - this.#start;
    this.#start = this.#end;
  }

  #nextBlock(): void {
    this.#seal();
    if (this.#block !== NO_BLOCK) this.#full.push(this.#block);
    this.#block = this.#pool.acquire();
    this.#start = 0;
    this.#end = 0;
  }
}

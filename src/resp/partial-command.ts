/** A piece at least this large is kept by reference; a smaller one is copied, because a view of it costs as much. */
const BY_REFERENCE_BYTES = 4096;
const FIRST_BLOCK_BYTES = 256;
const MAX_BLOCK_BYTES = 65_536;

/**
 * The bytes of a command whose end has not arrived. They are kept in pieces and joined once, at the end, so a large
 * value is copied once however many chunks it came in. Small pieces are gathered in blocks that double in size:
 * otherwise a client that sends byte by byte could make each byte cost a `Buffer` object, some hundred bytes.
 *
 * What it holds beyond the bytes themselves is bounded: one block not yet full, and, where the first piece was the
 * end of a chunk, the rest of that chunk.
 */
export class PartialCommand {
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  /** Gathers small pieces; its first `#used` bytes count as the last piece. */
  #block: Buffer | undefined;
  #used = 0;

  /** Bytes of the command so far. */
  get byteLength(): number {
    return this.#piecesBytes + this.#used;
  }

  append(chunk: Buffer, start: number, end: number): void {
    if (end - start >= BY_REFERENCE_BYTES) {
      this.#closeBlock();
      this.#keep(chunk.subarray(start, end));
      return;
    }
    let from = start;
    while (from < end) {
      const block = this.#blockWithRoom(end - from);
      const copied = chunk.copy(block, this.#used, from, end);
      this.#used += copied;
      from += copied;
    }
  }

  /**
   * The command, whose last bytes are `chunk[0, end)`, in memory of its own and of its own size: an argument that is
   * most of it can be kept without keeping much else. Holds nothing afterwards.
   */
  finish(chunk: Buffer, end: number): Buffer {
    const whole = Buffer.allocUnsafeSlow(this.byteLength + end);
    let at = 0;
    for (const piece of this.#pieces) at += piece.copy(whole, at);
    if (this.#block !== undefined) at += this.#block.copy(whole, at, 0, this.#used);
    chunk.copy(whole, at, 0, end);
    this.clear();
    return whole;
  }

  clear(): void {
    if (this.#piecesBytes > 0) this.#pieces = [];
    this.#piecesBytes = 0;
    this.#block = undefined;
    this.#used = 0;
  }

  #blockWithRoom(wanted: number): Buffer {
    if (this.#block !== undefined && this.#used < this.#block.length) return this.#block;
    const last = this.#block?.length ?? 0;
    this.#closeBlock();
    this.#block = Buffer.allocUnsafeSlow(Math.min(Math.max(FIRST_BLOCK_BYTES, last * 2, wanted), MAX_BLOCK_BYTES));
    return this.#block;
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    this.#keep(this.#block.subarray(0, this.#used));
    this.#block = undefined;
    this.#used = 0;
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
  }
}

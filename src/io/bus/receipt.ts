import { HEADER_BYTES, RECEIPT, readU32, writeHeader } from './frame.ts';

const COUNT_BYTES = 4;
const RECEIPT_BYTES = HEADER_BYTES + COUNT_BYTES;
const RECEIPT_HEADER = RECEIPT * 0x100_0000 + COUNT_BYTES;

/**
 * A receipt says how many bytes the acceptor has read since its last one. It is all that an acceptor ever writes after
 * the handshake, a few times a second at most, and it tells the dialler what TCP keeps to itself: that bytes which the
 * kernel took have arrived at a process that reads. Without it a link into a vanished network looks healthy until the
 * kernel's buffer is full, or for a quarter of an hour.
 *
 * @param bytes below 2^32.
 */
export function encodeReceipt(bytes: number): Buffer {
  const frame = Buffer.alloc(RECEIPT_BYTES);
  writeHeader(frame, 0, RECEIPT, COUNT_BYTES);
  frame.writeUInt32BE(bytes, HEADER_BYTES);
  return frame;
}

/** The most that one receipt can confirm. */
export const MAX_RECEIPT_BYTES = 0xffff_ffff;

/** Reads receipts, however their bytes are cut. */
export class ReceiptReader {
  readonly #frame = Buffer.alloc(RECEIPT_BYTES);
  #filled = 0;

  /** @returns how many bytes the receipts in `chunk` confirm together, or undefined when these are no receipts. */
  push(chunk: Buffer): number | undefined {
    let confirmed = 0;
    let at = 0;
    while (at < chunk.length) {
      const taken = chunk.copy(this.#frame, this.#filled, at);
      at += taken;
      this.#filled += taken;
      if (this.#filled < RECEIPT_BYTES) break;
      if (readU32(this.#frame, 0) !== RECEIPT_HEADER) return undefined;
      confirmed += readU32(this.#frame, HEADER_BYTES);
      this.#filled = 0;
    }
    return confirmed;
  }
}

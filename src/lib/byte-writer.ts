/**
 * A growable scratch buffer that messages are written into, big-endian as everywhere on the bus. The same memory serves message after
 * message, so `view()` is good only until the next `reset()`.
 */
export class ByteWriter {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  constructor(capacity = 4096) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, capacity);
  }

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
    if (this.#bytes.length > MAX_IDLE_BYTES) this.#replace(Buffer.allocUnsafeSlow(4096));
  }

  /** What has been written since `reset`, without a copy. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value);
    this.#length += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  /** Bytes as they are; the reader must know how many. */
  raw(bytes: Uint8Array): void {
    const length = bytes.length;
    this.#reserve(length);
    const target = this.#bytes;
    if (length <= 32) for (let i = 0; i < length; i++) target[this.#length + i] = bytes[i]!;
    else target.set(bytes, this.#length);
    this.#length += length;
  }

  /** A 32-bit length, then the bytes. */
  bytes(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  /** A 16-bit length, then the text in UTF-8. */
  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.u16(length);
    this.#reserve(length);
    this.#bytes.write(text, this.#length);
    this.#length += length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#replace(larger);
  }

  #replace(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

/** A scratch that one large message made grow is not kept for the small ones that follow. */
const MAX_IDLE_BYTES = 4 << 20;

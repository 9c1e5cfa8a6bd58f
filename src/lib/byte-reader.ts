/** Thrown when a message ends before its fields do, or says something no encoder says. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError';
}

/** Reads what `ByteWriter` wrote. One reader serves message after message; every read checks its bounds. */
export class ByteReader {
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;

  /** Turns to a new message, from byte `start` on. */
  open(bytes: Buffer, start = 0): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = start;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8));
  }

  /** The next `length` bytes, a slice of the message. */
  raw(length: number): Buffer {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  bytes(): Buffer {
    return this.raw(this.u32());
  }

  text(): string {
    const length = this.u16();
    const start = this.#advance(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  rest(): Buffer {
    return this.raw(this.remaining);
  }

  /** A count of things of at least `minBytes` each, refused when the message could not hold as many. */
  count(minBytes: number): number {
    const count = this.u32();
    if (count * minBytes > this.remaining)
      throw new MalformedMessageError(`Cannot read ${count} entries: too few bytes`);
    return count;
  }

  #advance(bytes: number): number {
    const start = this.#at;
    if (start + bytes > this.#bytes.length) {
      throw new MalformedMessageError(`Cannot read ${bytes} bytes: ${this.remaining} are left`);
    }
    this.#at = start + bytes;
    return start;
  }
}

/** A reader at the beginning of these bytes. */
export function readerOf(bytes: Buffer): ByteReader {
  const reader = new ByteReader();
  reader.open(bytes);
  return reader;
}

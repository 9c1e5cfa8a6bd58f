import { FRAGMENT, HEADER_BYTES, MAX_PAYLOAD_BYTES, OPENING, readU32, TOTAL_BYTES, WHOLE } from './frame.ts';

/**
 * Cuts a peer's bytes into messages, however the network has cut the bytes.
 *
 * A frame that lies whole in a chunk is handed on as a slice of it; one that straddles chunks is gathered in a buffer
 * of its own. A long message is written straight to its final place as its fragments arrive, so it is copied once, and
 * there is at most one of them at a time: what a peer can make this reader hold is `maxMessageBytes` and one frame.
 */
export class FrameReader {
  readonly #maxMessageBytes: number;
  readonly #onMessage: (message: Buffer) => void;
  /** The header that a chunk's end cut, and how much of it is here. */
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  /** The `WHOLE` or `OPENING` payload that a chunk's end cut. */
  #payload: Buffer | undefined;
  #payloadKind = WHOLE;
  #payloadFilled = 0;
  /** The long message under way, and how much of it is here. */
  #assembly: Buffer | undefined;
  #assembled = 0;
  /** What is still to come of the current `FRAGMENT`. */
  #fragmentLeft = 0;
  #fault: string | undefined;
  #stopped = false;

  /** `onMessage` may keep slices of what it gets; a slice keeps its chunk (up to 64 KiB) or its message alive. */
  constructor(maxMessageBytes: number, onMessage: (message: Buffer) => void) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#onMessage = onMessage;
  }

  /**
   * Takes the next bytes and calls `onMessage` for each message that they complete.
   *
   * @returns why these are no frames, once they are not: nothing after that is read, the link must end.
   */
  push(chunk: Buffer): string | undefined {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      if (this.#fragmentLeft > 0) at = this.#fillFragment(chunk, at);
      else if (this.#payload !== undefined) at = this.#fillPayload(chunk, at, this.#payload);
      else if (this.#headerFilled > 0 || chunk.length - at < HEADER_BYTES) at = this.#fillHeader(chunk, at);
      else at = this.#readFrames(chunk, at);
    }
    return this.#fault;
  }

  /** Hands on nothing more, also not from the chunk that is just being read. */
  stop(): void {
    this.#stopped = true;
    this.#payload = undefined;
    this.#assembly = undefined;
  }

  /** The hot path: frame after frame as long as whole headers lie in the chunk. */
  #readFrames(chunk: Buffer, start: number): number {
    let at = start;
    while (chunk.length - at >= HEADER_BYTES && !this.#stopped) {
      const header = readU32(chunk, at);
      const end = at + HEADER_BYTES + header;
      // A whole frame's kind is 0, so its header is its length.
      if (header > MAX_PAYLOAD_BYTES || end > chunk.length) return this.#beginFrame(header, chunk, at + HEADER_BYTES);
      this.#onMessage(chunk.subarray(at + HEADER_BYTES, end));
      at = end;
    }
    return at;
  }

  #fillHeader(chunk: Buffer, at: number): number {
    const taken = Math.min(HEADER_BYTES - this.#headerFilled, chunk.length - at);
    chunk.copy(this.#header, this.#headerFilled, at, at + taken);
    this.#headerFilled += taken;
    if (this.#headerFilled < HEADER_BYTES) return at + taken;
    this.#headerFilled = 0;
    return this.#beginFrame(readU32(this.#header, 0), chunk, at + taken);
  }

  /** A frame that is not whole in this chunk, or not a whole message. `at` is where its payload begins. */
  #beginFrame(header: number, chunk: Buffer, at: number): number {
    const kind = header >>> 24;
    const length = header & 0xff_ffff;
    if (length > MAX_PAYLOAD_BYTES) return this.#fail(`a frame of ${length} bytes`, chunk);
    switch (kind) {
      case WHOLE:
        break;
      case OPENING:
        if (this.#assembly !== undefined) return this.#fail('a long message within another', chunk);
        if (length < TOTAL_BYTES) return this.#fail('a long message without a length', chunk);
        break;
      case FRAGMENT:
        if (this.#assembly === undefined) return this.#fail('a fragment of no message', chunk);
        if (length === 0) return this.#fail('an empty fragment', chunk);
        if (length > this.#assembly.length - this.#assembled) return this.#fail('a fragment too long', chunk);
        this.#fragmentLeft = length;
        return at;
      default:
        return this.#fail(`a frame of the unknown kind ${kind}`, chunk);
    }
    if (chunk.length - at >= length) return this.#endPayload(kind, chunk.subarray(at, at + length), chunk, at + length);
    this.#payload = Buffer.allocUnsafe(length);
    this.#payloadKind = kind;
    this.#payloadFilled = chunk.copy(this.#payload, 0, at);
    return chunk.length;
  }

  #fillPayload(chunk: Buffer, at: number, payload: Buffer): number {
    const taken = Math.min(payload.length - this.#payloadFilled, chunk.length - at);
    chunk.copy(payload, this.#payloadFilled, at, at + taken);
    this.#payloadFilled += taken;
    if (this.#payloadFilled < payload.length) return at + taken;
    this.#payload = undefined;
    return this.#endPayload(this.#payloadKind, payload, chunk, at + taken);
  }

  #endPayload(kind: number, payload: Buffer, chunk: Buffer, at: number): number {
    if (kind === WHOLE) {
      this.#onMessage(payload);
      return at;
    }
    const total = readU32(payload, 0);
    const first = payload.length - TOTAL_BYTES;
    if (total > this.#maxMessageBytes) return this.#fail(`a message of ${total} bytes`, chunk);
    if (first > total) return this.#fail('an opening longer than its message', chunk);
    try {
      this.#assembly = Buffer.allocUnsafeSlow(total);
    } catch {
      return this.#fail(`a message of ${total} bytes, for which there is no memory`, chunk);
    }
    this.#assembled = payload.copy(this.#assembly, 0, TOTAL_BYTES);
    this.#endAssemblyIfComplete(this.#assembly);
    return at;
  }

  #fillFragment(chunk: Buffer, at: number): number {
    const assembly = this.#assembly!;
    const taken = chunk.copy(assembly, this.#assembled, at, Math.min(chunk.length, at + this.#fragmentLeft));
    this.#assembled += taken;
    this.#fragmentLeft -= taken;
    if (this.#fragmentLeft === 0) this.#endAssemblyIfComplete(assembly);
    return at + taken;
  }

  #endAssemblyIfComplete(assembly: Buffer): void {
    if (this.#assembled < assembly.length) return;
    this.#assembly = undefined;
    this.#onMessage(assembly);
  }

  #fail(what: string, chunk: Buffer): number {
    this.#fault = what;
    this.stop();
    return chunk.length;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
const COMPACT_AFTER = 1024;

/** Chunks in the order of their arrival, by reference, with the place up to which the first has been used. */
export class ChunkQueue {
  #current: Buffer = NOTHING;
  #offset = 0;
  #waiting: Buffer[] = [];
  #waitingHead = 0;
  #waitingBytes = 0;

  /** The first chunk; empty when there is none. */
  get current(): Buffer {
    return this.#current;
  }

  /** The first byte of `current` that has not been used. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes not yet used. */
  get byteLength(): number {
    return this.#current.length - this.#offset + this.#waitingBytes;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#current.length === 0) {
      this.#current = chunk;
    } else {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
    }
  }

  /** Counts everything in `current` before `offset` as used, and lets go of `current` when that is all of it. */
  advanceTo(offset: number): void {
    this.#offset = offset;
    if (offset === this.#current.length) this.#shift();
  }

  clear(): void {
    this.#current = NOTHING;
    this.#offset = 0;
    this.#waiting = [];
    this.#waitingHead = 0;
    this.#waitingBytes = 0;
  }

  #shift(): void {
    this.#offset = 0;
    this.#current = NOTHING;
    if (this.#waitingHead === this.#waiting.length) return;
    this.#current = this.#waiting[this.#waitingHead++]!;
    this.#waitingBytes -= this.#current.length;
    if (this.#waitingHead === this.#waiting.length) {
      this.#waiting = [];
      this.#waitingHead = 0;
    } else if (this.#waitingHead >= COMPACT_AFTER && this.#waitingHead * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#waitingHead);
      this.#waitingHead = 0;
    }
  }
}

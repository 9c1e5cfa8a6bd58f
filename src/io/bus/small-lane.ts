import type { Batch } from './batch.ts';
import { Fifo } from './fifo.ts';
import { HEADER_BYTES, WHOLE, writeHeader } from './frame.ts';
import { SLAB_BYTES, type SlabPool } from './slab-pool.ts';

/** Below this a copy is cheaper than an entry in the kernel's list of buffers. */
const INLINE_BYTES = 4_096;

/** A stretch of the byte stream: of a slab, or a body that was handed over by reference. */
interface Segment {
  readonly bytes: Uint8Array;
  /** The slab, when this is the last that was written of it. */
  readonly slab: Buffer | undefined;
}

/**
 * The first lane: messages that fit a frame, in the order of their `offer`. Frames are appended to a slab as they come,
 * so that a turn's hundred replies are one buffer and one write; long bodies stay where they are.
 */
export class SmallLane {
  readonly #pool: SlabPool;
  readonly #maxBytes: number;
  readonly #segments = new Fifo<Segment>();
  #slab: Buffer | undefined;
  /** The stretch of the slab that is no segment yet. */
  #from = 0;
  #to = 0;
  #queuedBytes = 0;
  #offeredBytes = 0;

  constructor(pool: SlabPool, maxBytes: number) {
    this.#pool = pool;
    this.#maxBytes = maxBytes;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** All that ever came in. With `takenBytes` it says whether what was offered up to some instant is out. */
  get offeredBytes(): number {
    return this.#offeredBytes;
  }

  get takenBytes(): number {
    return this.#offeredBytes - this.#queuedBytes;
  }

  /** @returns false when the lane is full. `head` and `body` together fit a frame. */
  offer(head: Uint8Array, body: Uint8Array | undefined): boolean {
    if (this.#queuedBytes >= this.#maxBytes) return false;
    const bodyBytes = body === undefined ? 0 : body.length;
    const bytes = head.length + bodyBytes;
    const inlineHead = head.length <= INLINE_BYTES ? head.length : 0;
    const inlineBody = bodyBytes <= INLINE_BYTES ? bodyBytes : 0;
    const slab = this.#room(HEADER_BYTES + inlineHead + inlineBody);
    writeHeader(slab, this.#to, WHOLE, bytes);
    this.#to += HEADER_BYTES;
    if (inlineHead === head.length) this.#copy(slab, head);
    else this.#reference(Buffer.from(head));
    if (inlineBody > 0) this.#copy(slab, body!);
    else if (bodyBytes > 0) this.#reference(body!);
    this.#queuedBytes += HEADER_BYTES + bytes;
    this.#offeredBytes += HEADER_BYTES + bytes;
    return true;
  }

  /** Moves the oldest segments to `batch`, all of them or `maxBytes` and the segment that passes it. */
  take(batch: Batch, maxBytes: number): void {
    if (this.#slab !== undefined) this.#endSlab();
    const before = batch.bytes;
    for (;;) {
      const segment = this.#segments.peek();
      if (segment === undefined || batch.bytes - before >= maxBytes) break;
      this.#segments.drop();
      if (segment.bytes.length > 0) batch.add(segment.bytes);
      if (segment.slab !== undefined) batch.addSlab(segment.slab);
    }
    this.#queuedBytes -= batch.bytes - before;
  }

  /** A slab with this much room at `#to`. */
  #room(bytes: number): Buffer {
    if (this.#slab !== undefined && this.#to + bytes <= SLAB_BYTES) return this.#slab;
    if (this.#slab !== undefined) this.#endSlab();
    this.#slab = this.#pool.take();
    return this.#slab;
  }

  #copy(slab: Buffer, bytes: Uint8Array): void {
    slab.set(bytes, this.#to);
    this.#to += bytes.length;
  }

  #reference(bytes: Uint8Array): void {
    this.#segments.put({ bytes: this.#slab!.subarray(this.#from, this.#to), slab: undefined });
    this.#segments.put({ bytes, slab: undefined });
    this.#from = this.#to;
  }

  #endSlab(): void {
    this.#segments.put({ bytes: this.#slab!.subarray(this.#from, this.#to), slab: this.#slab });
    this.#slab = undefined;
    this.#from = 0;
    this.#to = 0;
  }
}

import type { Batch } from './batch.ts';
import { MAX_PAYLOAD_BYTES } from './frame.ts';
import { LargeLane } from './large-lane.ts';
import type { SlabPool } from './slab-pool.ts';
import { SmallLane } from './small-lane.ts';

/** Small messages that go to the socket in one write; enough to amortise it, little enough to see progress by. */
const MAX_SMALL_BATCH_BYTES = 1_048_576;

/**
 * One link's unsent messages, in two lanes. Each batch carries the small messages that wait and then one fragment of
 * a long one, so that a probe waits for one fragment, never for a value. Order is kept within each lane; a small
 * message may pass a long one that was sent before it, and a message on the second lane passes nothing.
 */
export class FrameWriter {
  readonly #maxMessageBytes: number;
  readonly #small: SmallLane;
  readonly #large: LargeLane;

  constructor(pool: SlabPool, limits: { readonly maxMessageBytes: number; readonly maxQueueBytes: number }) {
    this.#maxMessageBytes = limits.maxMessageBytes;
    this.#small = new SmallLane(pool, limits.maxQueueBytes);
    this.#large = new LargeLane(limits.maxQueueBytes);
  }

  /** Bytes not yet given to the socket. At most two lanes' `maxQueueBytes` and one message. */
  get queuedBytes(): number {
    return this.#small.queuedBytes + this.#large.queuedBytes;
  }

  /** The part of it that says the link does not keep up. */
  get waitingBytes(): number {
    return this.#small.queuedBytes + this.#large.waitingBytes;
  }

  get isEmpty(): boolean {
    return this.#small.queuedBytes === 0 && this.#large.isEmpty;
  }

  /** Queues a message on the lane of its length. @returns false when that lane is full or the message too long. */
  offer(head: Uint8Array, body: Uint8Array | undefined): boolean {
    const bytes = head.length + (body === undefined ? 0 : body.length);
    if (bytes <= MAX_PAYLOAD_BYTES) return this.#small.offer(head, body);
    return this.offerOrdered(head, body);
  }

  /** Queues a message of any length so that it arrives after everything offered before it, on either lane. */
  offerOrdered(head: Uint8Array, body: Uint8Array | undefined): boolean {
    const bytes = head.length + (body === undefined ? 0 : body.length);
    return bytes <= this.#maxMessageBytes && this.#large.offer(head, body, this.#small.offeredBytes);
  }

  /** Moves what goes next into the empty `batch`. @returns false when nothing does. */
  take(batch: Batch): boolean {
    this.#small.take(batch, MAX_SMALL_BATCH_BYTES);
    this.#large.take(batch, this.#small.takenBytes);
    return batch.bytes > 0;
  }
}

import type { Batch } from './batch.ts';
import { Fifo } from './fifo.ts';
import { FRAGMENT, HEADER_BYTES, MAX_PAYLOAD_BYTES, OPENING, TOTAL_BYTES, writeHeader } from './frame.ts';

/** What a queued message costs beside its bytes, so that many empty ones have a bound too. */
const OVERHEAD_BYTES = 128;

interface LargeMessage {
  /** The lane's own copy. */
  readonly head: Uint8Array;
  readonly body: Uint8Array | undefined;
  readonly bytes: number;
  /** How many bytes of the first lane were offered before it, all of which go before it. */
  readonly behind: number;
}

/**
 * The second lane: messages cut into fragments, one message after another in the order of their `offer`. A message
 * begins only when all that was offered on the first lane before it has been taken: what goes by this lane, long or
 * not, arrives after everything that was sent before it.
 */
export class LargeLane {
  readonly #maxBytes: number;
  readonly #messages = new Fifo<LargeMessage>();
  /** How much of the first message has been taken; 0 when it has not begun. */
  #taken = 0;
  #queuedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** What waits behind the message under way: one long message, alone, is no sign of congestion. */
  get waitingBytes(): number {
    const first = this.#messages.peek();
    return first === undefined ? 0 : this.#queuedBytes - OVERHEAD_BYTES - (first.bytes - this.#taken);
  }

  get isEmpty(): boolean {
    return this.#messages.isEmpty;
  }

  /** @returns false when the lane is full; a message longer than what is left is still taken, one at most. */
  offer(head: Uint8Array, body: Uint8Array | undefined, behind: number): boolean {
    if (this.#queuedBytes >= this.#maxBytes) return false;
    const bytes = head.length + (body === undefined ? 0 : body.length);
    this.#messages.put({ head: Uint8Array.prototype.slice.call(head), body, bytes, behind });
    this.#queuedBytes += bytes + OVERHEAD_BYTES;
    return true;
  }

  /** Moves one fragment to `batch`, if the first lane is as far as the message demands. */
  take(batch: Batch, firstLaneTaken: number): void {
    const message = this.#messages.peek();
    if (message === undefined || firstLaneTaken < message.behind) return;
    const opening = this.#taken === 0;
    const room = opening ? MAX_PAYLOAD_BYTES - TOTAL_BYTES : MAX_PAYLOAD_BYTES;
    const from = this.#taken;
    const to = Math.min(message.bytes, from + room);
    if (opening) {
      const header = Buffer.allocUnsafe(HEADER_BYTES + TOTAL_BYTES);
      writeHeader(header, 0, OPENING, TOTAL_BYTES + to);
      header.writeUInt32BE(message.bytes, HEADER_BYTES);
      batch.add(header);
    } else {
      const header = Buffer.allocUnsafe(HEADER_BYTES);
      writeHeader(header, 0, FRAGMENT, to - from);
      batch.add(header);
    }
    addRange(batch, message, from, to);
    this.#taken = to;
    this.#queuedBytes -= to - from;
    if (to === message.bytes) {
      this.#messages.drop();
      this.#queuedBytes -= OVERHEAD_BYTES;
      this.#taken = 0;
    }
  }
}

/** Adds bytes `[from, to)` of the message, which lie in its head, its body or both. */
function addRange(batch: Batch, message: LargeMessage, from: number, to: number): void {
  const { head, body } = message;
  if (from < head.length) batch.add(head.subarray(from, Math.min(to, head.length)));
  if (body !== undefined && to > head.length)
    batch.add(body.subarray(Math.max(0, from - head.length), to - head.length));
}

import type { Socket } from 'node:net';
import type { FlushQueue } from '../flush-queue.ts';
import { Batch } from './batch.ts';
import { FrameWriter } from './frame-writer.ts';
import type { BusLimits } from './limits.ts';
import type { Pressure } from './pressure.ts';
import type { SlabPool } from './slab-pool.ts';

/** Writes that the kernel may take whole in one turn before the other connections get theirs. */
const MAX_WRITES_PER_TURN = 4;

/** What the links of one bus share. */
export interface SenderContext {
  readonly limits: BusLimits;
  readonly pool: SlabPool;
  readonly flushQueue: FlushQueue;
  readonly pressure: Pressure;
}

/**
 * The writing half of a link that is up. A batch goes to the socket only when the one before has left for the kernel,
 * so what is unsent waits in the lanes, where a small message can still pass a long one.
 */
export class Sender {
  readonly #socket: Socket;
  readonly #context: SenderContext;
  readonly #writer: FrameWriter;
  readonly #batch = new Batch();
  #scheduled = false;
  /** The kernel has not taken all of `#batch` yet. */
  #writing = false;
  #ending = false;
  #closed = false;
  #behind = false;
  /** Written, and no receipt for it yet. */
  #unconfirmedBytes = 0;
  #stalledMs = 0;

  constructor(socket: Socket, context: SenderContext) {
    this.#socket = socket;
    this.#context = context;
    this.#writer = new FrameWriter(context.pool, context.limits);
  }

  /** Bytes that the kernel has not taken. */
  get queuedBytes(): number {
    return this.#writer.queuedBytes + (this.#writing ? this.#batch.bytes : 0);
  }

  /** How long something has been under way without a receipt, milliseconds of this process's own running time. */
  get stalledMs(): number {
    return this.#stalledMs;
  }

  offer(head: Uint8Array, body: Uint8Array | undefined): boolean {
    if (this.#ending || !this.#writer.offer(head, body)) return false;
    this.#schedule();
    return true;
  }

  offerOrdered(head: Uint8Array, body: Uint8Array | undefined): boolean {
    if (this.#ending || !this.#writer.offerOrdered(head, body)) return false;
    this.#schedule();
    return true;
  }

  /** Writes what the kernel takes without waiting, as far as this turn's share goes. */
  flush(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    for (let writes = 0; !this.#writing && this.#writer.take(this.#batch); ) {
      this.#write();
      if (++writes < MAX_WRITES_PER_TURN) continue;
      if (!this.#writing && !this.#writer.isEmpty) this.#schedule();
      break;
    }
    if (this.#ending && !this.#writing && this.#writer.isEmpty) this.#socket.end();
    this.#judgePressure();
  }

  /** A receipt came. @returns false when it confirms more than was written. */
  confirm(bytes: number): boolean {
    this.#unconfirmedBytes -= bytes;
    if (bytes > 0) this.#stalledMs = 0;
    this.#judgePressure();
    return this.#unconfirmedBytes >= 0;
  }

  /** `elapsedMs` of this process's running time have passed. */
  tick(elapsedMs: number): void {
    if (this.#unconfirmedBytes === 0 && this.#writer.isEmpty) this.#stalledMs = 0;
    else this.#stalledMs += elapsedMs;
    this.#judgePressure();
  }

  /** Takes no more messages, and ends the connection when those it has are written. */
  end(): void {
    this.#ending = true;
    this.flush();
  }

  /** The connection is gone, and what was queued with it. */
  close(): void {
    this.#closed = true;
    this.#ending = true;
    this.#context.pressure.set(this, false);
  }

  /** Also while a write is under way: what came to wait behind it is judged at the end of the turn. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#context.flushQueue.add(this);
  }

  /** Hands the batch to the socket in one write. */
  #write(): void {
    const { parts } = this.#batch;
    const socket = this.#socket;
    const last = parts.length - 1;
    this.#unconfirmedBytes += this.#batch.bytes;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(parts[i]!);
    socket.write(parts[last]!, this.#onWritten);
    if (last > 0) socket.uncork();
    if (socket.writableLength === 0) this.#batch.release(this.#context.pool);
    else this.#writing = true;
  }

  /** Also called for a write that was over at once; then nothing is left to do. */
  readonly #onWritten = (): void => {
    if (!this.#writing || this.#closed || this.#socket.writableLength > 0) return;
    this.#writing = false;
    this.#batch.release(this.#context.pool);
    this.flush();
  };

  #judgePressure(): void {
    const { limits, pressure } = this.#context;
    const waiting = this.#writer.waitingBytes;
    const behind =
      !this.#closed &&
      this.#stalledMs < limits.pressureStallMs &&
      waiting > (this.#behind ? limits.lowWaterBytes : limits.highWaterBytes);
    if (behind === this.#behind) return;
    this.#behind = behind;
    pressure.set(this, behind);
  }
}

import { assert } from '../lib/assert.ts';

/** Size of a block: a flush of a long pipeline fits one, and an untouched part of it costs no memory. */
export const BLOCK_BYTES = 65_536;

/**
 * Blocks of memory that reply writers write into. A block belongs to one writer from `acquire` to `release`, and to
 * nobody else's memory: a writer with nothing pending holds none, so ten thousand idle connections share what the few
 * that are answering now need, and most of the time that is one block, warm in the cache.
 */
export class BlockPool {
  readonly #idle: Buffer[] = [];
  readonly #maxIdle: number;
  readonly #blockBytes: number;

  /**
   * @param maxIdle blocks kept for the next writer; more are left to the garbage collector.
   * @param blockBytes at least 8 KiB: the longest text that is written in place, and what goes before it, fit one.
   */
  constructor(maxIdle = 16, blockBytes = BLOCK_BYTES) {
    this.#maxIdle = maxIdle;
    this.#blockBytes = blockBytes;
  }

  /** Blocks in waiting. */
  get idle(): number {
    return this.#idle.length;
  }

  acquire(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(this.#blockBytes);
  }

  /** Takes a block back that nothing will read from any more. */
  release(block: Buffer): void {
    assert(this.#idle[this.#idle.length - 1] !== block, 'Cannot release a block: it has just been released');
    if (this.#idle.length < this.#maxIdle) this.#idle.push(block);
  }
}

import type { Peer } from './peer.ts';

export interface EarlyMessage {
  readonly from: Peer;
  readonly message: Buffer;
}

const MAX_BYTES = 4 << 20;

/**
 * Requests from peers that are an epoch ahead, about slots that this node has nothing to do with before it goes by that epoch, too. That is
 * mostly a matter of milliseconds, and whoever waits for an answer would else send them again only after a tenth of a second.
 *
 * They are as if they had been under way for longer, with one thing to be seen to: a fence's answer (`fence.ts`) says that everything older
 * has arrived. It is given to a question of this node's epoch only, so by no peer that is ahead; and these are read before this node
 * asks or answers anything at the next one.
 */
export class EarlyMessages {
  #kept: EarlyMessage[] = [];
  #byteLength = 0;

  /** Keeps a copy, while there is room: its sender will send it again. */
  keep(from: Peer, message: Buffer): void {
    if (this.#byteLength + message.length > MAX_BYTES) return;
    this.#kept.push({ from, message: Buffer.from(message) });
    this.#byteLength += message.length;
  }

  /** All that is kept, in the order in which it came, and keeps it no more. */
  take(): readonly EarlyMessage[] {
    const taken = this.#kept;
    this.#kept = [];
    this.#byteLength = 0;
    return taken;
  }

  /** Its link is down: what it asked is not waited for any more, and what it sent was kept by it, too. */
  forget(peer: Peer): void {
    const others = this.#kept.filter(({ from }) => from !== peer);
    this.#byteLength = others.reduce((sum, { message }) => sum + message.length, 0);
    this.#kept = others;
  }
}

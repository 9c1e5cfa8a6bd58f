import { NO_STAMP, type Stamp } from '../clock/hybrid-clock.ts';
import type { Undelivered } from './fence.ts';
import type { Peer } from './peer.ts';

export interface EarlyMessage {
  readonly from: Peer;
  readonly message: Buffer;
  /** Of the record in it; +Infinity where there is none. */
  readonly stamp: Stamp;
}

const MAX_BYTES = 4 << 20;

/**
 * Requests from peers that are an epoch ahead, about slots that this node has nothing to do with before it goes by that epoch, too. That is
 * mostly a matter of milliseconds, and whoever waits for an answer would else send them again only after a tenth of a second.
 *
 * They are as if they had been under way for longer, with one thing to be seen to: a fence's answer (`fence.ts`) says that everything older
 * has arrived. A peer that is ahead answers none of this epoch, and what is kept is read before this node asks or answers any at the next.
 * But that peer may end, and come back at this epoch knowing nothing of what it has sent; so this node speaks for it.
 */
export class EarlyMessages implements Omit<Undelivered, 'whenDropped'> {
  #kept: EarlyMessage[] = [];
  #byteLength = 0;
  #vouchedStamp: Stamp = NO_STAMP;

  /** Keeps a copy, while there is room and no fence was told that there is nothing so old: its sender will send it again. */
  keep(from: Peer, message: Buffer, stamp: Stamp = Number.POSITIVE_INFINITY): void {
    if (this.#byteLength + message.length > MAX_BYTES || stamp <= this.#vouchedStamp) return;
    this.#kept.push({ from, message: Buffer.from(message), stamp });
    this.#byteLength += message.length;
  }

  leastStamp(): Stamp {
    return this.#kept.reduce((least, { stamp }) => Math.min(least, stamp), Number.POSITIVE_INFINITY);
  }

  vouch(upTo: Stamp): void {
    this.#vouchedStamp = Math.max(this.#vouchedStamp, upTo);
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

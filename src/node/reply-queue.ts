import type { BlockPool } from '../resp/block-pool.ts';
import { ReplyWriter } from '../resp/reply-writer.ts';

/** The place of a reply that is not known yet, in the order of its connection. */
export class PendingReply {
  readonly #queue: ReplyQueue;
  /** What was written before its turn came. */
  body: ReplyWriter | undefined;
  /** Replies to later commands that were known at once. */
  tail: ReplyWriter | undefined;
  readonly protocol: 2 | 3;
  #filled = false;

  constructor(queue: ReplyQueue, protocol: 2 | 3) {
    this.#queue = queue;
    this.protocol = protocol;
  }

  get filled(): boolean {
    return this.#filled;
  }

  /** Writes the reply, now and once. */
  fill(write: (reply: ReplyWriter) => void): void {
    write(this.open());
    this.close();
  }

  /** Where the reply is to be written, at once; `close` follows. */
  open(): ReplyWriter {
    this.#filled = true;
    return this.#queue.writerFor(this);
  }

  close(): void {
    if (this.body !== undefined) this.#queue.hold(this.body);
    this.#queue.settle();
  }
}

/**
 * Puts replies into the order of their commands. While every command is answered at once, `current` is the writer whose
 * bytes go to the socket; behind a reply that is still to come, writers of their own hold what follows it.
 */
export class ReplyQueue {
  /** What is ready for the socket. */
  readonly ready: ReplyWriter;
  /** Holds for the replies to this command and later ones. */
  protocol: 2 | 3 = 2;
  readonly #sidePool: BlockPool;
  #waiting: PendingReply[] = [];
  #head = 0;
  /** Bytes of bodies, and of all tails but the last, which may still grow. */
  #heldBytes = 0;

  /** @param sidePool for replies that cannot go out yet, of which there are many at a time and most are short. */
  constructor(pool: BlockPool, sidePool = pool) {
    this.#sidePool = sidePool;
    this.ready = new ReplyWriter(pool);
  }

  /** Replies that are still to come, and later ones of them that have come. */
  get length(): number {
    return this.#waiting.length - this.#head;
  }

  /** Bytes of replies that are known and held back behind one that is not. */
  get heldBytes(): number {
    return this.#heldBytes + (this.#waiting[this.#waiting.length - 1]?.tail?.byteLength ?? 0);
  }

  /** Where the reply to the command that runs now is written, if it is known. */
  get current(): ReplyWriter {
    const last = this.#waiting[this.#waiting.length - 1];
    if (last === undefined) {
      this.ready.protocol = this.protocol;
      return this.ready;
    }
    last.tail ??= new ReplyWriter(this.#sidePool);
    last.tail.protocol = this.protocol;
    return last.tail;
  }

  /** Takes the next place for a reply that will be known later. */
  defer(): PendingReply {
    const pending = new PendingReply(this, this.protocol);
    this.#heldBytes = this.heldBytes;
    this.#waiting.push(pending);
    return pending;
  }

  /** The writer for a reply that has become known: straight to the socket when everything before it is there. */
  writerFor(pending: PendingReply): ReplyWriter {
    const isNext = this.#waiting[this.#head] === pending;
    const writer = isNext ? this.ready : new ReplyWriter(this.#sidePool);
    if (!isNext) pending.body = writer;
    writer.protocol = pending.protocol;
    return writer;
  }

  /** Counts the body of a reply that has been written before its turn. */
  hold(body: ReplyWriter): void {
    this.#heldBytes += body.byteLength;
  }

  /** Moves everything up to the first unknown reply to `ready`. */
  settle(): void {
    while (this.#head < this.#waiting.length && this.#waiting[this.#head]!.filled) {
      const isLast = this.#head === this.#waiting.length - 1;
      const { body, tail } = this.#waiting[this.#head++]!;
      this.#heldBytes -= (body?.byteLength ?? 0) + (isLast ? 0 : (tail?.byteLength ?? 0));
      if (body !== undefined) this.ready.append(body);
      if (tail !== undefined) this.ready.append(tail);
    }
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#head = 0;
    } else if (this.#head >= COMPACT_AFTER) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }
}

const COMPACT_AFTER = 256;

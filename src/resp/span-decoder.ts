import RedisParser from 'redis-parser';
import { assert } from '../lib/assert.ts';

/**
 * Turns spans of whole, valid multibulk commands into their arguments, by `redis-parser`. Since it is given nothing
 * else, that parser never meets what it is bad at: nested arrays (it recurses until the stack overflows), lengths that
 * are no numbers (it takes `$abc` for one), a missing CRLF (it does not look), half a bulk string (it copies it to a
 * pool that all parsers share, whose slices keep the pool alive, and starts a timer).
 */
export class SpanDecoder {
  /** Decoded and not yet taken, the next one last. */
  readonly #requests: Buffer[][] = [];
  #spanBytes = 0;
  readonly #parser = new RedisParser({
    returnBuffers: true,
    returnReply: (reply: unknown) => {
      this.#requests.push(reply as Buffer[]);
    },
    returnError: (error: Error) => assert(false, `Cannot decode a framed command: ${error.message}`),
  });

  /** Size of the span of which not every command has been taken, or 0. */
  get byteLength(): number {
    return this.#spanBytes;
  }

  /** Decodes `count` commands, which must be all there is in `span`; their arguments are slices of it. */
  decode(span: Buffer, count: number): void {
    assert(this.#requests.length === 0, 'Cannot decode a span: commands of the last one have not been taken');
    this.#parser.execute(span);
    assert(this.#requests.length === count, `Cannot decode a span: ${count} commands framed, another number found`);
    if (count > 1) this.#requests.reverse();
    this.#spanBytes = span.length;
  }

  take(): Buffer[] | undefined {
    const request = this.#requests.pop();
    if (this.#requests.length === 0) this.#spanBytes = 0;
    return request;
  }
}

import { STAR } from './ascii.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { CommandFramer } from './command-framer.ts';
import { splitInlineArguments } from './inline-arguments.ts';
import { PartialCommand } from './partial-command.ts';
import { CROSS_PROTOCOL, PROTOCOL_ERROR } from './protocol-error.ts';
import type { RequestLimits } from './request-limits.ts';
import { SpanDecoder } from './span-decoder.ts';
import { endOfWholeCommand, NOT_WHOLE } from './whole-command.ts';

/**
 * A client's bytes in, its requests out, in order. The guard frames, `redis-parser` decodes:
 *
 *     chunks ──► endOfWholeCommand: commands complete in one chunk ──────────────► SpanDecoder ──► requests
 *                └─ otherwise CommandFramer, whose bytes PartialCommand keeps ────►┘
 *                   └─ a line that does not begin with `*` ──► splitInlineArguments ─────────────►┘
 *
 * An argument is a slice of the chunk that it came in, or, when its command came in several, of memory made for that
 * command. It is the caller's to read until its chunk's memory is used for something else; to *keep* a small one,
 * copy it, or it keeps the whole chunk alive.
 */
export class RequestDecoder {
  /**
   * The session's to set, between two calls of `next`; while it is false the small limits hold. It may turn true
   * between two commands that came together: what was framed ahead under the small limits passes the large ones too,
   * and a command above them is judged only when it is asked for. Set back to false (`RESET`), it holds from the first
   * command on that has not been framed ahead, at the latest from the next chunk.
   */
  authenticated = false;

  readonly #limits: RequestLimits;
  readonly #framer: CommandFramer;
  readonly #input = new ChunkQueue();
  readonly #partial = new PartialCommand();
  readonly #decoded = new SpanDecoder();
  #error: string | undefined;
  #crossProtocol = false;

  constructor(limits: RequestLimits) {
    // A node's own limits hold before authentication too, where they are the smaller ones.
    this.#limits = {
      ...limits,
      maxUnauthenticatedArguments: Math.min(limits.maxUnauthenticatedArguments, limits.maxArguments),
      maxUnauthenticatedBulkBytes: Math.min(limits.maxUnauthenticatedBulkBytes, limits.maxBulkBytes),
    };
    this.#framer = new CommandFramer(this.#limits);
  }

  /**
   * Why no request will ever come again: the text that belongs behind `-ERR `. It is set only when every request
   * before the error has been taken.
   */
  get error(): string | undefined {
    return this.#error;
  }

  /** Whether the error is HTTP's `POST` or `Host:`: log `error`, close, and reply nothing, as Redis does. */
  get crossProtocol(): boolean {
    return this.#crossProtocol;
  }

  /**
   * Bytes taken in whose requests have not been taken out. The memory held is at most this, the rest of one chunk,
   * one block of 64 KiB, and a `Buffer` object for each argument decoded.
   */
  get bufferedBytes(): number {
    return this.#decoded.byteLength + this.#partial.byteLength + this.#input.byteLength;
  }

  /** Takes the client's next bytes, by reference. After an error they are dropped. */
  push(chunk: Buffer): void {
    if (this.#error === undefined) this.#input.push(chunk);
  }

  /**
   * The next request: the command's name and arguments, never none. Undefined when it takes more bytes, or when there
   * is an `error`.
   */
  next(): Buffer[] | undefined {
    let request = this.#decoded.take();
    while (request === undefined && this.#input.byteLength > 0) {
      request = this.#decodeWhole() ?? this.#decodePart();
    }
    return request;
  }

  /** Decodes, all at once, the commands that lie whole and valid at the front. */
  #decodeWhole(): Buffer[] | undefined {
    const { current: chunk, offset } = this.#input;
    if (this.#partial.byteLength > 0 || chunk[offset] !== STAR) return undefined;
    const limits = this.#limits;
    const maxArguments = this.authenticated ? limits.maxArguments : limits.maxUnauthenticatedArguments;
    const maxBulkBytes = this.authenticated ? limits.maxBulkBytes : limits.maxUnauthenticatedBulkBytes;
    let end = offset;
    let count = 0;
    while (end < chunk.length) {
      const next = endOfWholeCommand(chunk, end, maxArguments, maxBulkBytes);
      if (next === NOT_WHOLE) break;
      end = next;
      count++;
    }
    if (count === 0) return undefined;
    this.#input.advanceTo(end);
    this.#decoded.decode(slice(chunk, offset, end), count);
    return this.#decoded.take();
  }

  /** Goes on with the command at the front, to its end or to the end of its chunk. */
  #decodePart(): Buffer[] | undefined {
    const { current: chunk, offset } = this.#input;
    const end = this.#framer.scan(chunk, offset, this.authenticated);
    const { outcome } = this.#framer;
    if (outcome === 'refused') {
      this.#refuse(this.#framer.refusal);
      return undefined;
    }
    this.#input.advanceTo(end);
    if (outcome === 'incomplete') {
      this.#partial.append(chunk, offset, end);
      return undefined;
    }
    const command = this.#partial.byteLength > 0 ? this.#partial.finish(chunk, end) : slice(chunk, offset, end);
    if (outcome === 'inline') return this.#decodeInline(command);
    if (outcome === 'empty') return undefined;
    this.#decoded.decode(command, 1);
    return this.#decoded.take();
  }

  #decodeInline(command: Buffer): Buffer[] | undefined {
    const request = splitInlineArguments(command);
    if (request === undefined) {
      this.#refuse(PROTOCOL_ERROR.unbalancedQuotes);
      return undefined;
    }
    const name = request[0];
    if (name === undefined) return undefined;
    if (/^(?:post|host:)$/i.test(name.toString('latin1'))) {
      this.#crossProtocol = true;
      this.#refuse(CROSS_PROTOCOL);
      return undefined;
    }
    return request;
  }

  #refuse(text: string): void {
    this.#error = text;
    this.#input.clear();
    this.#partial.clear();
  }
}

function slice(chunk: Buffer, start: number, end: number): Buffer {
  return start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
}

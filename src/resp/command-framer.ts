import { unreachable } from '../lib/assert.ts';
import { CR, DOLLAR, LF, STAR } from './ascii.ts';
import { parseInt64 } from './int64.ts';
import { expectedDollar, PROTOCOL_ERROR } from './protocol-error.ts';
import type { RequestLimits } from './request-limits.ts';

/** What a call of `scan` has come to. `empty` is a command without arguments (`*0`, `*-1`), which Redis skips. */
export type FramingOutcome = 'incomplete' | 'multibulk' | 'inline' | 'empty' | 'refused';

/** The part of a command that the next byte belongs to. */
type Part = 'start' | 'inline' | 'count' | 'dollar' | 'length' | 'payload' | 'crlf';

/** No number of 64 bits is longer, so what follows need not be kept. */
const MAX_NUMBER_CHARACTERS = 20;

/**
 * Finds the end of a command in a stream of chunks and judges it on the way: headers byte by byte, payloads in one
 * leap. It keeps its place between chunks and never looks back, so its work is linear however the bytes were cut, and
 * it holds a dozen numbers and no bytes.
 *
 *     *2\r\n   $  3\r\n    GET      \r\n   $  1\r\n    k        \r\n
 *     count    dollar      payload  crlf   dollar      payload  crlf
 *                 length                      length
 *
 * A byte that makes the command wrong is refused as soon as it is seen, except in a header: whether the number is
 * wrong or the line too long is known at the line's end, and Redis has a text for each.
 */
export class CommandFramer {
  readonly #limits: RequestLimits;
  #outcome: FramingOutcome = 'incomplete';
  #refusal = '';
  #part: Part = 'start';
  /** Bytes of the current line so far, its type byte included, its end not. */
  #lineBytes = 0;
  /** The number in the current header, cut where it cannot matter any more. */
  #number = '';
  /** Whether the byte before this one was the CR that ends a header or a payload. */
  #crSeen = false;
  #argumentsLeft = 0;
  #payloadLeft = 0;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /** What the last `scan` came to. */
  get outcome(): FramingOutcome {
    return this.#outcome;
  }

  /** Why the command was `refused`: the text that belongs behind `-ERR `. */
  get refusal(): string {
    return this.#refusal;
  }

  /**
   * Goes on with the current command from `bytes[from]` to its end, its refusal or the end of `bytes`, and sets
   * `outcome`. After an end the next call begins another command; after a refusal there must not be one.
   *
   * @returns the offset behind the last byte taken.
   */
  scan(bytes: Buffer, from: number, authenticated: boolean): number {
    this.#outcome = 'incomplete';
    let at = from;
    while (at < bytes.length && this.#outcome === 'incomplete') {
      switch (this.#part) {
        case 'start':
          at = this.#beginCommand(bytes, at);
          break;
        case 'inline':
          at = this.#readInline(bytes, at);
          break;
        case 'count':
          if (this.#readHeader(bytes[at++]!, PROTOCOL_ERROR.tooBigCount, PROTOCOL_ERROR.invalidCount)) {
            this.#judgeCount(authenticated);
          }
          break;
        case 'dollar':
          if (bytes[at] === DOLLAR) this.#beginHeader('length');
          else this.#refuse(expectedDollar(bytes[at]!));
          at++;
          break;
        case 'length':
          if (this.#readHeader(bytes[at++]!, PROTOCOL_ERROR.tooBigLength, PROTOCOL_ERROR.invalidLength)) {
            this.#judgeLength(authenticated);
          }
          break;
        case 'payload':
          at = this.#leapPayload(bytes, at);
          break;
        case 'crlf':
          this.#readCrlf(bytes[at++]!);
          break;
        default:
          unreachable(this.#part);
      }
    }
    return at;
  }

  #beginCommand(bytes: Buffer, at: number): number {
    if (bytes[at] === STAR) {
      this.#beginHeader('count');
      return at + 1;
    }
    this.#part = 'inline';
    this.#lineBytes = 0;
    return at;
  }

  #readInline(bytes: Buffer, at: number): number {
    const lineFeed = bytes.indexOf(LF, at);
    const end = lineFeed < 0 ? bytes.length : lineFeed;
    this.#lineBytes += end - at;
    if (this.#lineBytes > this.#limits.maxInlineBytes) this.#refuse(PROTOCOL_ERROR.tooBigInline);
    else if (lineFeed >= 0) this.#finish('inline');
    return lineFeed < 0 ? end : end + 1;
  }

  #beginHeader(part: 'count' | 'length'): void {
    this.#part = part;
    this.#lineBytes = 1;
    this.#number = '';
  }

  /** @returns true when this byte completed the line. */
  #readHeader(byte: number, tooBig: string, invalid: string): boolean {
    if (this.#crSeen) {
      this.#crSeen = false;
      if (byte !== LF) this.#refuse(invalid);
      return byte === LF;
    }
    if (byte === CR) {
      this.#crSeen = true;
      return false;
    }
    if (++this.#lineBytes > this.#limits.maxInlineBytes) this.#refuse(tooBig);
    else if (this.#number.length <= MAX_NUMBER_CHARACTERS) this.#number += String.fromCharCode(byte);
    return false;
  }

  #judgeCount(authenticated: boolean): void {
    const { maxArguments, maxUnauthenticatedArguments } = this.#limits;
    const count = parseInt64(this.#number);
    if (count === undefined || count > maxArguments) this.#refuse(PROTOCOL_ERROR.invalidCount);
    else if (!authenticated && count > maxUnauthenticatedArguments) this.#refuse(PROTOCOL_ERROR.unauthenticatedCount);
    else if (count <= 0) this.#finish('empty');
    else {
      this.#argumentsLeft = count;
      this.#part = 'dollar';
    }
  }

  #judgeLength(authenticated: boolean): void {
    const { maxBulkBytes, maxUnauthenticatedBulkBytes } = this.#limits;
    const length = parseInt64(this.#number);
    if (length === undefined || length < 0 || length > maxBulkBytes) this.#refuse(PROTOCOL_ERROR.invalidLength);
    else if (!authenticated && length > maxUnauthenticatedBulkBytes) this.#refuse(PROTOCOL_ERROR.unauthenticatedLength);
    else {
      this.#payloadLeft = length;
      this.#part = 'payload';
    }
  }

  #leapPayload(bytes: Buffer, at: number): number {
    const leap = Math.min(this.#payloadLeft, bytes.length - at);
    this.#payloadLeft -= leap;
    if (this.#payloadLeft === 0) this.#part = 'crlf';
    return at + leap;
  }

  #readCrlf(byte: number): void {
    if (byte !== (this.#crSeen ? LF : CR)) {
      this.#refuse(PROTOCOL_ERROR.missingCrlf);
    } else if (!this.#crSeen) {
      this.#crSeen = true;
    } else {
      this.#crSeen = false;
      this.#part = 'dollar';
      if (--this.#argumentsLeft === 0) this.#finish('multibulk');
    }
  }

  #finish(outcome: 'multibulk' | 'inline' | 'empty'): void {
    this.#outcome = outcome;
    this.#part = 'start';
  }

  #refuse(text: string): void {
    this.#outcome = 'refused';
    this.#refusal = text;
  }
}

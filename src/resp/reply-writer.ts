import { assert } from '../lib/assert.ts';
import { COLON, CR, DOLLAR, LF, MINUS, PLUS, STAR } from './ascii.ts';
import type { BlockPool } from './block-pool.ts';
import { MAX_DECIMAL_BYTES, writeDecimal } from './decimal.ts';
import { ReplyBuffer } from './reply-buffer.ts';

/** What RESP3 adds (Redis's RESP3 specification). */
const UNDERSCORE = 0x5f;
const PERCENT = 0x25;
const TILDE = 0x7e;
const GREATER = 0x3e;
const COMMA = 0x2c;
const OPEN_PARENTHESIS = 0x28;
const EQUALS = 0x3d;

const OK = Buffer.from('+OK\r\n');
const NULL_BULK = Buffer.from('$-1\r\n');
const NULL_ARRAY = Buffer.from('*-1\r\n');
const NULL = Buffer.of(UNDERSCORE, CR, LF);
const TRUE = Buffer.from('#t\r\n');
const FALSE = Buffer.from('#f\r\n');

/** Longer text is encoded apart, so that it does not leave much of a block unused. */
const MAX_TEXT_IN_PLACE_BYTES = 4096;

/** Room for a type byte, a sign, any number and the line end. */
const HEADER_BYTES = MAX_DECIMAL_BYTES + 4;

/**
 * Replies in RESP2 or RESP3, in order, into one buffer; see `ReplyBuffer` for who owns its memory.
 *
 * A reply is written all at once or in parts: `array(2)` is the beginning of an array, and the next two replies are
 * its elements. In RESP2 each type that only RESP3 has is written as what Redis makes of it.
 */
export class ReplyWriter {
  /** The protocol that the client asked for with `HELLO`; holds from the next reply on. */
  protocol: 2 | 3 = 2;
  readonly #buffer: ReplyBuffer;

  /** @param pool the blocks to write into, shared with other writers; without it the writer has its own. */
  constructor(pool?: BlockPool) {
    this.#buffer = new ReplyBuffer(pool);
  }

  /** Bytes pending: written and not taken. */
  get byteLength(): number {
    return this.#buffer.byteLength;
  }

  /** Everything pending, lent to the socket until `recycle`. */
  takeSegments(): Buffer[] {
    return this.#buffer.takeSegments();
  }

  /** Call when the socket reads none of the bytes any more that were taken so far (`writableLength === 0`). */
  recycle(): void {
    this.#buffer.recycle();
  }

  ok(): void {
    this.#literal(OK);
  }

  /** A simple string; CR and LF in it become blanks, since they would end it. */
  simple(text: string): void {
    this.#line(PLUS, text);
  }

  /** @param text the whole error, its code first (`ERR no such key`); CR and LF in it become blanks. */
  error(text: string): void {
    this.#line(MINUS, text);
  }

  integer(value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.#line(COLON, String(value));
      return;
    }
    assert(Number.isSafeInteger(value), 'Cannot write an integer reply: it is not a safe integer');
    this.#header(COLON, value);
  }

  /** A bulk string of bytes. Above 16 KiB they are kept by reference, and must never change again. */
  bulk(bytes: Uint8Array): void {
    this.#header(DOLLAR, bytes.length);
    this.#buffer.add(bytes);
    this.#crlf();
  }

  /** A bulk string of text, in UTF-8. */
  bulkString(text: string): void {
    this.#textBulk(DOLLAR, '', text);
  }

  /** A bulk string of `source[start, end)`, which is copied whatever its size, so `source` may change afterwards. */
  bulkRange(source: Uint8Array, start: number, end: number): void {
    this.#header(DOLLAR, end - start);
    this.#buffer.copy(source, start, end);
    this.#crlf();
  }

  nullBulk(): void {
    this.#literal(this.protocol === 3 ? NULL : NULL_BULK);
  }

  nullArray(): void {
    this.#literal(this.protocol === 3 ? NULL : NULL_ARRAY);
  }

  array(length: number): void {
    this.#header(STAR, length);
  }

  /** The beginning of a map; in RESP2 an array of keys and values in turn. */
  map(pairs: number): void {
    if (this.protocol === 3) this.#header(PERCENT, pairs);
    else this.#header(STAR, pairs * 2);
  }

  set(length: number): void {
    this.#header(this.protocol === 3 ? TILDE : STAR, length);
  }

  push(length: number): void {
    this.#header(this.protocol === 3 ? GREATER : STAR, length);
  }

  /** The shortest decimal that reads back as `value`, or `inf`, `-inf`, `nan`; in RESP2 as a bulk string. */
  double(value: number): void {
    const text = doubleText(value);
    if (this.protocol === 3) this.#line(COMMA, text);
    else this.bulkString(text);
  }

  /** In RESP2 the integer 1 or 0. */
  boolean(value: boolean): void {
    if (this.protocol === 3) this.#literal(value ? TRUE : FALSE);
    else this.integer(value ? 1 : 0);
  }

  /** An integer of any size; in RESP2 as a bulk string. */
  bigNumber(value: bigint): void {
    if (this.protocol === 3) this.#line(OPEN_PARENTHESIS, String(value));
    else this.bulkString(String(value));
  }

  /** Text that a client may show as it is; in RESP2 a bulk string. */
  verbatim(format: 'txt' | 'mkd', text: string): void {
    if (this.protocol === 3) this.#textBulk(EQUALS, `${format}:`, text);
    else this.bulkString(text);
  }

  /** One or more replies encoded already. Above 16 KiB they are kept by reference, and must never change again. */
  raw(bytes: Uint8Array): void {
    this.#buffer.add(bytes);
  }

  /** Copies everything that another writer has pending, and leaves that one empty. */
  append(other: ReplyWriter): void {
    for (const segment of other.takeSegments()) this.#buffer.copy(segment, 0, segment.length);
    other.recycle();
  }

  /** A type byte, an integer, the line end. */
  #header(type: number, value: number): void {
    const block = this.#buffer.room(HEADER_BYTES);
    let at = this.#buffer.end;
    block[at++] = type;
    if (value < 0) block[at++] = MINUS;
    at = writeDecimal(block, at, value < 0 ? -value : value);
    block[at++] = CR;
    block[at++] = LF;
    this.#buffer.advanceTo(at);
  }

  #crlf(): void {
    const block = this.#buffer.room(2);
    const at = this.#buffer.end;
    block[at] = CR;
    block[at + 1] = LF;
    this.#buffer.advanceTo(at + 2);
  }

  #literal(bytes: Buffer): void {
    this.#buffer.copy(bytes, 0, bytes.length);
  }

  #line(type: number, text: string): void {
    const block = this.#buffer.room(1);
    block[this.#buffer.end] = type;
    this.#buffer.advanceTo(this.#buffer.end + 1);
    const oneLine = text.replaceAll(/[\r\n]/g, ' ');
    this.#text(oneLine, Buffer.byteLength(oneLine));
    this.#crlf();
  }

  #textBulk(type: number, prefix: string, text: string): void {
    const whole = prefix + text;
    const size = Buffer.byteLength(whole);
    this.#header(type, size);
    this.#text(whole, size);
    this.#crlf();
  }

  /** @param size of `text` in UTF-8. */
  #text(text: string, size: number): void {
    if (size > MAX_TEXT_IN_PLACE_BYTES) {
      this.#buffer.add(Buffer.from(text));
      return;
    }
    const block = this.#buffer.room(size);
    this.#buffer.advanceTo(this.#buffer.end + block.write(text, this.#buffer.end));
  }
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === Number.POSITIVE_INFINITY) return 'inf';
  if (value === Number.NEGATIVE_INFINITY) return '-inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Batch } from '../../../src/io/bus/batch.ts';
import { FRAGMENT, HEADER_BYTES, MAX_PAYLOAD_BYTES, OPENING, WHOLE } from '../../../src/io/bus/frame.ts';
import { FrameReader } from '../../../src/io/bus/frame-reader.ts';
import { FrameWriter } from '../../../src/io/bus/frame-writer.ts';
import { encodeReceipt, ReceiptReader } from '../../../src/io/bus/receipt.ts';
import { SLAB_BYTES, SlabPool } from '../../../src/io/bus/slab-pool.ts';

const MIB = 1_048_576;
const limits = { maxMessageBytes: 8 * MIB, maxQueueBytes: 4 * MIB };

function newWriter(): FrameWriter {
  return new FrameWriter(new SlabPool(), limits);
}

/** The next batch in one piece, as the socket would send it. */
function takeBatch(writer: FrameWriter, pool = new SlabPool()): Buffer {
  const batch = new Batch();
  writer.take(batch);
  const bytes = Buffer.concat(batch.parts);
  batch.release(pool);
  return bytes;
}

function takeAll(writer: FrameWriter): Buffer {
  const batches: Buffer[] = [];
  while (!writer.isEmpty) batches.push(takeBatch(writer));
  return Buffer.concat(batches);
}

/** What a reader makes of these chunks. */
function read(chunks: Iterable<Buffer>): { messages: Buffer[]; fault: string | undefined } {
  const messages: Buffer[] = [];
  const reader = new FrameReader(limits.maxMessageBytes, message => messages.push(message));
  let fault: string | undefined;
  for (const chunk of chunks) fault = reader.push(chunk);
  return { messages, fault };
}

/** A message that can be told from every other: its number, then a pattern. */
function numbered(number: number, bytes: number): Buffer {
  const message = Buffer.alloc(Math.max(4, bytes), number & 0xff);
  message.writeUInt32BE(number, 0);
  return message;
}

/** The dumb twin of the reader for whole bytes: kinds and payloads. */
function framesOf(bytes: Buffer): { kind: number; payload: Buffer }[] {
  const frames: { kind: number; payload: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at + 1, 3);
    frames.push({ kind: bytes[at]!, payload: bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length) });
    at += HEADER_BYTES + length;
  }
  return frames;
}

describe('frames', () => {
  test('a message is its header and its bytes', () => {
    const writer = newWriter();
    writer.offer(Buffer.from('he'), Buffer.from('llo'));
    expect(takeAll(writer).toString('hex')).toBe('0000000568656c6c6f');
  });

  test('messages come out as they went in, whatever their lengths and however the bytes are cut', () => {
    const length = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 4_000, max: 9_000 }),
      fc.integer({ min: MAX_PAYLOAD_BYTES - 2, max: MAX_PAYLOAD_BYTES + 2 }),
      fc.integer({ min: SLAB_BYTES, max: 300_000 }),
    );
    const message = fc.record({ head: length, body: fc.option(length), ordered: fc.boolean() });
    const cuts = fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 100_000 })));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), cuts, (wanted, cut) => {
        const writer = newWriter();
        const small: Buffer[] = [];
        const large: Buffer[] = [];
        for (const [i, { head, body, ordered }] of wanted.entries()) {
          const headBytes = numbered(i, head);
          const bodyBytes = body === null ? undefined : numbered(i, body);
          const whole = Buffer.concat([headBytes, bodyBytes ?? Buffer.alloc(0)]);
          const isLarge = ordered || whole.length > MAX_PAYLOAD_BYTES;
          const accepted = ordered ? writer.offerOrdered(headBytes, bodyBytes) : writer.offer(headBytes, bodyBytes);
          headBytes.fill(0xee); // a head is the caller's again
          if (accepted) (isLarge ? large : small).push(whole);
        }
        const bytes = takeAll(writer);
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; ) {
          const size = cut.next().value as number;
          chunks.push(Buffer.from(bytes.subarray(at, at + size)));
          at += size;
        }
        const { messages, fault } = read(chunks);
        expect(fault).toBeUndefined();
        // Each lane in its order; which lane a message took follows from the frame that began it.
        const begun = framesOf(bytes).filter(frame => frame.kind !== FRAGMENT);
        expect(begun.map(frame => frame.kind).sort()).toEqual([...small.map(() => WHOLE), ...large.map(() => OPENING)]);
        let smallNext = 0;
        let largeNext = 0;
        for (const got of messages) {
          if (small[smallNext]?.equals(got)) smallNext++;
          else if (large[largeNext]?.equals(got)) largeNext++;
          else throw new Error(`message of ${got.length} bytes out of order`);
        }
        expect([smallNext, largeNext]).toEqual([small.length, large.length]);
        expect(writer.queuedBytes).toBe(0);
        expect(writer.waitingBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('bytes one by one make the same messages', () => {
    const writer = newWriter();
    const wanted = [numbered(0, 4), numbered(1, 20), numbered(2, MAX_PAYLOAD_BYTES + 900), numbered(3, 5)];
    for (const message of wanted) writer.offer(message, undefined);
    const bytes = takeAll(writer);
    const { messages } = read(Array.from(bytes, byte => Buffer.from([byte])));
    expect(messages.sort(Buffer.compare).map(message => message.readUInt32BE(0))).toEqual([0, 1, 2, 3]);
    for (const message of messages) expect(wanted[message.readUInt32BE(0)]!.equals(message)).toBe(true);
  });

  test('an empty message is a message, on either lane', () => {
    const writer = newWriter();
    writer.offer(Buffer.alloc(0), undefined);
    writer.offerOrdered(Buffer.alloc(0), undefined);
    expect(read([takeAll(writer)]).messages).toEqual([Buffer.alloc(0), Buffer.alloc(0)]);
    expect(writer.queuedBytes).toBe(0);
  });

  test('a whole frame is handed on as a slice of its chunk, not a copy', () => {
    const writer = newWriter();
    writer.offer(Buffer.from('abc'), undefined);
    const chunk = takeAll(writer);
    expect(read([chunk]).messages[0]!.buffer).toBe(chunk.buffer);
  });

  test('a long body goes to the socket by reference', () => {
    const writer = newWriter();
    const body = Buffer.alloc(200_000);
    writer.offer(Buffer.from('head'), body);
    writer.offer(Buffer.from('head'), body.subarray(0, 50_000));
    const batch = new Batch();
    writer.take(batch);
    expect(batch.parts.filter(part => part.buffer === body.buffer)).toHaveLength(2);
  });
});

describe('lanes', () => {
  test('a small message waits for one fragment of a long one at most', () => {
    const writer = newWriter();
    writer.offer(numbered(0, 3 * MIB), undefined);
    for (let i = 1; i <= 20; i++) {
      expect(takeBatch(writer).length).toBeLessThanOrEqual(HEADER_BYTES + MAX_PAYLOAD_BYTES);
      writer.offer(numbered(i, 10), undefined);
      const frames = framesOf(takeBatch(writer));
      expect(frames[0]!.kind).toBe(WHOLE);
      expect(frames[0]!.payload.readUInt32BE(0)).toBe(i);
      expect(frames).toHaveLength(2);
    }
  });

  test('what goes by the second lane arrives after everything offered before it', () => {
    const writer = newWriter();
    writer.offer(numbered(0, 70_000), undefined);
    for (let i = 1; i <= 60; i++) writer.offer(numbered(i, 60_000), undefined); // more than one batch
    writer.offerOrdered(numbered(61, 8), undefined);
    writer.offer(numbered(62, 8), undefined);
    const numbers = read([takeAll(writer)]).messages.map(message => message.readUInt32BE(0));
    const before = numbers.slice(0, numbers.indexOf(61)).filter(number => number !== 62);
    expect(before.sort((a, b) => a - b)).toEqual([...Array(61).keys()]);
  });

  test('a busy first lane does not starve the second', () => {
    const writer = newWriter();
    writer.offer(numbered(0, 1 * MIB), undefined);
    let batches = 0;
    let messages: Buffer[] = [];
    const reader = new FrameReader(limits.maxMessageBytes, message => messages.push(message));
    for (; !messages.some(message => message.length === MIB); batches++) {
      messages = [];
      while (writer.offer(numbered(1, 30_000), undefined)); // full, always
      reader.push(takeBatch(writer));
    }
    expect(batches).toBeLessThan(20);
  });

  test('a full lane refuses, and leaves the other open', () => {
    const writer = newWriter();
    expect(writer.offer(Buffer.alloc(5 * MIB), undefined)).toBe(true); // one message may pass the bound
    expect(writer.offer(Buffer.alloc(70_000), undefined)).toBe(false);
    let accepted = 0;
    while (writer.offer(Buffer.alloc(1_000), undefined)) accepted++;
    expect(accepted).toBe(Math.ceil(limits.maxQueueBytes / 1_004));
    takeAll(writer);
    expect(writer.offer(Buffer.alloc(70_000), undefined)).toBe(true);
  });

  test('even empty messages fill the second lane', () => {
    const writer = newWriter();
    let accepted = 0;
    while (writer.offerOrdered(Buffer.alloc(0), undefined)) accepted++;
    expect(accepted).toBeLessThan(100_000);
  });

  test('a message longer than the longest is refused', () => {
    expect(newWriter().offer(Buffer.alloc(4), Buffer.alloc(limits.maxMessageBytes))).toBe(false);
  });

  test('the long message under way does not count as waiting, those behind it do', () => {
    const writer = newWriter();
    writer.offer(Buffer.alloc(3 * MIB), undefined);
    expect(writer.waitingBytes).toBe(0);
    takeBatch(writer);
    expect(writer.waitingBytes).toBe(0);
    writer.offer(Buffer.alloc(MIB), undefined);
    expect(writer.waitingBytes).toBeGreaterThanOrEqual(MIB);
    expect(writer.queuedBytes).toBeGreaterThan(3 * MIB);
  });
});

describe('a frame reader', () => {
  const frame = (kind: number, payload: Buffer, length = payload.length): Buffer => {
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = kind;
    header.writeUIntBE(length, 1, 3);
    return Buffer.concat([header, payload]);
  };
  const opening = (total: number, first: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(total);
    return frame(OPENING, Buffer.concat([length, first]));
  };

  test.each([
    ['a frame longer than a frame', frame(WHOLE, Buffer.alloc(0), MAX_PAYLOAD_BYTES + 1), 'a frame of 65537 bytes'],
    ['an unknown kind', frame(9, Buffer.alloc(1)), 'a frame of the unknown kind 9'],
    ['a receipt', frame(3, Buffer.alloc(4)), 'a frame of the unknown kind 3'],
    ['a fragment of nothing', frame(FRAGMENT, Buffer.alloc(1)), 'a fragment of no message'],
    ['an opening without a length', frame(OPENING, Buffer.alloc(3)), 'a long message without a length'],
    ['a message over the limit', opening(limits.maxMessageBytes + 1, Buffer.alloc(1)), 'a message of 8388609 bytes'],
    ['an opening longer than its message', opening(1, Buffer.alloc(2)), 'an opening longer than its message'],
    [
      'two openings',
      Buffer.concat([opening(9, Buffer.alloc(2)), opening(9, Buffer.alloc(2))]),
      'a long message within another',
    ],
    [
      'an empty fragment',
      Buffer.concat([opening(9, Buffer.alloc(2)), frame(FRAGMENT, Buffer.alloc(0))]),
      'an empty fragment',
    ],
    [
      'a fragment too long',
      Buffer.concat([opening(9, Buffer.alloc(2)), frame(FRAGMENT, Buffer.alloc(8))]),
      'a fragment too long',
    ],
  ])('ends at %s, whole or byte by byte', (_name, bytes, fault) => {
    const good = frame(WHOLE, Buffer.from('good'));
    const stream = Buffer.concat([good, bytes, good]);
    for (const chunks of [[stream], Array.from(stream, byte => Buffer.from([byte]))]) {
      const result = read(chunks);
      expect(result.fault).toBe(fault);
      expect(result.messages.map(String)).toEqual(['good']);
    }
  });

  test('hands on nothing after stop, not even from the same chunk', () => {
    const seen: string[] = [];
    const reader = new FrameReader(100, message => {
      seen.push(String(message));
      reader.stop();
    });
    reader.push(Buffer.concat([frame(WHOLE, Buffer.from('a')), frame(WHOLE, Buffer.from('b'))]));
    reader.push(frame(WHOLE, Buffer.from('c')));
    expect(seen).toEqual(['a']);
  });
});

describe('receipts', () => {
  test('add up, however they are cut', () => {
    const bytes = Buffer.concat([encodeReceipt(1), encodeReceipt(0xffff_ffff), encodeReceipt(70_000)]);
    expect(bytes.subarray(0, 8).toString('hex')).toBe('0300000400000001');
    expect(new ReceiptReader().push(bytes)).toBe(0x1_0000_0000 + 70_000);
    const reader = new ReceiptReader();
    let sum = 0;
    for (const byte of bytes) sum += reader.push(Buffer.from([byte]))!;
    expect(sum).toBe(0x1_0000_0000 + 70_000);
  });

  test('anything else on that side is a fault', () => {
    expect(new ReceiptReader().push(Buffer.from('0000000400000001', 'hex'))).toBeUndefined();
  });
});

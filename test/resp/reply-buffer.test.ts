import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, BlockPool } from '../../src/resp/block-pool.ts';
import { BY_REFERENCE_BYTES } from '../../src/resp/reply-buffer.ts';
import { ReplyWriter } from '../../src/resp/reply-writer.ts';

describe('the memory that a reply is written into', () => {
  it('is one segment for many small replies', () => {
    const writer = new ReplyWriter();
    for (let i = 0; i < 1000; i++) writer.ok();
    const segments = writer.takeSegments();
    expect(segments).toHaveLength(1);
    expect(String(segments[0])).toBe('+OK\r\n'.repeat(1000));
  });

  it('is the payload itself above 16 KiB, and a copy up to that', () => {
    const writer = new ReplyWriter();
    const atLimit = Buffer.alloc(BY_REFERENCE_BYTES, 'a');
    const above = Buffer.alloc(BY_REFERENCE_BYTES + 1, 'b');
    writer.bulk(atLimit);
    writer.bulk(above);
    writer.raw(above);
    const segments = writer.takeSegments();
    expect(segments.map(segment => segment.length)).toEqual([16_384 + 18, above.length, 2, above.length]);
    expect(segments.map(segment => segment.buffer === above.buffer)).toEqual([false, true, false, true]);
  });

  it('is always a copy of a part of a buffer, in one segment when large', () => {
    const writer = new ReplyWriter();
    const source = Buffer.alloc(1_000_000, 'a');
    writer.bulkRange(source, 1, 1_000_000);
    source.fill('b');
    const segments = writer.takeSegments();
    expect(segments).toHaveLength(3);
    expect(segments[1]?.equals(Buffer.alloc(999_999, 'a'))).toBe(true);
  });

  it('is taken once: nothing is pending then', () => {
    const writer = new ReplyWriter();
    writer.ok();
    writer.takeSegments();
    expect(writer.takeSegments()).toEqual([]);
    expect(writer.byteLength).toBe(0);
  });

  it('is used again once the socket has recycled it, without a new block', () => {
    const writer = new ReplyWriter(new BlockPool());
    const blocks = new Set<ArrayBufferLike>();
    for (let i = 0; i < 100; i++) {
      for (let j = 0; j < 3000; j++) writer.integer(i * j);
      for (const segment of writer.takeSegments()) blocks.add(segment.buffer);
      writer.recycle();
    }
    expect(blocks.size).toBe(1);
  });

  it('goes back to the pool, so idle writers hold none', () => {
    const pool = new BlockPool();
    const writers = Array.from({ length: 100 }, () => new ReplyWriter(pool));
    const blocks = new Set<ArrayBufferLike>();
    for (const writer of writers) {
      writer.ok();
      for (const segment of writer.takeSegments()) blocks.add(segment.buffer);
      writer.recycle();
    }
    expect(blocks.size).toBe(1);
    expect(pool.idle).toBe(1);
  });

  it('goes back in every block of a long batch, up to what the pool keeps', () => {
    const pool = new BlockPool(3);
    const writer = new ReplyWriter(pool);
    const reply = Buffer.alloc(10_000);
    for (let written = 0; written < 5.5 * BLOCK_BYTES; written += reply.length) writer.raw(reply);
    writer.takeSegments();
    expect(writer.takeSegments()).toEqual([]);
    expect(pool.idle).toBe(0);
    writer.recycle();
    expect(pool.idle).toBe(3);
    writer.recycle();
    expect(pool.idle).toBe(3);
  });

  it('is left alone by a recycle while replies are pending in it', () => {
    const pool = new BlockPool();
    const writer = new ReplyWriter(pool);
    writer.simple('one');
    writer.takeSegments();
    writer.simple('two');
    writer.recycle();
    expect(pool.idle).toBe(0);
    new ReplyWriter(pool).simple('other');
    expect(String(Buffer.concat(writer.takeSegments()))).toBe('+two\r\n');
    writer.recycle();
    expect(pool.idle).toBe(1);
  });

  it('is never overwritten before it is recycled, whatever the writers of the pool do', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ writer: fc.nat(2), write: fc.integer({ min: 0, max: 17_000 }) }) },
      { weight: 3, arbitrary: fc.record({ writer: fc.nat(2), call: fc.constantFrom('take', 'recycle') }) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 120 }), steps => {
        const pool = new BlockPool();
        const writers = [0, 1, 2].map(() => ({
          writer: new ReplyWriter(pool),
          pending: '',
          lent: [] as [Buffer[], string][],
        }));
        let mark = 0;
        for (const step of steps) {
          const one = writers[step.writer]!;
          if ('write' in step) {
            const text = String.fromCharCode(33 + (mark++ % 90)).repeat(step.write);
            one.writer.raw(Buffer.from(text));
            one.pending += text;
          } else if (step.call === 'take') {
            one.lent.push([one.writer.takeSegments(), one.pending]);
            one.pending = '';
          } else {
            one.lent = [];
            one.writer.recycle();
          }
          for (const { lent } of writers) {
            for (const [segments, text] of lent) expect(Buffer.concat(segments).equals(Buffer.from(text))).toBe(true);
          }
        }
        for (const { writer, pending } of writers) {
          expect(Buffer.concat(writer.takeSegments()).equals(Buffer.from(pending))).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});

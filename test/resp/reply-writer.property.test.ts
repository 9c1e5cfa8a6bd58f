import fc from 'fast-check';
import RedisParser from 'redis-parser';
import { describe, expect, it } from 'vitest';
import { ReplyWriter } from '../../src/resp/reply-writer.ts';
import { type Decoded, decodeReplies } from './reference-reply-decoder.ts';

/** A reply: how to write it, and what each protocol should read. */
interface Reply {
  readonly write: (writer: ReplyWriter) => void;
  readonly resp2: Decoded;
  readonly resp3: Decoded;
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const utf8 = (text: string) => latin1(Buffer.from(text));
const oneLine = (text: string) => utf8(text).replaceAll(/[\r\n]/g, ' ');
const same = (write: Reply['write'], decoded: Decoded): Reply => ({ write, resp2: decoded, resp3: decoded });
const bulk = (text: string): Decoded => ({ type: 'bulk', text });

/** Sizes on both sides of every threshold: a loop, a call, by reference, more than a block. */
const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(100) },
  { weight: 2, arbitrary: fc.integer({ min: 4090, max: 4100 }) },
  { weight: 2, arbitrary: fc.integer({ min: 16_380, max: 16_390 }) },
  { weight: 1, arbitrary: fc.integer({ min: 65_500, max: 66_000 }) },
);
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.tuple(size, fc.nat(255)).map(([length, byte]) => Buffer.alloc(length, byte)),
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom('a\r\nb', '\r', ''),
  size.map(length => 'é'.repeat(length / 2)),
);
const number = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -12, max: 120 }));

const leaf: fc.Arbitrary<Reply> = fc.oneof(
  fc.constant(same(w => w.ok(), { type: 'simple', text: 'OK' })),
  text.map(t => same(w => w.simple(t), { type: 'simple', text: oneLine(t) })),
  text.map(t => same(w => w.error(`ERR ${t}`), { type: 'error', text: `ERR ${oneLine(t)}` })),
  fc.oneof(number, fc.bigInt()).map(n => same(w => w.integer(n), { type: 'integer', text: String(n) })),
  payload.map(b => same(w => w.bulk(b), bulk(latin1(b)))),
  fc.tuple(payload, fc.nat(9), fc.nat(9)).map(([b, skip, drop]) => {
    const start = Math.min(skip, b.length);
    const end = Math.max(start, b.length - drop);
    return same(w => w.bulkRange(b, start, end), bulk(latin1(b.subarray(start, end))));
  }),
  text.map(t => same(w => w.bulkString(t), bulk(utf8(t)))),
  payload.map(b =>
    same(w => w.raw(Buffer.concat([Buffer.from(`$${b.length}\r\n`), b, Buffer.from('\r\n')])), bulk(latin1(b))),
  ),
  fc.constant({
    write: (w: ReplyWriter) => w.nullBulk(),
    resp2: { type: 'nullBulk' },
    resp3: { type: 'null' },
  } as const),
  fc.constant({
    write: (w: ReplyWriter) => w.nullArray(),
    resp2: { type: 'nullArray' },
    resp3: { type: 'null' },
  } as const),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x): Reply => {
    const shown = Object.is(x, -0) ? '-0' : String(x);
    return { write: w => w.double(x), resp2: bulk(shown), resp3: { type: 'double', text: shown } };
  }),
  fc.boolean().map(
    (b): Reply => ({
      write: w => w.boolean(b),
      resp2: { type: 'integer', text: b ? '1' : '0' },
      resp3: { type: 'boolean', value: b },
    }),
  ),
  fc.bigInt().map(
    (n): Reply => ({
      write: w => w.bigNumber(n),
      resp2: bulk(String(n)),
      resp3: { type: 'bigNumber', text: String(n) },
    }),
  ),
  text.map(
    (t): Reply => ({
      write: w => w.verbatim('mkd', t),
      resp2: bulk(utf8(t)),
      resp3: { type: 'verbatim', text: `mkd:${utf8(t)}` },
    }),
  ),
);

const { reply } = fc.letrec<{ reply: Reply; nested: Reply }>(tie => ({
  reply: fc.oneof({ maxDepth: 3, withCrossShrink: true }, leaf, tie('nested')),
  nested: fc
    .tuple(fc.constantFrom('array', 'map', 'set', 'push'), fc.array(tie('reply'), { maxLength: 6 }))
    .map(([type, all]): Reply => {
      const items = type === 'map' && all.length % 2 === 1 ? all.slice(1) : all;
      return {
        write: writer => {
          writer[type](type === 'map' ? items.length / 2 : items.length);
          for (const item of items) item.write(writer);
        },
        resp2: { type: 'array', items: items.map(item => item.resp2) },
        resp3: { type, items: items.map(item => item.resp3) },
      };
    }),
}));

/** What `redis-parser` should return for a RESP2 reply, in its own terms; it knows integers up to 2^53 only. */
function parsed(reply: Decoded): unknown {
  if (reply.type === 'nullBulk' || reply.type === 'nullArray') return null;
  if ('items' in reply) return reply.items.map(parsed);
  if (!('text' in reply)) throw new Error(`${reply.type} is not in RESP2`);
  return reply.type === 'integer' ? Number(reply.text) : reply.text;
}

function readAgain(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString('latin1');
  if (reply instanceof Error) return utf8(reply.message);
  return Array.isArray(reply) ? reply.map(readAgain) : reply;
}

const safe = (reply: Decoded): boolean =>
  'items' in reply ? reply.items.every(safe) : reply.type !== 'integer' || Number.isSafeInteger(Number(reply.text));

describe('random nested replies', () => {
  it('are read by a reference decoder as they were meant, in both protocols', () => {
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 8 }), replies => {
        for (const protocol of [2, 3] as const) {
          const writer = new ReplyWriter();
          writer.protocol = protocol;
          for (const one of replies) one.write(writer);
          const output = Buffer.concat(writer.takeSegments());
          expect(decodeReplies(output)).toEqual(replies.map(one => (protocol === 2 ? one.resp2 : one.resp3)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are read by redis-parser as they were meant, in RESP2', () => {
    fc.assert(
      fc.property(
        fc.array(
          reply.filter(one => safe(one.resp2)),
          { maxLength: 8 },
        ),
        replies => {
          const writer = new ReplyWriter();
          for (const one of replies) one.write(writer);
          const received: unknown[] = [];
          const parser = new RedisParser({
            returnBuffers: true,
            returnReply: (value: unknown) => received.push(value),
            returnError: (value: Error) => received.push(value),
          });
          parser.execute(Buffer.concat(writer.takeSegments()));
          expect(received.map(readAgain)).toEqual(replies.map(one => parsed(one.resp2)));
        },
      ),
      { numRuns: 300 },
    );
  });
});

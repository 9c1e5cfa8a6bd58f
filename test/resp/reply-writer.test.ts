import { describe, expect, it } from 'vitest';
import { ReplyWriter } from '../../src/resp/reply-writer.ts';

/** What `write` comes out as, in latin1. */
function written(write: (writer: ReplyWriter) => void, protocol: 2 | 3 = 2): string {
  const writer = new ReplyWriter();
  writer.protocol = protocol;
  write(writer);
  const before = writer.byteLength;
  const output = Buffer.concat(writer.takeSegments());
  expect(before).toBe(output.length);
  expect(writer.byteLength).toBe(0);
  return output.toString('latin1');
}

describe('a reply', () => {
  it.each<[string, (writer: ReplyWriter) => void, string, string?]>([
    ['ok', w => w.ok(), '+OK\r\n'],
    ['a simple string', w => w.simple('PONG'), '+PONG\r\n'],
    ['an error', w => w.error('ERR no such key'), '-ERR no such key\r\n'],
    [
      'an error with line ends',
      w => w.error("ERR unknown command 'a\r\n+OK\r\n'"),
      "-ERR unknown command 'a  +OK  '\r\n",
    ],
    ['a simple string with line ends', w => w.simple('a\rb\nc'), '+a b c\r\n'],
    ['a bulk string', w => w.bulk(Buffer.of(0, 255, 13, 10)), '$4\r\n\x00\xff\r\n\r\n'],
    ['an empty bulk string', w => w.bulk(new Uint8Array(0)), '$0\r\n\r\n'],
    ['a bulk string of text', w => w.bulkString('é\u{1f600}'), '$6\r\n\xc3\xa9\xf0\x9f\x98\x80\r\n'],
    ['a lone surrogate', w => w.bulkString('\ud800'), '$3\r\n\xef\xbf\xbd\r\n'],
    ['a part of a buffer', w => w.bulkRange(Buffer.from('abcdef'), 2, 5), '$3\r\ncde\r\n'],
    ['an empty part of a buffer', w => w.bulkRange(Buffer.from('abc'), 2, 2), '$0\r\n\r\n'],
    ['no bulk string', w => w.nullBulk(), '$-1\r\n', '_\r\n'],
    ['no array', w => w.nullArray(), '*-1\r\n', '_\r\n'],
    ['an array', w => w.array(12), '*12\r\n'],
    ['a map', w => w.map(3), '*6\r\n', '%3\r\n'],
    ['a set', w => w.set(3), '*3\r\n', '~3\r\n'],
    ['a push', w => w.push(3), '*3\r\n', '>3\r\n'],
    ['true', w => w.boolean(true), ':1\r\n', '#t\r\n'],
    ['false', w => w.boolean(false), ':0\r\n', '#f\r\n'],
    ['a double', w => w.double(3.25), '$4\r\n3.25\r\n', ',3.25\r\n'],
    ['an integral double', w => w.double(10), '$2\r\n10\r\n', ',10\r\n'],
    ['minus zero', w => w.double(-0), '$2\r\n-0\r\n', ',-0\r\n'],
    ['infinity', w => w.double(Number.POSITIVE_INFINITY), '$3\r\ninf\r\n', ',inf\r\n'],
    ['minus infinity', w => w.double(Number.NEGATIVE_INFINITY), '$4\r\n-inf\r\n', ',-inf\r\n'],
    ['no number', w => w.double(Number.NaN), '$3\r\nnan\r\n', ',nan\r\n'],
    [
      'a big number',
      w => w.bigNumber(-(10n ** 20n)),
      '$22\r\n-100000000000000000000\r\n',
      '(-100000000000000000000\r\n',
    ],
    ['verbatim text', w => w.verbatim('txt', 'é!'), '$3\r\n\xc3\xa9!\r\n', '=7\r\ntxt:\xc3\xa9!\r\n'],
    ['an encoded reply', w => w.raw(Buffer.from(':1\r\n+x\r\n')), ':1\r\n+x\r\n'],
  ])('that is %s', (_, write, resp2, resp3 = resp2) => {
    expect(written(write, 2)).toBe(resp2);
    expect(written(write, 3)).toBe(resp3);
  });

  it.each([
    0,
    -0,
    1,
    9,
    10,
    99,
    100,
    -1,
    -10,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    2 ** 32,
    999_999_999,
    1_000_000_000,
    1_999_999_999_999,
    10 ** 15,
    9_000_000_000_000_009,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2n ** 63n - 1n,
    -(2n ** 63n),
    0n,
  ])('that is the integer %s', value => {
    expect(written(writer => writer.integer(value))).toBe(`:${value}\r\n`);
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'that is the integer %s is a mistake of ours',
    value => {
      expect(() => new ReplyWriter().integer(value)).toThrow('not a safe integer');
    },
  );

  it('is in the protocol that holds when it is written', () => {
    const output = written(writer => {
      writer.nullBulk();
      writer.protocol = 3;
      writer.nullBulk();
    });
    expect(output).toBe('$-1\r\n_\r\n');
  });
});

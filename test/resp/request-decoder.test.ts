import { describe, expect, it } from 'vitest';
import { RequestDecoder } from '../../src/resp/request-decoder.ts';
import { encodeRequest } from '../../src/resp/request-encoder.ts';
import { DEFAULT_REQUEST_LIMITS } from '../../src/resp/request-limits.ts';
import { decodeChunks, drain, inEveryWay } from './feeding.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

/** Requests, in every way of feeding. */
function expectRequests(input: string, requests: string[][], authenticated = true): void {
  for (const chunks of inEveryWay(bytes(input))) {
    expect(decodeChunks(chunks(), {}, authenticated)).toEqual({ requests, error: undefined, bufferedBytes: 0 });
  }
}

/** Requests and then an error, in every way of feeding; nothing is held after it. */
function expectError(
  input: string,
  error: string,
  options: { before?: string[][]; authenticated?: boolean } = {},
): void {
  const { before = [], authenticated = true } = options;
  for (const chunks of inEveryWay(bytes(input))) {
    expect(decodeChunks(chunks(), {}, authenticated)).toEqual({ requests: before, error, bufferedBytes: 0 });
  }
}

function newDecoder(authenticated = true): RequestDecoder {
  const decoder = new RequestDecoder(DEFAULT_REQUEST_LIMITS);
  decoder.authenticated = authenticated;
  return decoder;
}

describe('a multibulk command', () => {
  it('is decoded into its arguments', () => {
    expectRequests('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n', [['GET', 'k']]);
  });

  it('may hold empty arguments and any bytes, CRLF and headers of RESP among them', () => {
    expectRequests('*3\r\n$0\r\n\r\n$6\r\n\r\n*1\r\n\r\n$3\r\n\x00\xff\xfe\r\n', [['', '\r\n*1\r\n', '\x00\xff\xfe']]);
  });

  it('is not looked for inside an argument, wherever its chunk begins', () => {
    const inner = '*1\r\n$8\r\nFLUSHALL\r\n';
    const outer = encodeRequest(['SET', inner, inner]).toString('latin1');
    for (let cut = 0; cut <= outer.length; cut++) {
      const chunks = [outer.slice(0, cut), outer.slice(cut)].map(bytes);
      expect(decodeChunks(chunks)).toEqual({ requests: [['SET', inner, inner]], error: undefined, bufferedBytes: 0 });
    }
  });

  it('may have any number of arguments', () => {
    const many = Array.from({ length: 2000 }, (_, i) => `arg${i}`);
    expectRequests(encodeRequest(many).toString('latin1'), [many]);
  });

  it('without arguments is skipped', () => {
    expectRequests('*0\r\n*-1\r\n*-10\r\n*1\r\n$4\r\nPING\r\n*0\r\n*1\r\n$4\r\nPONG\r\n*-9223372036854775808\r\n', [
      ['PING'],
      ['PONG'],
    ]);
  });
});

describe('a pipeline', () => {
  it('mixes inline and multibulk commands and keeps their order', () => {
    expectRequests('PING\r\n*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\nset k "v w"\n\r\n\n*1\r\n$1\r\nc\r\nQUIT\r\n', [
      ['PING'],
      ['a'],
      ['b'],
      ['set', 'k', 'v w'],
      ['c'],
      ['QUIT'],
    ]);
  });

  it('delivers every request before an error, and only then the error', () => {
    const decoder = newDecoder();
    decoder.push(bytes('*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n*1\r\n$x\r\n'));
    expect(decoder.next()?.map(String)).toEqual(['a']);
    expect(decoder.error).toBeUndefined();
    expect(decoder.next()?.map(String)).toEqual(['b']);
    expect(decoder.error).toBeUndefined();
    expect(decoder.next()).toBeUndefined();
    expect(decoder.error).toBe('Protocol error: invalid bulk length');
  });

  it('ends at an error for good: what comes later is dropped', () => {
    const decoder = newDecoder();
    decoder.push(bytes('*x\r\n*1\r\n$4\r\nPING\r\n'));
    expect(decoder.next()).toBeUndefined();
    decoder.push(bytes('*1\r\n$4\r\nPING\r\n'));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.error).toBe('Protocol error: invalid multibulk length');
    expect(decoder.bufferedBytes).toBe(0);
  });

  it('may be pushed in many chunks before the first request is taken', () => {
    const decoder = newDecoder();
    const input = encodeRequest(['SET', 'key', 'value']);
    for (let i = 0; i < 3000; i++) for (const byte of input) decoder.push(Buffer.of(byte));
    expect(decoder.bufferedBytes).toBe(3000 * input.length);
    const requests = drain(decoder);
    expect(requests).toHaveLength(3000);
    expect(requests.at(-1)).toEqual(['SET', 'key', 'value']);
    expect(decoder.bufferedBytes).toBe(0);
  });
});

describe('a malformed command is refused in the words of Redis:', () => {
  const before = [['PING']];
  const after = (text: string) => `*1\r\n$4\r\nPING\r\n${text}`;

  it.each(['', 'a', '1a', ' 1', '1 ', '+1', '01', '-0', '-', '--1', '1.0', '1e3', '9223372036854775808', '1048577'])(
    'a count of "%s" is an invalid multibulk length',
    count => expectError(after(`*${count}\r\n$4\r\nPING\r\n`), 'Protocol error: invalid multibulk length', { before }),
  );

  it.each(['', 'abc', '3x', ' 3', '+3', '03', '-0', '-1', '-2', '536870913', '9223372036854775808', '9'.repeat(99)])(
    'a length of "%s" is an invalid bulk length',
    length => expectError(after(`*1\r\n$${length}\r\nfoo\r\n`), 'Protocol error: invalid bulk length', { before }),
  );

  it('a count below 64 bits is an invalid multibulk length', () => {
    expectError('*-9223372036854775809\r\n', 'Protocol error: invalid multibulk length');
  });

  it('a header whose CR has no LF behind it', () => {
    expectError('*1\rX$4\r\nPING\r\n', 'Protocol error: invalid multibulk length');
    expectError('*1\r\n$4\rXPING\r\n', 'Protocol error: invalid bulk length');
  });

  it.each([
    ['an array', '*1\r\n', '*'],
    ['an integer', ':1\r\n', ':'],
    ['a simple string', '+OK\r\n', '+'],
    ['a quote', "'", "'"],
    ['a NUL, printed safely', '\x00', '\\x00'],
    ['an escape, printed safely', '\x1b', '\\x1b'],
    ['a byte above ASCII, printed safely', '\xff', '\\xff'],
    ['a line end, blanked as Redis does', '\r\n', ' '],
  ])('instead of a bulk string, %s', (_, element, shown) => {
    expectError(after(`*2\r\n$1\r\na\r\n${element}`), `Protocol error: expected '$', got '${shown}'`, { before });
  });

  it.each(['XX', '\rX', '\n\n', '\n\r', '$1'])('%j instead of CRLF behind a bulk string', end => {
    expectError(after(`*1\r\n$3\r\nfoo${end}`), 'Protocol error: expected CRLF after bulk', { before });
    expectError(after(`*1\r\n$0\r\n${end}`), 'Protocol error: expected CRLF after bulk', { before });
  });

  it.each(['"foo', "'foo", '"foo"bar', "'foo'bar", 'set "a" b"', '"\\', '"\\"', "'\\'"])(
    '%s in an inline command',
    line => {
      expectError(after(`${line}\r\n`), 'Protocol error: unbalanced quotes in request', { before });
    },
  );
});

describe('a limit holds exactly:', () => {
  const limits = { maxBulkBytes: 20, maxArguments: 12, maxInlineBytes: 16 };
  const outcome = (input: string, authenticated = true) => {
    const results = inEveryWay(bytes(input)).map(chunks => decodeChunks(chunks(), limits, authenticated));
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    return results[0]!.error ?? results[0]!.requests;
  };

  it('a bulk string of maxBulkBytes passes, one byte more does not', () => {
    expect(outcome(`*1\r\n$20\r\n${'x'.repeat(20)}\r\n`)).toEqual([['x'.repeat(20)]]);
    expect(outcome(`*1\r\n$21\r\n${'x'.repeat(21)}\r\n`)).toBe('Protocol error: invalid bulk length');
    expect(outcome(`*1\r\n$21\r\n${'x'.repeat(21)}\r\n`, false)).toBe('Protocol error: invalid bulk length');
  });

  it('maxArguments arguments pass, one more does not', () => {
    expect(outcome(`*12\r\n${'$1\r\nx\r\n'.repeat(12)}`)).toEqual([Array(12).fill('x')]);
    expect(outcome(`*13\r\n${'$1\r\nx\r\n'.repeat(13)}`)).toBe('Protocol error: invalid multibulk length');
  });

  it('an inline command of maxInlineBytes passes, one byte more does not, complete or not', () => {
    expect(outcome(`${'x'.repeat(16)}\n`)).toEqual([['x'.repeat(16)]]);
    expect(outcome('x'.repeat(16))).toEqual([]);
    expect(outcome(`${'x'.repeat(17)}\n`)).toBe('Protocol error: too big inline request');
    expect(outcome('x'.repeat(17))).toBe('Protocol error: too big inline request');
  });

  it('a count line of maxInlineBytes is judged by its number, a longer one by its length, complete or not', () => {
    expect(outcome(`*${'1'.repeat(15)}\r\n`)).toBe('Protocol error: invalid multibulk length');
    expect(outcome(`*${'1'.repeat(15)}`)).toEqual([]);
    expect(outcome(`*${'1'.repeat(16)}\r\n`)).toBe('Protocol error: too big mbulk count string');
    expect(outcome(`*${'1'.repeat(16)}`)).toBe('Protocol error: too big mbulk count string');
  });

  it('so is a length line', () => {
    expect(outcome(`*1\r\n$${'1'.repeat(15)}\r\n`)).toBe('Protocol error: invalid bulk length');
    expect(outcome(`*1\r\n$${'1'.repeat(15)}`)).toEqual([]);
    expect(outcome(`*1\r\n$${'1'.repeat(16)}\r\n`)).toBe('Protocol error: too big bulk count string');
    expect(outcome(`*1\r\n$${'1'.repeat(16)}`)).toBe('Protocol error: too big bulk count string');
  });

  it("Redis's own values are 512 MB, 1,048,576 arguments, 64 KB lines, and 10 of 16 KB before authentication", () => {
    const error = (input: string, authenticated = true) => decodeChunks([bytes(input)], {}, authenticated).error;
    expect(error('*1\r\n$536870912\r\n')).toBeUndefined();
    expect(error('*1\r\n$536870913\r\n')).toBe('Protocol error: invalid bulk length');
    expect(error('*1048576\r\n')).toBeUndefined();
    expect(error('*1048577\r\n')).toBe('Protocol error: invalid multibulk length');
    expect(error('x'.repeat(65_536))).toBeUndefined();
    expect(error('x'.repeat(65_537))).toBe('Protocol error: too big inline request');
    expect(error('*10\r\n', false)).toBeUndefined();
    expect(error('*11\r\n', false)).toBe('Protocol error: unauthenticated multibulk length');
    expect(error('*1\r\n$16384\r\n', false)).toBeUndefined();
    expect(error('*1\r\n$16385\r\n', false)).toBe('Protocol error: unauthenticated bulk length');
  });
});

describe('before authentication', () => {
  const auth = '*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n';
  const eleven = encodeRequest(Array(11).fill('x')).toString('latin1');
  const large = encodeRequest(['SET', 'k', 'v'.repeat(16_385)]).toString('latin1');

  it('a command within the small limits passes', () => {
    const ten = Array(10).fill('x');
    expectRequests(encodeRequest(ten).toString('latin1'), [ten], false);
    expectRequests(encodeRequest(['v'.repeat(16_384)]).toString('latin1'), [['v'.repeat(16_384)]], false);
  });

  it('a larger one is refused, whole or not', () => {
    const options = { authenticated: false, before: [['AUTH', 'pw']] };
    expectError(auth + eleven, 'Protocol error: unauthenticated multibulk length', options);
    expectError(auth + large, 'Protocol error: unauthenticated bulk length', options);
  });

  it.each([eleven, large])('AUTH lifts the small limits for a command that came in its chunk', next => {
    for (const chunks of inEveryWay(bytes(auth + next))) {
      const decoder = newDecoder(false);
      const names: string[] = [];
      for (const chunk of chunks()) {
        decoder.push(chunk);
        for (let request = decoder.next(); request !== undefined; request = decoder.next()) {
          names.push(String(request[0]));
          decoder.authenticated = true;
        }
      }
      expect(decoder.error).toBeUndefined();
      expect(names).toEqual(['AUTH', next === eleven ? 'x' : 'SET']);
    }
  });
});

describe('cross-protocol scripting', () => {
  const text = 'Possible SECURITY ATTACK detected: POST or Host: is HTTP, not a Redis command';

  it.each(['POST / HTTP/1.1\r\n', 'post / HTTP/1.1\n', 'Host: localhost\r\n', 'hOsT: x\r\n', '  POST\r\n'])(
    '%j ends the connection, marked as an attack',
    line => {
      for (const chunks of inEveryWay(bytes(`PING\r\n${line}SET k v\r\n`))) {
        const decoder = newDecoder();
        for (const chunk of chunks()) decoder.push(chunk);
        expect(drain(decoder)).toEqual([['PING']]);
        expect(decoder.error).toBe(text);
        expect(decoder.crossProtocol).toBe(true);
      }
    },
  );

  it('is not suspected in other words, nor in a multibulk command, nor in another error', () => {
    expectRequests('POSTS\r\nHost\r\nGET POST\r\n', [['POSTS'], ['Host'], ['GET', 'POST']]);
    expectRequests('*1\r\n$4\r\nPOST\r\n', [['POST']]);
    const decoder = newDecoder();
    decoder.push(bytes('*x\r\n'));
    decoder.next();
    expect(decoder.error).toBeDefined();
    expect(decoder.crossProtocol).toBe(false);
  });
});

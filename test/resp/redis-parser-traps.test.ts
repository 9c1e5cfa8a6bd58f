import RedisParser from 'redis-parser';
import { describe, expect, it } from 'vitest';
import { RequestDecoder } from '../../src/resp/request-decoder.ts';
import { DEFAULT_REQUEST_LIMITS } from '../../src/resp/request-limits.ts';

/** What `redis-parser` alone makes of the chunks. */
function parseAlone(...chunks: Buffer[]): unknown[] {
  const replies: unknown[] = [];
  const parser = new RedisParser({
    returnBuffers: true,
    returnReply: (reply: unknown) => replies.push(reply),
    returnError: (error: Error) => replies.push(error),
  });
  for (const chunk of chunks) parser.execute(chunk);
  return replies;
}

function decode(...chunks: Buffer[]): { requests: Buffer[][]; error: string | undefined } {
  const decoder = new RequestDecoder(DEFAULT_REQUEST_LIMITS);
  decoder.authenticated = true;
  const requests: Buffer[][] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let request = decoder.next(); request !== undefined; request = decoder.next()) requests.push(request);
  }
  return { requests, error: decoder.error };
}

describe('redis-parser, alone and behind the guard', () => {
  it('recurses on nested arrays until the stack overflows; the decoder refuses the second one', () => {
    const nested = Buffer.from('*1\r\n'.repeat(100_000));
    expect(() => parseAlone(nested)).toThrow(RangeError);
    expect(decode(nested)).toEqual({ requests: [], error: "Protocol error: expected '$', got '*'" });
  });

  it('takes $abc for a length; the decoder refuses it', () => {
    // ('a' - '0') * 100 + ('b' - '0') * 10 + ('c' - '0')
    const taken = 49 * 100 + 50 * 10 + 51;
    const input = Buffer.from(`*1\r\n$abc\r\n${'x'.repeat(taken)}\r\n`);
    expect(parseAlone(input)).toEqual([[Buffer.alloc(taken, 'x')]]);
    expect(decode(input)).toEqual({ requests: [], error: 'Protocol error: invalid bulk length' });
  });

  it('does not look for the CRLF behind a bulk string; the decoder does', () => {
    const input = Buffer.from('*1\r\n$3\r\nfooXX');
    expect(parseAlone(input)).toEqual([[Buffer.from('foo')]]);
    expect(decode(input)).toEqual({ requests: [], error: 'Protocol error: expected CRLF after bulk' });
  });

  it('hands out slices of a pool that all parsers share; the decoder, memory of the size of the command', () => {
    const input = Buffer.from(`*1\r\n$100\r\n${'x'.repeat(100)}\r\n`);
    const halves = [input.subarray(0, 50), input.subarray(50)] as const;
    const [first] = parseAlone(...halves) as Buffer[][];
    const [second] = parseAlone(...halves) as Buffer[][];
    expect(first?.[0]?.length).toBe(100);
    expect(first?.[0]?.buffer).toBe(second?.[0]?.buffer);
    expect(first?.[0]?.buffer.byteLength).toBeGreaterThanOrEqual(32 * 1024);
    const [request] = decode(...halves).requests;
    expect(request?.[0]).toEqual(Buffer.alloc(100, 'x'));
    expect(request?.[0]?.buffer.byteLength).toBe(input.length);
  });
});

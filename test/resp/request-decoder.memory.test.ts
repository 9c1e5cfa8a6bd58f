import { describe, expect, it } from 'vitest';
import { PartialCommand } from '../../src/resp/partial-command.ts';
import { RequestDecoder } from '../../src/resp/request-decoder.ts';
import { encodeRequest } from '../../src/resp/request-encoder.ts';
import { DEFAULT_REQUEST_LIMITS } from '../../src/resp/request-limits.ts';

const CHUNK_BYTES = 65_536;
const MIB = 1024 * 1024;

function newDecoder(): RequestDecoder {
  const decoder = new RequestDecoder(DEFAULT_REQUEST_LIMITS);
  decoder.authenticated = true;
  return decoder;
}

/** Bytes of buffer memory that `make`'s result keeps alive beyond what was there before. */
function heldBytes(make: () => unknown): number {
  const before = process.memoryUsage().arrayBuffers;
  const held = make();
  const after = process.memoryUsage().arrayBuffers;
  return held === undefined ? Number.NaN : after - before;
}

describe('the memory of a half-sent command', () => {
  it.each([1, 64])(
    'is its size: a value of %i MiB in chunks of 64 KiB comes out whole and leaves nothing',
    mebibytes => {
      const value = Buffer.alloc(mebibytes * MIB, 'v');
      value.writeUInt32BE(0xdeadbeef, value.length - 4);
      const input = encodeRequest(['SET', 'k', value]);
      const decoder = newDecoder();
      for (let at = 0; at + CHUNK_BYTES < input.length; at += CHUNK_BYTES) {
        decoder.push(input.subarray(at, at + CHUNK_BYTES));
        expect(decoder.next()).toBeUndefined();
        expect(decoder.bufferedBytes).toBe(at + CHUNK_BYTES);
      }
      decoder.push(input.subarray(input.length - (input.length % CHUNK_BYTES)));
      const request = decoder.next();
      expect(request?.[2]?.equals(value)).toBe(true);
      expect(decoder.bufferedBytes).toBe(0);
      expect(request?.[2]?.buffer.byteLength).toBe(input.length);
    },
  );

  it('is nothing for a header, whatever it announces', () => {
    const held = heldBytes(() =>
      ['*1\r\n$536870912\r\n', '*1048576\r\n', '*1048576\r\n$536870912\r\nx'].map(text => {
        const decoder = newDecoder();
        decoder.push(Buffer.from(text));
        decoder.next();
        expect(decoder.bufferedBytes).toBe(text.length);
        return decoder;
      }),
    );
    expect(held).toBeLessThan(100_000);
  });

  it('does not include the chunk that it began in, unless it is much of that', () => {
    const chunk = Buffer.alloc(CHUNK_BYTES, 'x');
    const partial = new PartialCommand();
    partial.append(chunk, CHUNK_BYTES - 4095, CHUNK_BYTES);
    partial.append(chunk, 0, 4096);
    expect(partial.byteLength).toBe(4095 + 4096);
    chunk.fill('y');
    const command = partial.finish(Buffer.from('z'), 1).toString();
    expect(command).toBe(`${'x'.repeat(4095)}${'y'.repeat(4096)}z`);
    expect(partial.byteLength).toBe(0);
  });

  it('grows with the bytes, not with the chunks: byte by byte it is at most three times its size', () => {
    const input = encodeRequest(['SET', 'k', Buffer.alloc(MIB, 'v')]);
    const decoder = newDecoder();
    const single = Buffer.alloc(1);
    let early = false;
    const held = heldBytes(() => {
      for (let at = 0; at < input.length - 1; at++) {
        single[0] = input[at]!;
        decoder.push(single);
        early ||= decoder.next() !== undefined;
      }
      return decoder;
    });
    expect(early).toBe(false);
    expect(decoder.bufferedBytes).toBe(input.length - 1);
    expect(held).toBeLessThan(3 * input.length);
    decoder.push(input.subarray(-1));
    expect(decoder.next()?.[2]?.length).toBe(MIB);
  });

  it('is given up at an error', () => {
    const decoder = newDecoder();
    decoder.push(Buffer.from('*2\r\n$100000\r\n'));
    decoder.push(Buffer.alloc(100_000));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.bufferedBytes).toBe(100_013);
    decoder.push(Buffer.from('XX'));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.error).toBe('Protocol error: expected CRLF after bulk');
    expect(decoder.bufferedBytes).toBe(0);
  });
});

describe('the arguments', () => {
  it('of commands that are complete in their chunk are slices of it, not copies', () => {
    const chunk = Buffer.concat([
      encodeRequest(['SET', 'a', '1']),
      encodeRequest(['SET', 'b', '2']),
      Buffer.from('*1\r'),
    ]);
    const decoder = newDecoder();
    decoder.push(chunk);
    for (let request = decoder.next(); request !== undefined; request = decoder.next()) {
      for (const arg of request) expect(arg.buffer).toBe(chunk.buffer);
    }
  });

  it('of a command in several chunks have memory of their own', () => {
    const input = encodeRequest(['SET', 'a', '1']);
    const copy = Buffer.from(input);
    const decoder = newDecoder();
    decoder.push(input.subarray(0, 9));
    decoder.next();
    decoder.push(input.subarray(9));
    const request = decoder.next();
    input.fill(0);
    expect(encodeRequest(request ?? [])).toEqual(copy);
  });

  it('are counted as buffered until the last command of their chunk is taken', () => {
    const decoder = newDecoder();
    const ping = encodeRequest(['PING']);
    decoder.push(Buffer.concat([ping, ping]));
    expect(decoder.bufferedBytes).toBe(2 * ping.length);
    decoder.next();
    expect(decoder.bufferedBytes).toBe(2 * ping.length);
    decoder.next();
    expect(decoder.bufferedBytes).toBe(0);
  });
});

describe('the work', () => {
  it('is linear: a pipeline of 20,000 commands goes byte by byte, and a command of 200,000 arguments in small chunks', () => {
    const pipeline = Buffer.concat(Array(20_000).fill(encodeRequest(['SET', 'key', 'value'])));
    const decoder = newDecoder();
    let count = 0;
    for (let at = 0; at < pipeline.length; at++) {
      decoder.push(pipeline.subarray(at, at + 1));
      while (decoder.next() !== undefined) count++;
    }
    expect(count).toBe(20_000);
    const wide = encodeRequest(Array(200_000).fill('x'));
    let request: Buffer[] | undefined;
    for (let at = 0; at < wide.length; at += 10) {
      decoder.push(wide.subarray(at, at + 10));
      request ??= decoder.next();
    }
    expect(request).toHaveLength(200_000);
  });
});

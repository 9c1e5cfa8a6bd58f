import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRequest } from '../../src/resp/request-encoder.ts';
import { DEFAULT_REQUEST_LIMITS } from '../../src/resp/request-limits.ts';
import { byteByByte, cutAt, cuts, decodeChunks } from './feeding.ts';
import { referenceParse } from './reference-parser.ts';

const LIMITS = { ...DEFAULT_REQUEST_LIMITS, maxBulkBytes: 20_000, maxArguments: 14, maxInlineBytes: 40 };

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.constantFrom('\r\n', '*1\r\n', '*1\r\n$4\r\nPING\r\n', 'PING\r\n', '$3\r\n', '', '__proto__').map(latin1),
);
const multibulk = fc.array(payload, { minLength: 1, maxLength: 5 }).map(encodeRequest);
const large = fc.integer({ min: 5000, max: 20_001 }).map(size => encodeRequest(['SET', Buffer.alloc(size, 'v')]));
const manyArguments = fc.integer({ min: 9, max: 15 }).map(count => encodeRequest(Array(count).fill('x')));
const number = fc.oneof(
  fc.integer({ min: -3, max: 40 }).map(String),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
  fc.constantFrom('', '-', '+1', '01', '-0', '1x', '9223372036854775807', '-9223372036854775808', '9'.repeat(60)),
);
const lineEnd = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', '\rX', '');
const header = fc.tuple(fc.constantFrom('*', '$', ':', ' '), number, lineEnd).map(parts => latin1(parts.join('')));
const inlineText = fc
  .array(fc.constantFrom('a', 'POST', ' ', '\t', '\v', '"', "'", '\\', '\\x4a', '\\n', '\x00', '\xff', '\r'), {
    maxLength: 12,
  })
  .map(parts => parts.join(''));
const inline = fc
  .tuple(fc.oneof(inlineText, fc.constantFrom('PING', 'set k "a b"', '', 'Host: x')), lineEnd)
  .map(parts => latin1(parts.join('')));
const garbage = fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes));

/** Pipelines with a fault in some, and cut off somewhere in some. */
const input = fc
  .record({
    parts: fc.array(
      fc.oneof(
        { weight: 8, arbitrary: multibulk },
        { weight: 3, arbitrary: inline },
        { weight: 1, arbitrary: header },
        { weight: 1, arbitrary: large },
        { weight: 1, arbitrary: manyArguments },
        { weight: 1, arbitrary: garbage },
      ),
      { maxLength: 8 },
    ),
    dropLast: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(30) }),
    flip: fc.option(fc.record({ at: fc.nat(200), to: fc.nat(255) }), { freq: 4 }),
  })
  .map(({ parts, dropLast, flip }) => {
    const whole = Buffer.concat(parts);
    if (flip !== null && flip.at < whole.length) whole[flip.at] = flip.to;
    return whole.subarray(0, Math.max(0, whole.length - dropLast));
  });

describe('the decoder agrees with the reference parser', () => {
  it('on pipelines with and without faults, fed whole, byte by byte and cut anywhere', () => {
    fc.assert(
      fc.property(input, cuts, fc.boolean(), (bytes, fractions, authenticated) => {
        const { requests, error, restBytes } = referenceParse(bytes, LIMITS, authenticated);
        const expected = { requests, error, bufferedBytes: restBytes };
        expect(decodeChunks([bytes], LIMITS, authenticated)).toEqual(expected);
        expect(decodeChunks(cutAt(bytes, fractions), LIMITS, authenticated)).toEqual(expected);
        expect(decodeChunks(byteByByte(bytes), LIMITS, authenticated)).toEqual(expected);
      }),
      { numRuns: 1500 },
    );
  });

  it('on garbage, which never makes it throw: it has a request, waits, or has an error', () => {
    const alphabet = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('*$\r\n0123456789-"\' \\x')));
    const noise = fc.array(alphabet, { maxLength: 300 }).map(bytes => Buffer.from(bytes));
    fc.assert(
      fc.property(noise, cuts, fc.boolean(), (bytes, fractions, authenticated) => {
        const { requests, error, restBytes } = referenceParse(bytes, LIMITS, authenticated);
        const expected = { requests, error, bufferedBytes: restBytes };
        expect(decodeChunks(cutAt(bytes, fractions), LIMITS, authenticated)).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
  });

  it('on every request that encodeRequest writes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(payload, { minLength: 1, maxLength: 14 }), { maxLength: 20 }),
        cuts,
        (all, fractions) => {
          const bytes = Buffer.concat(all.map(encodeRequest));
          const requests = all.map(args => args.map(arg => Buffer.from(arg).toString('latin1')));
          expect(decodeChunks(cutAt(bytes, fractions), LIMITS)).toEqual({
            requests,
            error: undefined,
            bufferedBytes: 0,
          });
        },
      ),
    );
  });
});

import fc from 'fast-check';
import { RequestDecoder } from '../../src/resp/request-decoder.ts';
import { DEFAULT_REQUEST_LIMITS, type RequestLimits } from '../../src/resp/request-limits.ts';

export interface Decoded {
  /** Arguments as latin1 strings. */
  readonly requests: string[][];
  readonly error: string | undefined;
  readonly bufferedBytes: number;
}

/** Everything that comes out of an authenticated decoder when the chunks go in one after another. */
export function decodeChunks(
  chunks: Iterable<Buffer>,
  limits: Partial<RequestLimits> = {},
  authenticated = true,
): Decoded {
  const decoder = new RequestDecoder({ ...DEFAULT_REQUEST_LIMITS, ...limits });
  decoder.authenticated = authenticated;
  const requests: string[][] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    drain(decoder, requests);
  }
  return { requests, error: decoder.error, bufferedBytes: decoder.bufferedBytes };
}

/** Takes every request that there is. */
export function drain(decoder: RequestDecoder, into: string[][] = []): string[][] {
  for (let request = decoder.next(); request !== undefined; request = decoder.next()) {
    into.push(request.map(arg => arg.toString('latin1')));
  }
  return into;
}

/** Chunks of one byte. */
export function* byteByByte(input: Buffer): Generator<Buffer> {
  for (let i = 0; i < input.length; i++) yield input.subarray(i, i + 1);
}

/** Chunks that end at the given fractions of the input. */
export function cutAt(input: Buffer, fractions: readonly number[]): Buffer[] {
  const ends = fractions.map(fraction => Math.floor(fraction * input.length)).sort((a, b) => a - b);
  return [...ends, input.length].map((end, i) => input.subarray(ends[i - 1] ?? 0, end));
}

export const cuts: fc.Arbitrary<number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

/** Feeds one input whole, byte by byte and in `fractions`; all three must agree. */
export function inEveryWay(
  input: Buffer,
  fractions: readonly number[] = [0.3, 0.31, 0.7],
): readonly (() => Buffer[])[] {
  return [() => [input], () => [...byteByByte(input)], () => cutAt(input, fractions)];
}

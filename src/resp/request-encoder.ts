import { CR, DOLLAR, LF, STAR } from './ascii.ts';
import { MAX_DECIMAL_BYTES, writeDecimal } from './decimal.ts';

const MAX_FRAME_BYTES = MAX_DECIMAL_BYTES + 5;

/** One request as a multibulk command, for clients of our own. Text goes out in UTF-8. */
export function encodeRequest(args: readonly (string | Uint8Array)[]): Buffer {
  const payloads = args.map(arg => (typeof arg === 'string' ? Buffer.from(arg) : arg));
  const payloadBytes = payloads.reduce((sum, payload) => sum + payload.length, 0);
  const request = Buffer.allocUnsafe(payloadBytes + (payloads.length + 1) * MAX_FRAME_BYTES);
  let at = writeHeader(request, 0, STAR, payloads.length);
  for (const payload of payloads) {
    at = writeHeader(request, at, DOLLAR, payload.length);
    request.set(payload, at);
    at = writeCrlf(request, at + payload.length);
  }
  return request.subarray(0, at);
}

function writeHeader(request: Buffer, at: number, type: number, value: number): number {
  request[at] = type;
  return writeCrlf(request, writeDecimal(request, at + 1, value));
}

function writeCrlf(request: Buffer, at: number): number {
  request[at] = CR;
  request[at + 1] = LF;
  return at + 2;
}

import { Packr } from 'msgpackr';

/** No records, no structure cloning, maps never as plain objects: what a peer sends becomes data and nothing else. */
const packr = new Packr({ useRecords: false, mapsAsObjects: false, moreTypes: false });

const MAX_DEPTH = 4;

/** A handshake payload: MessagePack arrays of strings, binary, numbers and booleans. */
export function encodePayload(fields: readonly unknown[]): Buffer {
  return packr.pack(fields);
}

/** @returns the fields, or undefined when `bytes` are not exactly one payload. */
export function decodePayload(bytes: Buffer): readonly unknown[] | undefined {
  if (endOfValue(bytes, 0, MAX_DEPTH) !== bytes.length) return undefined;
  try {
    const value: unknown = packr.unpack(bytes);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Where the MessagePack value at `at` ends, or a number past the end of `bytes` when there is none, or one of a type
 * that the handshake has no use for. It stands before msgpackr because that follows a stranger's extension types into
 * regular expressions, references, shared structures and generated code.
 */
function endOfValue(bytes: Buffer, at: number, depth: number): number {
  const none = bytes.length + 1;
  const type = bytes[at];
  if (type === undefined || depth === 0) return none;
  if (type < 0x80 || type >= 0xe0 || type === 0xc0 || type === 0xc2 || type === 0xc3) return at + 1;
  if ((type & 0xe0) === 0xa0) return at + 1 + (type & 0x1f);
  if ((type & 0xf0) === 0x90) return endOfItems(bytes, at + 1, type & 0x0f, depth);
  switch (type) {
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return at + 2 + (bytes[at + 1] ?? none);
    case 0xc5: // bin 16
    case 0xda: // str 16
      return at + 3 + (((bytes[at + 1] ?? none) << 8) | (bytes[at + 2] ?? 0));
    case 0xcc: // uint 8
      return at + 2;
    case 0xcd: // uint 16
      return at + 3;
    case 0xce: // uint 32
      return at + 5;
    case 0xcb: // float 64
      return at + 9;
    case 0xdc: // array 16
      return endOfItems(bytes, at + 3, ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0), depth);
    default:
      return none;
  }
}

function endOfItems(bytes: Buffer, start: number, count: number, depth: number): number {
  let at = start;
  for (let i = 0; i < count && at <= bytes.length; i++) at = endOfValue(bytes, at, depth - 1);
  return at;
}

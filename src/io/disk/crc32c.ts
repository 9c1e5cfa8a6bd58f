/**
 * CRC-32C (Castagnoli), the checksum of LevelDB's files; that of `zlib` has another polynomial. Eight bytes a step, each by a table of its own
 * ("slicing by 8": Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators", 2005).
 */
const POLYNOMIAL = 0x82f63b78;

/** Table `k`, from 256 × `k` on: what a byte does to the checksum that `k` further bytes follow. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? POLYNOMIAL : 0);
    tables[byte] = sum;
  }
  for (let i = 256; i < tables.length; i++) tables[i] = (tables[i - 256]! >>> 8) ^ tables[tables[i - 256]! & 255]!;
  return tables;
}

/** Of the bytes from `start` up to `end`. @param before the checksum of what comes before them, to go on with. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, before = 0): number {
  const tables = TABLES;
  let sum = ~before;
  let at = start;
  for (const stop = end - 7; at < stop; at += 8) {
    const low = sum ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    sum =
      tables[1792 + (low & 255)]! ^
      tables[1536 + ((low >>> 8) & 255)]! ^
      tables[1280 + ((low >>> 16) & 255)]! ^
      tables[1024 + (low >>> 24)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!;
  }
  for (; at < end; at++) sum = (sum >>> 8) ^ tables[(sum ^ bytes[at]!) & 255]!;
  return ~sum >>> 0;
}

/** As LevelDB stores it: a checksum of bytes that have checksums in them is not to be one of those. */
export function masked(sum: number): number {
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}

/**
 * CRC-16/XMODEM, the checksum Redis Cluster maps keys to slots with
 * (Redis Cluster specification, appendix A: polynomial 0x1021, initial value 0, no reflection).
 */
const TABLE = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  TABLE[byte] = crc;
}

/** The checksum of `bytes[start, end)`, 0…65535. */
export function crc16(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0;
  for (let i = start; i < end; i++) crc = ((crc << 8) & 0xffff) ^ TABLE[(crc >>> 8) ^ bytes[i]!]!;
  return crc;
}

import { crc16 } from './crc16.ts';

/** How many slots the key space is cut into; Redis Cluster's number. */
export const SLOT_COUNT = 16_384;

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * The slot of a key, 0…16383: CRC-16 of the key, or of what stands between its first `{` and the next `}` when that
 * is not empty (Redis Cluster specification, "Hash tags").
 */
export function slotOf(key: Uint8Array): number {
  const length = key.length;
  for (let open = 0; open < length; open++) {
    if (key[open] !== OPEN_BRACE) continue;
    for (let close = open + 1; close < length; close++) {
      if (key[close] !== CLOSE_BRACE) continue;
      return (close === open + 1 ? crc16(key) : crc16(key, open + 1, close)) & (SLOT_COUNT - 1);
    }
    break;
  }
  return crc16(key) & (SLOT_COUNT - 1);
}

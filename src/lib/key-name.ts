/** A key as the key of a Map: its bytes as latin1, so that different keys have different names. */
export function keyName(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

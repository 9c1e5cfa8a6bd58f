import { Packr } from 'msgpackr';

/** Plain values as MessagePack, for the log and its snapshots. */
const packr = new Packr({ useRecords: false, mapsAsObjects: true });

export function pack(value: unknown): Uint8Array {
  return Uint8Array.from(packr.pack(value));
}

/** What `pack` was given, or undefined; `bytes` may change afterwards. */
export function unpack(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(Buffer.from(bytes));
  } catch {
    return undefined;
  }
}

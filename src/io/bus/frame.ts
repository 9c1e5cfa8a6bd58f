/**
 * The layout of the bytes after the handshake (docs/bus.md):
 *
 *     ┌──────────┬───────────────────┬─────────────┐
 *     │ kind: u8 │ payload bytes: u24 │ payload …   │   big-endian
 *     └──────────┴───────────────────┴─────────────┘
 *
 * A message of at most `MAX_PAYLOAD_BYTES` is one `WHOLE` frame. A longer one is cut: an `OPENING` frame (the message's
 * length as u32, then its first bytes) and `FRAGMENT` frames, between which whole messages pass.
 */
export const HEADER_BYTES = 4;

/** The most a frame carries, and so the most that a small message waits for. */
export const MAX_PAYLOAD_BYTES = 65_536;

export const WHOLE = 0;
export const OPENING = 1;
export const FRAGMENT = 2;
/** The only kind that flows from the acceptor to the dialler (receipt.ts). */
export const RECEIPT = 3;

/** Length of the message, at the head of an `OPENING` frame's payload. */
export const TOTAL_BYTES = 4;

/** Writes a frame's header at `at`. */
export function writeHeader(into: Uint8Array, at: number, kind: number, payloadBytes: number): void {
  into[at] = kind;
  into[at + 1] = payloadBytes >>> 16;
  into[at + 2] = payloadBytes >>> 8;
  into[at + 3] = payloadBytes;
}

/** The big-endian u32 at `at`. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/**
 * A record packed into a block of the slab:
 *
 *     word 0     lengths: key (16 bits) and value (16 bits above), 0 for what is in the large table
 *     word 1     shape (8 bits) and the actor of the dot (24 bits above)
 *     double     stamp of the dot
 *     double     time of expiry                    if the shape says EXPIRES
 *     double     stamp of the expiry's dot         if the shape says EXPIRY_DOT
 *     doubles    stamps of the vector              as many as the shape says
 *     word       actor of the expiry's dot         if the shape says EXPIRY_DOT
 *     word       index in the large table          if the shape says LARGE
 *     words      actors of the vector              as many as the shape says
 *     bytes      the key, then the value
 *
 * So a key of 16 bytes with a value of 64 written once takes 96 bytes, and an expiry by `SET … EX`, whose dot is the
 * value's own, 8 more. The vector stands newest entry first.
 */
export const HEADER_BYTES = 16;

/** The low half of the shape counts the entries of the vector. */
export const VECTOR_MASK = 0x0f;
/** The record has a value: it is no tombstone, and was not dropped after its expiry. */
export const HAS_VALUE = 0x10;
export const EXPIRES = 0x20;
/** The expiry was written by itself (`EXPIRE`, `PERSIST`) and has a dot of its own. */
export const EXPIRY_DOT = 0x40;
/** The value, the key or both are in the large table. */
export const LARGE = 0x80;

export const SHAPE_MASK = 0xff;
export const ACTOR_SHIFT = 8;
/** Actors that a process can tell apart in records. */
export const MAX_ACTORS = 1 << 24;

/** Longer keys and values live outside the slab. */
export const MAX_INLINE_KEY = 8 * 1024;
export const MAX_INLINE_VALUE = 16 * 1024;

/** Bytes before the key, by shape. */
const PREFIX_BYTES = new Uint8Array(256);
for (let shape = 0; shape < 256; shape++) {
  const words = (shape & EXPIRY_DOT ? 1 : 0) + (shape & LARGE ? 1 : 0) + (shape & VECTOR_MASK);
  PREFIX_BYTES[shape] = doubleCount(shape) * 8 + words * 4;
}

/** The offset of the key in a record of this shape. */
export function prefixBytes(shape: number): number {
  return PREFIX_BYTES[shape]!;
}

/** The header's words counted as one double, the stamp, and what follows up to the vector's stamps. */
function doubleCount(shape: number): number {
  return vectorDouble(shape) + (shape & VECTOR_MASK);
}

/** Index, in doubles from the start of the record, of the first stamp of the vector. */
export function vectorDouble(shape: number): number {
  return 2 + (shape & EXPIRES ? 1 : 0) + (shape & EXPIRY_DOT ? 1 : 0);
}

/** Index, in words from the start of the record, of the actor of the expiry's dot. */
export function expiryActorWord(shape: number): number {
  return doubleCount(shape) * 2;
}

/** Index in words of the record's index in the large table. */
export function largeWord(shape: number): number {
  return doubleCount(shape) * 2 + (shape & EXPIRY_DOT ? 1 : 0);
}

/** Index in words of the first actor of the vector. */
export function vectorWord(shape: number): number {
  return largeWord(shape) + (shape & LARGE ? 1 : 0);
}

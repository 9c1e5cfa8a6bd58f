/**
 * FNV-1a, 32 bits, over a string's UTF-16 code units (Fowler, Noll, Vo): short, the same everywhere, and good enough
 * to tell whether two summaries differ. Not keyed: never for anything that a stranger gains by colliding.
 *
 * @returns an unsigned 32-bit integer.
 */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

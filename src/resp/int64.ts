const CANONICAL = /^(?:0|-?[1-9][0-9]{0,18})$/;
const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

/**
 * Reads a number as Redis's `string2ll` does: decimal, in 64 bits, and in the one spelling that printing it gives, so
 * not `+1`, `01`, `-0`, ` 1` or nothing.
 *
 * @returns the number, rounded where a double must, or undefined.
 */
export function parseInt64(text: string): number | undefined {
  if (!CANONICAL.test(text)) return undefined;
  if (text.length < 19) return Number(text);
  const exact = BigInt(text);
  return exact >= MIN && exact <= MAX ? Number(exact) : undefined;
}

/** Anything that yields uniform 32-bit integers. */
interface Source {
  uint32(): number;
}

/** A uniform number in [0, 1). */
export function drawFraction(random: Source): number {
  return random.uint32() / 0x1_0000_0000;
}

/** A uniform integer in [0, bound); `bound` at most 2^32. */
export function drawBelow(random: Source, bound: number): number {
  return Math.floor(drawFraction(random) * bound);
}

/** True with this probability. */
export function drawChance(random: Source, probability: number): boolean {
  return drawFraction(random) < probability;
}

/** One element, or undefined of an empty list. */
export function drawOne<T>(random: Source, items: readonly T[]): T | undefined {
  return items[drawBelow(random, items.length)];
}

/** A new array with the same elements in random order (Fisher–Yates). */
export function shuffled<T>(random: Source, items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = drawBelow(random, i + 1);
    const held = result[i]!;
    result[i] = result[j]!;
    result[j] = held;
  }
  return result;
}

/** `bytes` random bytes in hexadecimal. */
export function drawHex(random: Source, bytes: number): string {
  let text = '';
  while (text.length < bytes * 2) text += random.uint32().toString(16).padStart(8, '0');
  return text.slice(0, bytes * 2);
}

/**
 * Tells keys apart that a command names twice. A letter before each keeps the engine from taking a key of digits for an
 * array index, whose hash is its value and can be aimed at.
 */
function nameOf(key: Buffer): string {
  return `k${key.toString('latin1')}`;
}

/** The keys among `args[1…]`, each once: for commands that a second mention of a key adds nothing to. */
export function distinctKeys(args: readonly Buffer[]): Buffer[] {
  const keys = new Map<string, Buffer>();
  for (let i = 1; i < args.length; i++) keys.set(nameOf(args[i]!), args[i]!);
  return [...keys.values()];
}

/** The pairs of `args[1…]`, keys and values in turn: of a key that is named twice, the last one. */
export function distinctPairs(args: readonly Buffer[]): { readonly key: Buffer; readonly value: Buffer }[] {
  const pairs = new Map<string, { key: Buffer; value: Buffer }>();
  for (let i = 1; i < args.length; i += 2) pairs.set(nameOf(args[i]!), { key: args[i]!, value: args[i + 1]! });
  return [...pairs.values()];
}

/** Thrown where the program contradicts itself. Nothing catches it but the process's last line of defence. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Holds in production too: a node that is wrong about its own state must stop before it spreads it. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the branch of an exhaustive switch that cannot be reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`Cannot handle ${JSON.stringify(value)}: no case names it`);
}

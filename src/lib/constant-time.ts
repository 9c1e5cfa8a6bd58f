/**
 * Whether two byte strings are equal, in a time that depends on the length of `given` only: neither the first byte that
 * differs nor the length of the secret can be measured.
 */
export function equalsInConstantTime(secret: Uint8Array, given: Uint8Array): boolean {
  let difference = secret.length ^ given.length;
  for (let i = 0; i < given.length; i++) difference |= given[i]! ^ (secret[i % Math.max(1, secret.length)] ?? 0);
  return difference === 0;
}

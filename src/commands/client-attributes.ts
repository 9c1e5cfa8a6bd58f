/** The longest name a client may take: each stands in every `CLIENT LIST`. Redis has no such bound. */
const MAX_ATTRIBUTE_BYTES = 1024;

/**
 * Checks what a client calls itself or its library: it stands in a line of `CLIENT LIST`, so no blanks and nothing
 * that is not printable ASCII.
 *
 * @param what `Client names`, `lib-name` or `lib-ver`, as the error is to call it.
 * @returns a whole RESP error, or undefined.
 */
export function attributeError(what: string, value: Buffer): string | undefined {
  if (value.length > MAX_ATTRIBUTE_BYTES) return `ERR ${what} cannot be longer than ${MAX_ATTRIBUTE_BYTES} bytes.`;
  if (value.every(byte => byte >= 0x21 && byte <= 0x7e)) return undefined;
  return `ERR ${what} cannot contain spaces, newlines or special characters.`;
}

/** What the errors of `CLIENT SETNAME` and `HELLO … SETNAME` call it. */
export const CLIENT_NAMES = 'Client names';

import { parseInt64 } from '../resp/int64.ts';

/** No 64-bit integer in decimal is longer. */
const MAX_INTEGER_BYTES = 20;

/** Whether an argument is this word, whatever its case. `word` is in lower-case ASCII letters, digits and `-`. */
export function isWord(argument: Uint8Array, word: string): boolean {
  if (argument.length !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = argument[i]!;
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== word.charCodeAt(i)) return false;
  }
  return true;
}

/** A 64-bit integer in Redis's one spelling (`string2ll`), rounded where a double must; undefined for anything else. */
export function parseInteger(argument: Buffer): number | undefined {
  return argument.length > MAX_INTEGER_BYTES ? undefined : parseInt64(argument.toString('latin1'));
}

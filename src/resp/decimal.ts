import { ZERO } from './ascii.ts';

/** Room that any number of `writeDecimal` fits in, sign included. */
export const MAX_DECIMAL_BYTES = 17;

/** Below this, digits come off by 32-bit arithmetic. */
const WORD_LIMIT = 2 ** 31;
const WORD_DIGITS = 1_000_000_000;

/**
 * Writes a non-negative safe integer in decimal, digit by digit and without a string.
 *
 * @returns the offset behind its last digit.
 */
export function writeDecimal(target: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    target[at] = ZERO + value;
    return at + 1;
  }
  if (value < WORD_LIMIT) return writeWord(target, at, value, digitsOf(value));
  const high = Math.floor(value / WORD_DIGITS);
  return writeWord(target, writeDecimal(target, at, high), value - high * WORD_DIGITS, 9);
}

function writeWord(target: Uint8Array, at: number, value: number, digits: number): number {
  let rest = value | 0;
  for (let place = at + digits - 1; place >= at; place--) {
    const quotient = (rest / 10) | 0;
    target[place] = ZERO + rest - quotient * 10;
    rest = quotient;
  }
  return at + digits;
}

function digitsOf(value: number): number {
  let digits = 2;
  for (let bound = 100; value >= bound; bound *= 10) digits++;
  return digits;
}

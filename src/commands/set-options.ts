import { NEVER } from '../store/record.ts';
import { isWord, parseInteger } from './arguments.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from './errors.ts';
import { expiryAtMs, invalidExpireTime, OUT_OF_RANGE } from './expiry-time.ts';

/** What follows the value of a SET. */
export interface SetOptions {
  /** Unix milliseconds, `NEVER`, or the expiry that the key has. */
  readonly expiry: number | 'keep';
  readonly condition: 'always' | 'absent' | 'present';
  readonly returnBefore: boolean;
}

/** An option that is followed by a time: the unit of it, and whether it counts from now. */
interface TimeOption {
  readonly word: string;
  readonly unitMs: 1 | 1000;
  readonly fromNow: boolean;
}

const TIME_OPTIONS: readonly TimeOption[] = [
  { word: 'ex', unitMs: 1000, fromNow: true },
  { word: 'px', unitMs: 1, fromNow: true },
  { word: 'exat', unitMs: 1000, fromNow: false },
  { word: 'pxat', unitMs: 1, fromNow: false },
];

/**
 * Reads the options of `SET key value …` as Redis does (t_string.c, `parseExtendedStringArgumentsOrReply`): in any
 * order, any of them again, with at most one kind of time.
 *
 * @param args the whole command.
 * @param nowMs Unix milliseconds.
 * @returns the options, or a whole RESP error.
 */
export function parseSetOptions(args: readonly Buffer[], nowMs: number): SetOptions | string {
  let condition: SetOptions['condition'] = 'always';
  let returnBefore = false;
  let keep = false;
  let timeOption: TimeOption | undefined;
  let time: Buffer | undefined;
  for (let i = 3; i < args.length; i++) {
    const option = args[i]!;
    const found = timeOptionOf(option);
    if (found !== undefined && !keep && (timeOption ?? found) === found && i + 1 < args.length) {
      timeOption = found;
      time = args[++i]!;
    } else if (isWord(option, 'nx') && condition !== 'present') condition = 'absent';
    else if (isWord(option, 'xx') && condition !== 'absent') condition = 'present';
    else if (isWord(option, 'get')) returnBefore = true;
    else if (isWord(option, 'keepttl') && timeOption === undefined) keep = true;
    else return SYNTAX_ERROR;
  }
  if (timeOption === undefined) return { expiry: keep ? 'keep' : NEVER, condition, returnBefore };
  const amount = parseInteger(time!);
  if (amount === undefined) return NOT_AN_INTEGER;
  const atMs = expiryAtMs(amount, timeOption.unitMs, timeOption.fromNow ? nowMs : 0);
  if (amount <= 0 || atMs === OUT_OF_RANGE) return invalidExpireTime('set');
  return { expiry: atMs, condition, returnBefore };
}

function timeOptionOf(option: Buffer): TimeOption | undefined {
  for (const each of TIME_OPTIONS) if (isWord(option, each.word)) return each;
  return undefined;
}

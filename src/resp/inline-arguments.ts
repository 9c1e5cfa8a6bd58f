import { CR, LF } from './ascii.ts';

const SPACE = 0x20;
const TAB = 0x09;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const LOWER_X = 0x78;
/** What stands for what behind a backslash in double quotes; anything else stands for itself. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x6e, LF],
  [0x72, CR],
  [0x74, TAB],
  [0x62, 0x08],
  [0x61, 0x07],
]);

/**
 * Splits an inline command into its arguments by the rules of Redis's `sdssplitargs` (sds.c): blanks separate;
 * `"…"` knows `\xHH`, `\n`, `\r`, `\t`, `\b`, `\a` and `\` before anything else; `'…'` knows `\'` alone; a quote may
 * open inside a word (`a"b c"` is one), and behind a closing one comes a blank or the end. A NUL is a byte like any
 * other, where Redis, whose line is a C string, forgets what follows it.
 *
 * @param line with or without its line end, which is blank like any other.
 * @returns the arguments in memory of their own, perhaps none, or undefined when the quotes don't balance.
 */
export function splitInlineArguments(line: Uint8Array): Buffer[] | undefined {
  // Quoting only ever shortens, so the arguments fit where the line did.
  const output = Buffer.allocUnsafeSlow(line.length);
  const found: Buffer[] = [];
  let used = 0;
  let at = 0;
  for (;;) {
    while (at < line.length && isSpace(line[at]!)) at++;
    if (at === line.length) return found;
    const begin = used;
    while (at < line.length && !endsWord(line[at]!)) {
      const byte = line[at]!;
      if (byte !== DOUBLE_QUOTE && byte !== SINGLE_QUOTE) {
        output[used++] = byte;
        at++;
        continue;
      }
      const quoted =
        byte === DOUBLE_QUOTE ? doubleQuoted(line, at + 1, output, used) : singleQuoted(line, at + 1, output, used);
      if (quoted === undefined) return undefined;
      used = quoted.used;
      at = quoted.at;
      break;
    }
    found.push(output.subarray(begin, used));
  }
}

/** Where a quoted stretch has come to: the offset behind its closing quote, and the end of what it stands for. */
interface Quoted {
  readonly at: number;
  readonly used: number;
}

function doubleQuoted(line: Uint8Array, from: number, output: Uint8Array, begin: number): Quoted | undefined {
  let used = begin;
  for (let at = from; at < line.length; at++) {
    let byte = line[at]!;
    if (byte === DOUBLE_QUOTE) return closed(line, at + 1, used);
    if (byte === BACKSLASH && at + 1 < line.length) {
      const hex = line[at + 1] === LOWER_X ? hexByte(line, at + 2) : undefined;
      at += hex === undefined ? 1 : 3;
      byte = hex ?? ESCAPES.get(line[at]!) ?? line[at]!;
    }
    output[used++] = byte;
  }
  return undefined;
}

function singleQuoted(line: Uint8Array, from: number, output: Uint8Array, begin: number): Quoted | undefined {
  let used = begin;
  for (let at = from; at < line.length; at++) {
    if (line[at] === SINGLE_QUOTE) return closed(line, at + 1, used);
    if (line[at] === BACKSLASH && line[at + 1] === SINGLE_QUOTE) at++;
    output[used++] = line[at]!;
  }
  return undefined;
}

function closed(line: Uint8Array, at: number, used: number): Quoted | undefined {
  return at === line.length || isSpace(line[at]!) ? { at, used } : undefined;
}

function hexByte(line: Uint8Array, at: number): number | undefined {
  if (at + 1 >= line.length) return undefined;
  const text = String.fromCharCode(line[at]!, line[at + 1]!);
  return /^[0-9a-fA-F]{2}$/.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** C's `isspace`: vertical tab and form feed are skipped before a word … */
function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CR);
}

/** … but do not end one. */
function endsWord(byte: number): boolean {
  return byte === SPACE || byte === LF || byte === CR || byte === TAB;
}

/** A dumb twin of the decoder: it has the whole input as one string of bytes, and reads it from left to right. */

export interface ReferenceLimits {
  readonly maxBulkBytes: number;
  readonly maxArguments: number;
  readonly maxInlineBytes: number;
}

export interface ReferenceResult {
  /** Arguments as latin1 strings. */
  readonly requests: string[][];
  readonly error: string | undefined;
  /** What belongs to no request yet; 0 after an error. */
  readonly restBytes: number;
}

class Refusal extends Error {}
class NeedMore extends Error {}

export function referenceParse(input: Buffer, limits: ReferenceLimits, authenticated: boolean): ReferenceResult {
  let rest = input.toString('latin1');
  const requests: string[][] = [];
  try {
    while (rest !== '') {
      const [request, after] = rest.startsWith('*') ? multibulk(rest, limits, authenticated) : inline(rest, limits);
      rest = after;
      if (request.length > 0) requests.push(request);
    }
  } catch (error) {
    if (error instanceof Refusal) return { requests, error: error.message, restBytes: 0 };
    if (!(error instanceof NeedMore)) throw error;
  }
  return { requests, error: undefined, restBytes: rest.length };
}

function multibulk(text: string, limits: ReferenceLimits, authenticated: boolean): [string[], string] {
  let [count, rest] = header(text, limits, 'too big mbulk count string', 'invalid multibulk length');
  if (count > limits.maxArguments) throw new Refusal('Protocol error: invalid multibulk length');
  if (!authenticated && count > 10n) throw new Refusal('Protocol error: unauthenticated multibulk length');
  const request: string[] = [];
  for (; count > 0n; count--) {
    if (rest === '') throw new NeedMore();
    if (rest[0] !== '$') throw new Refusal(`Protocol error: expected '$', got '${safe(rest[0]!)}'`);
    const [length, payload] = header(rest, limits, 'too big bulk count string', 'invalid bulk length');
    if (length < 0n || length > limits.maxBulkBytes) throw new Refusal('Protocol error: invalid bulk length');
    if (!authenticated && length > 16384n) throw new Refusal('Protocol error: unauthenticated bulk length');
    const end = payload.slice(Number(length), Number(length) + 2);
    if (!'\r\n'.startsWith(end)) throw new Refusal('Protocol error: expected CRLF after bulk');
    if (end.length < 2) throw new NeedMore();
    request.push(payload.slice(0, Number(length)));
    rest = payload.slice(Number(length) + 2);
  }
  return [request, rest];
}

function header(text: string, limits: ReferenceLimits, tooBig: string, invalid: string): [bigint, string] {
  const end = text.indexOf('\r');
  if ((end < 0 ? text.length : end) > limits.maxInlineBytes) throw new Refusal(`Protocol error: ${tooBig}`);
  if (end < 0 || end === text.length - 1) throw new NeedMore();
  const digits = text.slice(1, end);
  let value: bigint | undefined;
  if (/^-?\d+$/.test(digits)) value = BigInt(digits);
  if (text[end + 1] !== '\n' || value === undefined || String(value) !== digits || BigInt.asIntN(64, value) !== value) {
    throw new Refusal(`Protocol error: ${invalid}`);
  }
  return [value, text.slice(end + 2)];
}

function inline(text: string, limits: ReferenceLimits): [string[], string] {
  const end = text.indexOf('\n');
  if ((end < 0 ? text.length : end) > limits.maxInlineBytes) {
    throw new Refusal('Protocol error: too big inline request');
  }
  if (end < 0) throw new NeedMore();
  const request = words(text.slice(0, end).replace(/\r$/, ''));
  if (/^(post|host:)$/i.test(request[0] ?? '')) {
    throw new Refusal('Possible SECURITY ATTACK detected: POST or Host: is HTTP, not a Redis command');
  }
  return [request, text.slice(end + 1)];
}

const WORD = new RegExp(
  [
    String.raw`^(?<bare>[^ \t\r\n"']*)`,
    String.raw`(?:"(?<double>(?:\\.|[^"\\])*)"(?=[ \t-\r]|$)`,
    String.raw`|'(?<single>(?:\\'|(?!\\')[^'])*)'(?=[ \t-\r]|$)`,
    String.raw`|(?=[ \t\r\n]|$))`,
  ].join(''),
  's',
);

function words(line: string): string[] {
  const found: string[] = [];
  let rest = line.replace(/^[ \t-\r]+/, '');
  while (rest !== '') {
    const match = WORD.exec(rest);
    if (match === null) throw new Refusal('Protocol error: unbalanced quotes in request');
    const { bare = '', double = '', single = '' } = match.groups ?? {};
    found.push(bare + unescapeDouble(double) + single.replaceAll("\\'", "'"));
    rest = rest.slice(match[0].length).replace(/^[ \t-\r]+/, '');
  }
  return found;
}

function unescapeDouble(text: string): string {
  return text.replace(/\\x([0-9a-fA-F]{2})|\\(.)/gs, (_, hex: string | undefined, one: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }[one] ?? one;
  });
}

function safe(character: string): string {
  if (character === '\r' || character === '\n') return ' ';
  return /[ -~]/.test(character) ? character : `\\x${Buffer.from(character, 'latin1').toString('hex')}`;
}

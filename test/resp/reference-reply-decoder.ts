/** A decoder of replies for the writer's tests: recursive, by regular expressions, over one latin1 string. */
export type Decoded =
  | {
      readonly type: 'simple' | 'error' | 'bulk' | 'double' | 'integer' | 'bigNumber' | 'verbatim';
      readonly text: string;
    }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'null' | 'nullBulk' | 'nullArray' }
  | { readonly type: 'array' | 'map' | 'set' | 'push'; readonly items: readonly Decoded[] };

const LINES = {
  '+': 'simple',
  '-': 'error',
  ':': 'integer',
  ',': 'double',
  '(': 'bigNumber',
} as const;
const BLOBS = { $: 'bulk', '=': 'verbatim' } as const;
const AGGREGATES = { '*': 'array', '%': 'map', '~': 'set', '>': 'push' } as const;

/** Every reply in `bytes`; throws at what is no reply, or not a whole one. Text is latin1. */
export function decodeReplies(bytes: Uint8Array): Decoded[] {
  const text = Buffer.from(bytes).toString('latin1');
  const replies: Decoded[] = [];
  let at = 0;
  while (at < text.length) replies.push(decodeOne());
  return replies;

  function decodeOne(): Decoded {
    const line = /[^\r\n]*\r\n/y;
    line.lastIndex = at;
    const header = line.exec(text)?.[0].slice(0, -2);
    if (header === undefined) throw new Error(`No reply at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    at += header.length + 2;
    const type = header[0] ?? '';
    const rest = header.slice(1);
    if (header === '_') return { type: 'null' };
    if (header === '$-1') return { type: 'nullBulk' };
    if (header === '*-1') return { type: 'nullArray' };
    if (header === '#t' || header === '#f') return { type: 'boolean', value: header === '#t' };
    if (type in LINES) return { type: LINES[type as keyof typeof LINES], text: rest };
    const size = /^(0|[1-9][0-9]*)$/.test(rest) ? Number(rest) : Number.NaN;
    if (type in BLOBS) {
      const payload = text.slice(at, at + size);
      at += size + 2;
      if (text.slice(at - 2, at) !== '\r\n') throw new Error(`No CRLF behind a payload of ${rest} bytes`);
      return { type: BLOBS[type as keyof typeof BLOBS], text: payload };
    }
    if (!(type in AGGREGATES) || Number.isNaN(size)) throw new Error(`No reply begins with ${JSON.stringify(header)}`);
    const items = Array.from({ length: type === '%' ? size * 2 : size }, decodeOne);
    return { type: AGGREGATES[type as keyof typeof AGGREGATES], items };
  }
}

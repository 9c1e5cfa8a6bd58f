/** A pattern that is longer can only match by repeating itself; it matches nothing. */
const MAX_PATTERN_BYTES = 1024;

/**
 * Whether `text` matches a pattern of Redis's kind (util.c, `stringmatchlen`): `*`, `?`, `[abc]`, `[^a-z]`, and `\`
 * before a character that stands for itself. Case is ignored. Text and pattern are ASCII. After a failure only the last `*` is
 * tried again, one character further on, so the cost is at most the product of the lengths.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  if (pattern.length > MAX_PATTERN_BYTES) return false;
  return matchesLower(text.toLowerCase(), pattern.toLowerCase());
}

/** Whether Redis takes this for a pattern, and not for one name (config.c, `configGetCommand`). */
export function isGlob(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

function matchesLower(text: string, pattern: string): boolean {
  let at = 0;
  let p = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      starAt = at;
      continue;
    }
    const next = p < pattern.length ? matchOne(pattern, p, text[at]!) : NO_MATCH;
    if (next !== NO_MATCH) {
      p = next;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

const NO_MATCH = -1;

/** @returns the index behind the element at `p` when it matches the character. */
function matchOne(pattern: string, p: number, character: string): number {
  switch (pattern[p]) {
    case '?':
      return p + 1;
    case '[':
      return matchClass(pattern, p + 1, character);
    case '\\':
      if (p + 1 < pattern.length) return pattern[p + 1] === character ? p + 2 : NO_MATCH;
  }
  return pattern[p] === character ? p + 1 : NO_MATCH;
}

/** @param p behind the `[`. A class that nothing closes ends with the pattern. */
function matchClass(pattern: string, p: number, character: string): number {
  const negated = pattern[p] === '^';
  let at = negated ? p + 1 : p;
  let matches = false;
  for (; at < pattern.length && pattern[at] !== ']'; at++) {
    if (pattern[at] === '\\' && at + 1 < pattern.length) {
      at++;
      matches ||= pattern[at] === character;
    } else if (pattern[at + 1] === '-' && at + 2 < pattern.length) {
      const [low, high] = [pattern[at]!, pattern[at + 2]!].sort() as [string, string];
      matches ||= low <= character && character <= high;
      at += 2;
    } else matches ||= pattern[at] === character;
  }
  return matches !== negated ? Math.min(at + 1, pattern.length) : NO_MATCH;
}

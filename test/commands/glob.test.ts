import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../src/commands/glob.ts';

/** A dumb twin for patterns without classes: every way to split the text, tried. */
function matchesSlowly(text: string, pattern: string): boolean {
  if (pattern === '') return text === '';
  const [first, rest] = [pattern[0], pattern.slice(1)];
  if (first === '*') {
    for (let i = 0; i <= text.length; i++) if (matchesSlowly(text.slice(i), rest)) return true;
    return false;
  }
  return text !== '' && (first === '?' || first === text[0]) && matchesSlowly(text.slice(1), rest);
}

describe('a glob', () => {
  it.each([
    ['maxmemory', 'maxmemory', true],
    ['maxmemory', 'MAX*', true],
    ['maxmemory', '*memory', true],
    ['maxmemory', 'max', false],
    ['maxmemory', 'max?emory', true],
    ['maxmemory', 'max[a-n]emory', true],
    ['maxmemory', 'max[n-a]emory', true],
    ['maxmemory', 'max[^m]emory', false],
    ['maxmemory', 'max[xym]emory', true],
    ['maxmemory', '*[y', true],
    ['maxmemory', '\\m*', true],
    ['a*b', 'a\\*b', true],
    ['axb', 'a\\*b', false],
    ['a]', 'a[\\]]', true],
    ['a-', 'a[a-]', false],
    ['a', '**', true],
    ['a', '[', false],
    ['\\', '\\', true],
  ])('%s against %s: %s', (text, pattern, expected) => {
    expect(matchesGlob(text, pattern)).toBe(expected);
  });

  it('matches what trying every split matches', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    fc.assert(
      fc.property(text, pattern, (t, p) => matchesGlob(t, p) === matchesSlowly(t, p)),
      { numRuns: 2000 },
    );
  });

  it('gives up a pattern made to take for ever', () => {
    expect(matchesGlob('a'.repeat(60), `${'a*'.repeat(60)}b`)).toBe(false);
    expect(matchesGlob('a', '*'.repeat(2000))).toBe(false);
  });
});

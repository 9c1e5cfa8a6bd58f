import { describe, expect, it } from 'vitest';
import { splitInlineArguments } from '../../src/resp/inline-arguments.ts';

const split = (line: string) => splitInlineArguments(Buffer.from(line, 'latin1'))?.map(arg => arg.toString('latin1'));

describe('an inline command', () => {
  it.each<[string, string[]]>([
    ['', []],
    [' \t\v\f ', []],
    ['PING', ['PING']],
    ['  set   k\tv  ', ['set', 'k', 'v']],
    ['set k ""', ['set', 'k', '']],
    ["set k ''", ['set', 'k', '']],
    ['"a b" \'c d\'', ['a b', 'c d']],
    ['a"b c" d', ['ab c', 'd']],
    ["a'b c'", ['ab c']],
    ['"\\x41\\xfF\\x00"', ['A\xff\x00']],
    ['"\\x4" "\\xg1" "\\x"', ['x4', 'xg1', 'x']],
    ['"\\n\\r\\t\\b\\a\\q\\\\\\""', ['\n\r\t\b\x07q\\"']],
    ["'\\n\\x41\\'\\\\.'", ["\\n\\x41'\\\\."]],
    ['\\n "\'" \'"\'', ['\\n', "'", '"']],
    ['a\vb\fc "d"\v"e"', ['a\vb\fc', 'd', 'e']],
    ['a\rb', ['a', 'b']],
    ['a\x00b "\x00"', ['a\x00b', '\x00']],
    ['\xc3\xa9', ['\xc3\xa9']],
  ])('%j splits into %j', (line, words) => {
    expect(split(line)).toEqual(words);
  });

  it.each(['"', "'", '"a', "'a", 'a"', '"a"b', "'a'b", '"a""b"', '"a\\"', '"a\\', "'a\\'"])(
    '%j is unbalanced',
    line => {
      expect(split(line)).toBeUndefined();
    },
  );

  it('gives arguments that do not share memory with its line', () => {
    const line = Buffer.from('set k v');
    const words = splitInlineArguments(line);
    line.fill(0);
    expect(words?.map(String)).toEqual(['set', 'k', 'v']);
  });
});

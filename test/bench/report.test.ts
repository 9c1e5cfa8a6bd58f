import { describe, expect, test } from 'vitest';
import { markdownTable, replaceSection } from '../../bench/harness/report.ts';

const PAGE =
  'Before\n<!-- figures: one -->\nold\n<!-- end: one -->\nbetween\n<!-- figures: two -->\n<!-- end: two -->\n';

describe('replaceSection', () => {
  test('replaces what stands between the marks of one section and nothing else', () => {
    const page = replaceSection(PAGE, 'one', 'new\n');
    expect(page).toBe(PAGE.replace('old', 'new'));
  });

  test('writes the same page when it is done again', () => {
    const page = replaceSection(PAGE, 'two', 'new');
    expect(replaceSection(page, 'two', 'new')).toBe(page);
  });

  test('refuses a section that the page does not have', () => {
    expect(() => replaceSection(PAGE, 'three', 'new')).toThrow('the page has no "<!-- figures: three -->"');
  });
});

test('a table in Markdown has its figures to the right', () => {
  expect(markdownTable(['what', 'n'], [['a', '1']])).toBe('| what | n |\n| --- | ---: |\n| a | 1 |');
});

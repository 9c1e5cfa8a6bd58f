import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const OUT = new URL('../out/', import.meta.url);
const DOCS = new URL('../../docs/', import.meta.url);

/** Writes a benchmark's whole result where it was asked to, else under its name to `bench/out/`. */
export function writeJson(name: string, file: string | undefined, result: unknown): void {
  mkdirSync(OUT, { recursive: true });
  writeFileSync(file ?? fileURLToPath(new URL(`${name}.json`, OUT)), `${JSON.stringify(result, undefined, 2)}\n`);
}

/** Puts tables into a page of `docs/`, so that nobody types a figure. */
export function writeDocs(sections: ReadonlyMap<string, string>, name = 'benchmarks.md'): void {
  const file = new URL(name, DOCS);
  let page = readFileSync(file, 'utf8');
  for (const [id, text] of sections) page = replaceSection(page, id, text);
  writeFileSync(file, page);
}

/**
 * Replaces what stands between `<!-- figures: id -->` and `<!-- end: id -->`.
 *
 * @throws an Error when the page has no such section.
 */
export function replaceSection(page: string, id: string, text: string): string {
  const [begin, end] = [`<!-- figures: ${id} -->`, `<!-- end: ${id} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`Cannot write the figures: the page has no "${begin}" … "${end}"`);
  return `${page.slice(0, from + begin.length)}\n${text.trim()}\n${page.slice(to)}`;
}

/** A table in Markdown; every column but the first stands to the right. */
export function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(headings), line(headings.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}

/** A whole number with commas between thousands. */
export const grouped = (value: number) => Math.round(value).toLocaleString('en-US');

export const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

export const mib = (bytes: number) => `${grouped(bytes / 2 ** 20)} MiB`;

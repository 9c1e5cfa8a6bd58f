/** Rows of text under headings, columns as wide as they must be; numbers stand to the right. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) => {
    return Math.max(heading.length, ...rows.map(row => (row[column] ?? '').length));
  });
  const isNumeric = headings.map((_, column) => rows.every(row => /^[\d.]+$/.test(row[column] ?? '')));
  const line = (cells: readonly string[]) => {
    const padded = widths.map((width, column) => {
      const cell = cells[column] ?? '';
      return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width);
    });
    return padded.join('  ').trimEnd();
  };
  return [headings, ...rows].map(line).join('\n');
}

import { expect, it } from 'vitest';
import { formatTable } from '../../src/cli/table.ts';

it('columns are as wide as their widest cell, numbers stand to the right, and no line ends in blanks', () => {
  const rows = [
    ['n1', '5461', 'alive'],
    ['node-with-a-name', '7', ''],
  ];
  expect(formatTable(['name', 'slots', 'status'], rows)).toBe(
    ['name              slots  status', 'n1                 5461  alive', 'node-with-a-name      7'].join('\n'),
  );
});

it('without rows there are the headings', () => {
  expect(formatTable(['name', 'status'], [])).toBe('name  status');
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_CELL, SlotTable } from '../../src/store/slot-table.ts';
import { visitFrom } from '../../src/store/slot-walk.ts';

/** Hashes spread evenly, crowded at both ends, and equal ones. */
const aHash = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.integer({ min: 0xfffffff0, max: 0xffffffff }),
  fc.integer({ min: 0, max: 3 }),
  fc.constant(0x80000000),
);

type Pair = readonly [hash: number, ref: number];

function cellOf(table: SlotTable, [hash, ref]: Pair): number {
  let cell = table.first(hash);
  while (cell !== NO_CELL && table.refAt(cell) !== ref) cell = table.next(cell);
  return cell;
}

function contents(table: SlotTable): Pair[] {
  const pairs: Pair[] = [];
  for (let cell = table.seek(0); cell !== NO_CELL; cell = table.following(cell)) {
    pairs.push([table.hashAt(cell), table.refAt(cell)]);
  }
  return pairs;
}

const byHash = (a: Pair, b: Pair) => a[0] - b[0] || a[1] - b[1];

test('a table holds what a plain list holds, in the order of hashes, through any insertions and removals', () => {
  const aStep = fc.oneof(
    { weight: 3, arbitrary: fc.record({ insert: aHash }) },
    { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(aStep, { maxLength: 300 }), fc.array(aHash, { maxLength: 5 }), (steps, strangers) => {
      const table = new SlotTable();
      const twin: Pair[] = [];
      let ref = 0;
      for (const step of steps) {
        if ('insert' in step) {
          twin.push([step.insert, ++ref]);
          table.insert(step.insert, ref);
        } else if (twin.length > 0) {
          const [pair] = twin.splice(step.remove % twin.length, 1);
          table.remove(cellOf(table, pair!));
        }
      }
      expect(table.count).toBe(twin.length);
      const held = contents(table);
      expect(held.map(([hash]) => hash)).toEqual(twin.map(([hash]) => hash).sort((a, b) => a - b));
      expect([...held].sort(byHash)).toEqual([...twin].sort(byHash));
      for (const pair of twin) expect(cellOf(table, pair)).not.toBe(NO_CELL);
      for (const hash of strangers) {
        expect(table.first(hash) !== NO_CELL).toBe(twin.some(pair => pair[0] === hash));
        const seeked = table.seek(hash);
        const next = Math.min(...twin.map(pair => pair[0]).filter(other => other >= hash));
        expect(seeked === NO_CELL ? Number.POSITIVE_INFINITY : table.hashAt(seeked)).toBe(next);
      }
    }),
    { numRuns: 200 },
  );
});

test('a table takes a thousand equal hashes: slow, never wrong', () => {
  const table = new SlotTable();
  for (let ref = 1; ref <= 1000; ref++) table.insert(0xffffffff, ref);
  expect(table.count).toBe(1000);
  expect(new Set(contents(table).map(([, ref]) => ref)).size).toBe(1000);
  for (let ref = 1; ref <= 1000; ref++) table.remove(cellOf(table, [0xffffffff, ref]));
  expect(table.count).toBe(0);
});

test('a table is tiny when small, stays below 24 bytes a record when large, and shrinks again', () => {
  const table = new SlotTable();
  expect(table.byteLength).toBeLessThanOrEqual(64);
  const pairs: Pair[] = [];
  for (let ref = 1; ref <= 20_000; ref++) {
    const pair = [Math.imul(ref, 0x9e3779b9) >>> 0, ref] as const;
    pairs.push(pair);
    table.insert(...pair);
  }
  expect(table.byteLength / table.count).toBeLessThan(24);
  for (const pair of pairs.slice(10)) table.remove(cellOf(table, pair));
  expect(table.byteLength).toBeLessThan(1000);
  expect(contents(table).length).toBe(10);
});

test('pages of a scan join up without gap or repetition while the table grows and shrinks between them', () => {
  const aPage = fc.record({ limit: fc.integer({ min: 1, max: 5 }), inserts: fc.array(aHash), removes: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(aHash, { minLength: 1, maxLength: 60 }), fc.array(aPage), (hashes, pages) => {
      const table = new SlotTable();
      let ref = 0;
      const staying = hashes.map(hash => [hash, ++ref] as const);
      for (const pair of staying) table.insert(...pair);
      const passing: Pair[] = [];
      const seen: number[] = [];
      let from = 0;
      for (let page = 0; from >= 0; page++) {
        const { limit, inserts, removes } = pages[page] ?? { limit: 3, inserts: [], removes: 0 };
        from = visitFrom(table, from, limit, cell => seen.push(table.refAt(cell))).hash;
        for (const hash of inserts) {
          passing.push([hash, ++ref]);
          table.insert(hash, ref);
        }
        for (const pair of passing.splice(0, removes)) table.remove(cellOf(table, pair));
      }
      expect(new Set(seen).size).toBe(seen.length);
      for (const [, stayed] of staying) expect(seen).toContain(stayed);
    }),
    { numRuns: 200 },
  );
});

test('a page of a scan never ends between two equal hashes', () => {
  const table = new SlotTable();
  for (let ref = 1; ref <= 10; ref++) table.insert(ref <= 6 ? 100 : 200, ref);
  let visited = 0;
  const stop = visitFrom(table, 0, 2, () => visited++);
  expect([visited, stop.hash]).toEqual([6, 200]);
  expect(visitFrom(table, 200, 4, () => visited++).hash).toBe(-1);
});

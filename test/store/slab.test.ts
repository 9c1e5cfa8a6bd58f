import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  blocksPerPage,
  blockUnitsOf,
  MAX_BLOCK_BYTES,
  PAGE_BYTES,
  SIZE_CLASS_COUNT,
  sizeClassOf,
  UNIT_BYTES,
} from '../../src/store/size-classes.ts';
import { byteOffset, doubleOffset, Slab, type SlabPage, wordOffset } from '../../src/store/slab.ts';

const aSize = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: MAX_BLOCK_BYTES }));

test('a block is at least as large as asked for, and wastes little', () => {
  for (let bytes = 1; bytes <= MAX_BLOCK_BYTES; bytes++) {
    const block = blockUnitsOf(sizeClassOf(bytes)) * UNIT_BYTES;
    if (block < bytes || block >= Math.max(33, bytes * 1.16 + UNIT_BYTES)) expect.fail(`${bytes} get ${block}`);
  }
});

test('the blocks of every class fill all but 2 % of a page', () => {
  for (let sizeClass = 0; sizeClass < SIZE_CLASS_COUNT; sizeClass++) {
    const bytes = blocksPerPage(sizeClass) * blockUnitsOf(sizeClass) * UNIT_BYTES;
    expect(bytes).toBeLessThan(PAGE_BYTES);
    expect(bytes).toBeGreaterThan(PAGE_BYTES * 0.98);
  }
});

interface Held {
  readonly ref: number;
  readonly bytes: number;
  readonly mark: number;
}

function paint(slab: Slab, { ref, bytes, mark }: Held): void {
  slab.pageOf(ref).bytes.fill(mark, byteOffset(ref), byteOffset(ref) + bytes);
}

function isIntact(slab: Slab, { ref, bytes, mark }: Held): boolean {
  const block = slab.pageOf(ref).bytes.subarray(byteOffset(ref), byteOffset(ref) + bytes);
  return block.length === bytes && block.every(byte => byte === mark);
}

test('blocks never overlap, whatever is allocated, freed and moved in between', () => {
  const aStep = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('allocate' as const), bytes: aSize, mark: fc.nat(255) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('free' as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('move' as const), pick: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(aStep, { maxLength: 150 }), steps => {
      const slab = new Slab();
      const held: Held[] = [];
      for (const step of steps) {
        if (step.kind === 'allocate') {
          const block = { ref: slab.allocate(step.bytes), bytes: step.bytes, mark: step.mark };
          expect(block.ref).toBeGreaterThan(0);
          expect(block.ref).toBeLessThan(2 ** 31);
          paint(slab, block);
          held.push(block);
        } else if (held.length > 0) {
          const at = step.pick % held.length;
          const block = held[at]!;
          if (step.kind === 'free') {
            slab.free(block.ref);
            held.splice(at, 1);
          } else {
            held[at] = { ...block, ref: slab.move(block.ref) };
          }
        }
      }
      expect(held.every(block => isIntact(slab, block))).toBe(true);
      const used = held.reduce((sum, { bytes }) => sum + blockUnitsOf(sizeClassOf(bytes)) * UNIT_BYTES, 0);
      expect(slab.usedBytes).toBe(used);
    }),
    { numRuns: 60 },
  );
});

test('words and doubles of a block are aligned views of its bytes', () => {
  const slab = new Slab();
  slab.allocate(40);
  const ref = slab.allocate(40);
  const page = slab.pageOf(ref);
  page.doubles[doubleOffset(ref) + 1] = Math.PI;
  page.words[wordOffset(ref)] = 0xfedcba98;
  const view = new DataView(page.bytes.buffer, byteOffset(ref), 40);
  expect([view.getFloat64(8, true), view.getFloat64(8, false)]).toContain(Math.PI);
  expect([view.getUint32(0, true), view.getUint32(0, false)]).toContain(0xfedcba98);
});

test('a page whose last block is freed goes back, but for one that is kept for the next need', () => {
  const slab = new Slab();
  const refs: number[] = [];
  while (slab.reservedBytes < 10 * PAGE_BYTES) refs.push(slab.allocate(1000));
  for (const ref of refs) slab.free(ref);
  expect(slab.usedBytes).toBe(0);
  expect(slab.reservedBytes).toBe(PAGE_BYTES);
  expect(refs.filter(ref => slab.pageOf(ref) !== undefined)).toEqual([]);
  slab.allocate(5000);
  expect(slab.reservedBytes).toBe(PAGE_BYTES);
});

test('freed blocks are used again before a new page is', () => {
  const slab = new Slab();
  const refs: number[] = [];
  for (let i = 0; i < 3000; i++) refs.push(slab.allocate(1000));
  const reserved = slab.reservedBytes;
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < refs.length; i += 2) slab.free(refs[i]!);
    for (let i = 0; i < refs.length; i += 2) refs[i] = slab.allocate(1000);
  }
  expect(slab.reservedBytes).toBe(reserved);
  expect(new Set(refs).size).toBe(refs.length);
});

test('pages left sparse are emptied by moving their blocks, and nothing is placed in them meanwhile', () => {
  const slab = new Slab();
  let held: Held[] = [];
  for (let i = 0; i < 10_000; i++) held.push({ ref: slab.allocate(1000), bytes: 1000, mark: i % 251 });
  for (const block of held) paint(slab, block);
  held
    .filter((_, i) => i % 10 !== 0)
    .forEach(({ ref }) => {
      slab.free(ref);
    });
  held = held.filter((_, i) => i % 10 === 0);
  const sparse = slab.reservedBytes;
  expect(slab.chooseLeaving()).toBeGreaterThan(6);
  const added: Held = { ref: slab.allocate(1000), bytes: 1000, mark: 255 };
  expect(slab.isLeaving(added.ref)).toBe(false);
  paint(slab, added);
  held = held.map(block => (slab.isLeaving(block.ref) ? { ...block, ref: slab.move(block.ref) } : block));
  expect([...held, added].every(block => isIntact(slab, block))).toBe(true);
  expect(slab.leavingCount).toBe(0);
  expect(slab.reservedBytes).toBeLessThan(sparse / 4);
  expect(slab.chooseLeaving()).toBe(0);
});

test('the largest block can be moved, though blocks of its class are somewhat larger still', () => {
  const slab = new Slab();
  const block: Held = { ref: slab.allocate(MAX_BLOCK_BYTES), bytes: MAX_BLOCK_BYTES, mark: 9 };
  paint(slab, block);
  expect(isIntact(slab, { ...block, ref: slab.move(block.ref) })).toBe(true);
});

test('a block of more than 32 KiB is refused, and freeing in an empty page is a bug that stops the process', () => {
  const slab = new Slab();
  expect(() => slab.allocate(MAX_BLOCK_BYTES + 1)).toThrow('larger than 32 KiB');
  const ref = slab.allocate(100);
  slab.free(ref);
  expect(() => slab.free(ref)).toThrow('its page holds none');
});

test('a page whose last block was freed gives its memory back at once, but for one that is kept', () => {
  const slab = new Slab();
  const pages: SlabPage[] = [];
  const refs: number[] = [];
  for (let i = 0; i < 4 * blocksPerPage(sizeClassOf(MAX_BLOCK_BYTES)); i++) {
    const ref = slab.allocate(MAX_BLOCK_BYTES);
    refs.push(ref);
    pages.push(slab.pageOf(ref));
  }
  const lengths = () => [...new Set(pages)].map(({ bytes }) => bytes.length).sort((a, b) => a - b);
  expect(lengths()).toEqual(Array(4).fill(PAGE_BYTES));
  for (const ref of refs) slab.free(ref);
  expect(lengths()).toEqual([0, 0, 0, PAGE_BYTES]);
  expect(slab.reservedBytes).toBe(PAGE_BYTES);
  slab.clear();
  expect(lengths()).toEqual([0, 0, 0, 0]);
});

/** Bytes of a page of the slab. */
export const PAGE_BYTES = 1 << 20;
/** Blocks begin at multiples of this and are as many units long. */
export const UNIT_BYTES = 16;
export const UNITS_PER_PAGE = PAGE_BYTES / UNIT_BYTES;
/** The first unit of every page belongs to no block, so that no block has the ref 0. */
const FIRST_UNIT = 1;
const MIN_BLOCK_UNITS = 2;
/** The greatest block, 32 KiB. */
export const MAX_BLOCK_BYTES = 32 * 1024;

/**
 * The block sizes of the slab. Each is at least an eighth above the one before, and then as large as it can be while
 * the same number of blocks still fits a page. So a block wastes 11 % of itself at most once sizes are far above the
 * unit of 16 bytes (J. Bonwick, "The Slab Allocator", 1994, §3.2; the spacing is jemalloc's halved).
 */
const BLOCK_UNITS: readonly number[] = blockUnits();

function blockUnits(): number[] {
  const usable = UNITS_PER_PAGE - FIRST_UNIT;
  const sizes: number[] = [];
  let units = MIN_BLOCK_UNITS;
  while (sizes.length === 0 || sizes[sizes.length - 1]! * UNIT_BYTES < MAX_BLOCK_BYTES) {
    const perPage = Math.floor(usable / units);
    units = Math.floor(usable / perPage);
    sizes.push(units);
    units = Math.max(units + 1, Math.floor((units * 9) / 8));
  }
  return sizes;
}

/** The class of a block of so many units: `CLASS_OF_UNITS[units]`. */
const CLASS_OF_UNITS = new Uint8Array(BLOCK_UNITS[BLOCK_UNITS.length - 1]! + 1);
for (let units = 0, sizeClass = 0; units < CLASS_OF_UNITS.length; units++) {
  if (units > BLOCK_UNITS[sizeClass]!) sizeClass++;
  CLASS_OF_UNITS[units] = sizeClass;
}

export const SIZE_CLASS_COUNT = BLOCK_UNITS.length;

/** The least class whose blocks hold `bytes`, which is at most `MAX_BLOCK_BYTES`. */
export function sizeClassOf(bytes: number): number {
  return CLASS_OF_UNITS[(bytes + UNIT_BYTES - 1) >>> 4]!;
}

/** Length in units of this class's blocks. */
export function blockUnitsOf(sizeClass: number): number {
  return BLOCK_UNITS[sizeClass]!;
}

/** How many blocks of this class a page holds. */
export function blocksPerPage(sizeClass: number): number {
  return Math.floor((UNITS_PER_PAGE - FIRST_UNIT) / BLOCK_UNITS[sizeClass]!);
}

/** The unit at which the `index`-th block of a page of this class begins. */
export function unitOfBlock(sizeClass: number, index: number): number {
  return FIRST_UNIT + index * BLOCK_UNITS[sizeClass]!;
}

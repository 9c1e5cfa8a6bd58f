import { assert } from '../lib/assert.ts';
import {
  blocksPerPage,
  blockUnitsOf,
  MAX_BLOCK_BYTES,
  PAGE_BYTES,
  SIZE_CLASS_COUNT,
  sizeClassOf,
  UNIT_BYTES,
  unitOfBlock,
} from './size-classes.ts';

/**
 * A block: `page index × 65,536 + unit in the page`, less than 2^31; 0 is none. A small integer to V8, so that tables
 * of refs hold no pointers for the collector to follow.
 */
export type BlockRef = number;

export const NO_BLOCK: BlockRef = 0;

/** Page indexes fit the bits of a ref above the unit: 32 GiB of pages. */
const MAX_PAGES = 1 << 15;
const PAGE_SHIFT = 16;
const UNIT_MASK = 0xffff;
const NO_LIST = -1;

/** One mebibyte, cut into blocks of one size. Its fields are `Slab`'s; others read and write the bytes of blocks. */
export class SlabPage {
  readonly bytes: Buffer;
  /** The same memory by 4 and by 8 bytes, in the order of this machine; nothing of it ever leaves the process. */
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  sizeClass = 0;
  /** Blocks handed out and not yet freed. */
  used = 0;
  /** Blocks below this index have been handed out at least once; the memory above is untouched. */
  fresh = 0;
  /** Unit of the first block that was freed; its first word holds the unit of the next one. 0 ends the list. */
  freeUnit = 0;
  /** Where the page stands in its class's list of pages with room; -1 when it is full or being emptied. */
  listedAt = NO_LIST;
  /** Set while `Slab` wants the page empty: nothing is placed in it any more. */
  leaving = false;

  constructor() {
    this.bytes = Buffer.allocUnsafeSlow(PAGE_BYTES);
    this.words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, PAGE_BYTES / 4);
    this.doubles = new Float64Array(this.bytes.buffer, this.bytes.byteOffset, PAGE_BYTES / 8);
  }

  /**
   * Gives the memory back now, by detaching it. Left to the collector it stays for as long as nothing else makes that
   * run: a node whose keys have expired and that has nothing to do would keep it for ever.
   */
  release(): void {
    (this.bytes.buffer as ArrayBuffer).transfer(0);
  }
}

/**
 * An allocator of blocks of 32 bytes to 32 KiB outside the JavaScript heap.
 *
 *     page (1 MiB), class of 96-byte blocks       freeUnit ──┐
 *     ┌────┬────────┬────────┬────────┬────────┬─────────    ▼
 *     │ 16 │ block  │ freed ●──▶ 0   │ block  │ freed ●──▶ (the one before) … untouched
 *     └────┴────────┴────────┴────────┴────────┴─────────
 *
 * A page serves one size class and carries its own free list, so an allocation is a handful of loads and a page whose
 * last block is freed goes back as a whole; one empty page at most is kept for the next need. What fragmentation holds
 * back (many pages, each nearly empty) is returned by moving blocks: see `chooseLeaving`.
 */
export class Slab {
  readonly #pages: (SlabPage | undefined)[] = [];
  readonly #freeIndexes: number[] = [];
  /** For each class the indexes of its pages that have room and are not leaving. */
  readonly #roomy: number[][] = Array.from({ length: SIZE_CLASS_COUNT }, () => []);
  #spare: SlabPage | undefined;
  #usedBytes = 0;
  #pageCount = 0;
  #leavingCount = 0;
  /** A block was freed since pages were last chosen: nothing else makes another one worth emptying. */
  #hasFreed = false;

  /** Bytes of all blocks handed out. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes of all pages, the spare one included. */
  get reservedBytes(): number {
    return (this.#pageCount + (this.#spare === undefined ? 0 : 1)) * PAGE_BYTES;
  }

  /** A block of at least `bytes` bytes, 1…32 KiB; what it holds is undefined. */
  allocate(bytes: number): BlockRef {
    assert(bytes <= MAX_BLOCK_BYTES, 'Cannot allocate a block: it would be larger than 32 KiB');
    return this.#allocateIn(sizeClassOf(bytes));
  }

  /** Takes a block back. Its ref, and every offset into it, means nothing any more. */
  free(ref: BlockRef): void {
    const index = ref >>> PAGE_SHIFT;
    const unit = ref & UNIT_MASK;
    const page = this.#pages[index];
    assert(page !== undefined && page.used > 0, 'Cannot free a block: its page holds none');
    page.words[unit << 2] = page.freeUnit;
    page.freeUnit = unit;
    page.used--;
    this.#hasFreed = true;
    this.#usedBytes -= blockUnitsOf(page.sizeClass) * UNIT_BYTES;
    if (page.used === 0) this.#removePage(index, page);
    else if (page.listedAt === NO_LIST && !page.leaving) this.#list(index, page);
  }

  /** The page that holds a block. */
  pageOf(ref: BlockRef): SlabPage {
    return this.#pages[ref >>> PAGE_SHIFT]!;
  }

  /** Whether a block of `bytes` bytes would be as large as the one of this ref, so that it can be reused as it is. */
  fits(ref: BlockRef, bytes: number): boolean {
    return bytes <= MAX_BLOCK_BYTES && this.#pages[ref >>> PAGE_SHIFT]!.sizeClass === sizeClassOf(bytes);
  }

  /**
   * Picks pages to empty: those at most half full, emptiest first, as long as the rest of their class has room for
   * their blocks. The owner of the refs then moves each block for which `isLeaving`, and the pages go back.
   *
   * @returns how many pages are leaving now.
   */
  chooseLeaving(): number {
    if (this.#hasFreed) {
      this.#hasFreed = false;
      for (let sizeClass = 0; sizeClass < SIZE_CLASS_COUNT; sizeClass++) this.#chooseLeavingOf(sizeClass);
    }
    return this.#leavingCount;
  }

  /** Pages chosen and not yet empty. */
  get leavingCount(): number {
    return this.#leavingCount;
  }

  isLeaving(ref: BlockRef): boolean {
    return this.#pages[ref >>> PAGE_SHIFT]!.leaving;
  }

  /** Moves a block to another page; its old ref is free. */
  move(ref: BlockRef): BlockRef {
    const from = this.pageOf(ref);
    const length = blockUnitsOf(from.sizeClass) * UNIT_BYTES;
    const moved = this.#allocateIn(from.sizeClass);
    const start = byteOffset(ref);
    from.bytes.copy(this.pageOf(moved).bytes, byteOffset(moved), start, start + length);
    this.free(ref);
    return moved;
  }

  /** Frees every block. */
  clear(): void {
    for (const page of this.#pages) page?.release();
    this.#spare?.release();
    this.#pages.length = 0;
    this.#freeIndexes.length = 0;
    for (const roomy of this.#roomy) roomy.length = 0;
    this.#spare = undefined;
    this.#usedBytes = 0;
    this.#pageCount = 0;
    this.#leavingCount = 0;
  }

  #chooseLeavingOf(sizeClass: number): void {
    const perPage = blocksPerPage(sizeClass);
    const roomy = this.#roomy[sizeClass]!;
    let free = 0;
    for (const index of roomy) free += perPage - this.#pages[index]!.used;
    if (free < perPage) return;
    const byUse = [...roomy].sort((a, b) => this.#pages[a]!.used - this.#pages[b]!.used);
    for (const index of byUse) {
      const page = this.#pages[index]!;
      free -= perPage;
      if (free < 0 || page.used > perPage / 2) return;
      this.#unlist(index, page);
      page.leaving = true;
      this.#leavingCount++;
    }
  }

  #allocateIn(sizeClass: number): BlockRef {
    const roomy = this.#roomy[sizeClass]!;
    const index = roomy.length > 0 ? roomy[roomy.length - 1]! : this.#addPage(sizeClass);
    const page = this.#pages[index]!;
    let unit = page.freeUnit;
    if (unit !== 0) {
      page.freeUnit = page.words[unit << 2]!;
    } else {
      unit = unitOfBlock(sizeClass, page.fresh);
      page.fresh++;
    }
    page.used++;
    this.#usedBytes += blockUnitsOf(sizeClass) * UNIT_BYTES;
    if (page.used === blocksPerPage(sizeClass)) this.#unlist(index, page);
    return (index << PAGE_SHIFT) | unit;
  }

  #addPage(sizeClass: number): number {
    const index = this.#freeIndexes.pop() ?? this.#pages.length;
    assert(index < MAX_PAGES, 'Cannot allocate a block: 32 GiB of pages are in use');
    const page = this.#spare ?? new SlabPage();
    this.#spare = undefined;
    page.sizeClass = sizeClass;
    page.used = 0;
    page.fresh = 0;
    page.freeUnit = 0;
    page.leaving = false;
    this.#pages[index] = page;
    this.#pageCount++;
    this.#list(index, page);
    return index;
  }

  #removePage(index: number, page: SlabPage): void {
    if (page.leaving) this.#leavingCount--;
    else if (page.listedAt !== NO_LIST) this.#unlist(index, page);
    this.#pages[index] = undefined;
    this.#freeIndexes.push(index);
    this.#pageCount--;
    if (this.#spare === undefined) this.#spare = page;
    else page.release();
  }

  #list(index: number, page: SlabPage): void {
    const roomy = this.#roomy[page.sizeClass]!;
    page.listedAt = roomy.length;
    roomy.push(index);
  }

  #unlist(index: number, page: SlabPage): void {
    const roomy = this.#roomy[page.sizeClass]!;
    const last = roomy.pop()!;
    if (last !== index) {
      roomy[page.listedAt] = last;
      this.#pages[last]!.listedAt = page.listedAt;
    }
    page.listedAt = NO_LIST;
  }
}

/** Offset in bytes of a block in its page. */
export function byteOffset(ref: BlockRef): number {
  return (ref & UNIT_MASK) << 4;
}

/** Offset of a block in its page's `words`. */
export function wordOffset(ref: BlockRef): number {
  return (ref & UNIT_MASK) << 2;
}

/** Offset of a block in its page's `doubles`. */
export function doubleOffset(ref: BlockRef): number {
  return (ref & UNIT_MASK) << 1;
}

import { assert } from '../lib/assert.ts';

/** The greatest hash of a key. */
export const LAST_HASH = 0xffff_ffff;

/** No such cell. */
export const NO_CELL = -1;

const MIN_BITS = 2;
/** Homes stop doubling here (1 GiB of cells); more records than that in one slot only make it slower. */
const MAX_BITS = 27;

/**
 * The records of one slot by the 32-bit hash of their keys: open addressing with linear probing, kept *sorted* (O.
 * Amble and D. E. Knuth, "Ordered hash tables", The Computer Journal 17(2), 1974).
 *
 * A cell is two words, the hash and the record's ref (0: empty). The home of a hash is its top bits, so homes rise with
 * hashes, and because every cell stands at or after its home, in order of its hash, the whole table read from left to
 * right is sorted. With 8 homes (top 3 bits; hashes shown as home.rest) and a spill of 2:
 *
 *     home      0     1     2     3     4     5     6     7   spill
 *     cell   │ 0.3 │ 0.7 │ 1.2 │     │ 4.1 │     │     │ 7.5 │ 7.6 │     │
 *
 * That gives three things at once. A search ends at the first greater hash. A range of hashes is a contiguous run of
 * cells, which a scan resumes by hash alone, whatever was inserted, deleted or resized meanwhile. And a rebuild is one
 * pass in order. There is no wrap-around: cells pushed past the last home stand in the spill, which grows when it is
 * full, so that even equal hashes without end are only slow, never wrong.
 *
 * Deletion moves the rest of the run one cell back (Knuth, TAOCP vol. 3, §6.4, algorithm R), so there are no tombstone
 * cells. The table doubles above 3/4 full and halves below 3/16.
 *
 * Limit: equal hashes are searched one by one. Hashes are keyed, so nobody who does not know the key can make them.
 */
export class SlotTable {
  #bits = MIN_BITS;
  #cells = new Uint32Array(2 * ((1 << MIN_BITS) + usualSpill(MIN_BITS)));
  #count = 0;
  #generation = 0;

  /** How many records the table refers to. */
  get count(): number {
    return this.#count;
  }

  /** Changes whenever cells may have moved. */
  get generation(): number {
    return this.#generation;
  }

  /** Memory of the cells. */
  get byteLength(): number {
    return this.#cells.byteLength;
  }

  /** The first cell with this hash, or `NO_CELL`. */
  first(hash: number): number {
    const cells = this.#cells;
    for (let at = (hash >>> (32 - this.#bits)) << 1; at < cells.length; at += 2) {
      if (cells[at + 1] === 0) return NO_CELL;
      const held = cells[at]!;
      if (held >= hash) return held === hash ? at : NO_CELL;
    }
    return NO_CELL;
  }

  /** The cell after `cell` if it has the same hash, or `NO_CELL`. */
  next(cell: number): number {
    const cells = this.#cells;
    const at = cell + 2;
    return at < cells.length && cells[at + 1] !== 0 && cells[at] === cells[cell] ? at : NO_CELL;
  }

  /** The first cell whose hash is at least `hash`, or `NO_CELL`. */
  seek(hash: number): number {
    const cells = this.#cells;
    for (let at = (hash >>> (32 - this.#bits)) << 1; at < cells.length; at += 2) {
      if (cells[at + 1] !== 0 && cells[at]! >= hash) return at;
    }
    return NO_CELL;
  }

  /** The occupied cell after `cell` in the order of hashes, or `NO_CELL`. */
  following(cell: number): number {
    const cells = this.#cells;
    for (let at = cell + 2; at < cells.length; at += 2) if (cells[at + 1] !== 0) return at;
    return NO_CELL;
  }

  hashAt(cell: number): number {
    return this.#cells[cell]!;
  }

  refAt(cell: number): number {
    return this.#cells[cell + 1]!;
  }

  /** Points an occupied cell at another record of the same key. */
  setRef(cell: number, ref: number): void {
    this.#cells[cell + 1] = ref;
  }

  /** Adds a record whose key the table does not have; `ref` is not 0. */
  insert(hash: number, ref: number): void {
    if (4 * (this.#count + 1) > 3 << this.#bits && this.#bits < MAX_BITS) this.#rebuild(this.#bits + 1, 0);
    while (!this.#place(hash, ref)) this.#rebuild(this.#bits, 2 * this.#spill());
    this.#count++;
    this.#generation++;
  }

  /** Takes an occupied cell out. */
  remove(cell: number): void {
    const cells = this.#cells;
    assert(cells[cell + 1] !== 0, 'Cannot remove a cell: it is empty');
    const shift = 32 - this.#bits;
    let hole = cell;
    for (let at = cell + 2; at < cells.length && cells[at + 1] !== 0; at += 2) {
      if ((cells[at]! >>> shift) << 1 === at) break;
      cells[hole] = cells[at]!;
      cells[hole + 1] = cells[at + 1]!;
      hole = at;
    }
    cells[hole + 1] = 0;
    this.#count--;
    this.#generation++;
    if (this.#bits > MIN_BITS && 16 * this.#count < 3 << this.#bits) this.#rebuild(this.#bits - 1, 0);
  }

  /** Puts the pair in its place, moving greater ones to the right; false when the spill is full. */
  #place(hash: number, ref: number): boolean {
    const cells = this.#cells;
    let at = (hash >>> (32 - this.#bits)) << 1;
    while (at < cells.length && cells[at + 1] !== 0 && cells[at]! <= hash) at += 2;
    let end = at;
    while (end < cells.length && cells[end + 1] !== 0) end += 2;
    if (end >= cells.length) return false;
    for (; end > at; end -= 2) {
      cells[end] = cells[end - 2]!;
      cells[end + 1] = cells[end - 1]!;
    }
    cells[at] = hash;
    cells[at + 1] = ref;
    return true;
  }

  #spill(): number {
    return (this.#cells.length >>> 1) - (1 << this.#bits);
  }

  /** Lays the cells out again over `2^bits` homes and a spill of at least `minSpill`. */
  #rebuild(bits: number, minSpill: number): void {
    const old = this.#cells;
    const shift = 32 - bits;
    let end = 0;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== 0) end = Math.max(end, old[at]! >>> shift) + 1;
    }
    const spill = Math.max(minSpill, usualSpill(bits), end - (1 << bits));
    const cells = new Uint32Array(2 * ((1 << bits) + spill));
    let to = 0;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue;
      to = Math.max(to, (old[at]! >>> shift) << 1);
      cells[to] = old[at]!;
      cells[to + 1] = old[at + 1]!;
      to += 2;
    }
    this.#bits = bits;
    this.#cells = cells;
  }
}

/** Displacement grows with the logarithm of the table; twice that is rarely exceeded. */
function usualSpill(bits: number): number {
  return 2 * (bits - 1);
}

import { SLOT_COUNT } from '../lib/slots.ts';
import type { PackedRecords, RecordRef } from './packed-records.ts';
import { SlotSet } from './slot-set.ts';
import { NO_CELL, SlotTable } from './slot-table.ts';

/**
 * From keys to records: a table for each slot that has any. A place in it is a slot and a cell of the slot's table,
 * good until a key of the slot is added or removed.
 */
export class KeyIndex {
  /** The slots that have keys. */
  readonly slots = new SlotSet();
  readonly #records: PackedRecords;
  readonly #tables: (SlotTable | undefined)[] = new Array<undefined>(SLOT_COUNT).fill(undefined);
  #byteLength = 0;

  constructor(records: PackedRecords) {
    this.#records = records;
  }

  /** Memory of all tables. */
  get byteLength(): number {
    return this.#byteLength;
  }

  tableOf(slot: number): SlotTable | undefined {
    return this.#tables[slot];
  }

  /** The cell of the key in its slot's table, or `NO_CELL`. */
  locate(slot: number, hash: number, key: Uint8Array): number {
    const table = this.#tables[slot];
    if (table === undefined) return NO_CELL;
    let cell = table.first(hash);
    while (cell !== NO_CELL && !this.#records.keyEquals(table.refAt(cell), key)) cell = table.next(cell);
    return cell;
  }

  /** The record in a cell; 0 for `NO_CELL`. */
  refAt(slot: number, cell: number): RecordRef {
    return cell === NO_CELL ? 0 : this.#tables[slot]!.refAt(cell);
  }

  hashAt(slot: number, cell: number): number {
    return this.#tables[slot]!.hashAt(cell);
  }

  /** Points the key's cell at another record. */
  setRef(slot: number, cell: number, ref: RecordRef): void {
    this.#tables[slot]!.setRef(cell, ref);
  }

  /** Adds the record of a key that has none. */
  insert(slot: number, hash: number, ref: RecordRef): void {
    const table = this.#tables[slot] ?? new SlotTable();
    const before = this.#tables[slot] === undefined ? 0 : table.byteLength;
    this.#tables[slot] = table;
    this.slots.add(slot);
    table.insert(hash, ref);
    this.#byteLength += table.byteLength - before;
  }

  /** Takes out a cell, and the slot's table with its last one. */
  remove(slot: number, cell: number): void {
    const table = this.#tables[slot]!;
    const before = table.byteLength;
    table.remove(cell);
    if (table.count === 0) {
      this.#tables[slot] = undefined;
      this.slots.delete(slot);
    }
    this.#byteLength += (table.count === 0 ? 0 : table.byteLength) - before;
  }

  /** Takes the slot's table out, with all its cells. */
  drop(slot: number): SlotTable | undefined {
    const table = this.#tables[slot];
    if (table === undefined) return undefined;
    this.#tables[slot] = undefined;
    this.slots.delete(slot);
    this.#byteLength -= table.byteLength;
    return table;
  }

  clear(): void {
    this.#tables.fill(undefined);
    this.slots.clear();
    this.#byteLength = 0;
  }
}

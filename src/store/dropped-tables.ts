import type { PackedRecords } from './packed-records.ts';
import { NO_CELL, type SlotTable } from './slot-table.ts';

/** Tables of slots that were dropped whole: nothing finds their records any more, which are freed a few at a time. */
export class DroppedTables {
  readonly #records: PackedRecords;
  readonly #waiting: SlotTable[] = [];
  #table: SlotTable | undefined;
  /** Where to go on in it. */
  #cell = NO_CELL;

  constructor(records: PackedRecords) {
    this.#records = records;
  }

  add(table: SlotTable): void {
    this.#waiting.push(table);
  }

  /** @returns how many records were freed, `budget` at most. */
  free(budget: number): number {
    for (let freed = 0; freed < budget; ) {
      if (this.#table === undefined || this.#cell === NO_CELL) {
        this.#table = this.#waiting.pop();
        if (this.#table === undefined) return freed;
        this.#cell = this.#table.seek(0);
        continue;
      }
      this.#records.remove(this.#table.refAt(this.#cell));
      this.#cell = this.#table.following(this.#cell);
      freed++;
    }
    return budget;
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#table = undefined;
  }
}

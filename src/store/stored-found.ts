import type { Found, ValueSink } from './outcome.ts';
import type { RecordRef, RecordStore } from './record-store.ts';

/** A live record of the store seen as a `Found`. One object serves read after read, so a hit allocates nothing. */
export class StoredFound implements Found {
  #store: RecordStore | undefined;
  #ref: RecordRef = 0;

  /** Turns to another record. Good until the store changes. */
  at(store: RecordStore, ref: RecordRef): this {
    this.#store = store;
    this.#ref = ref;
    return this;
  }

  get length(): number {
    return this.#store!.valueLength(this.#ref);
  }

  get expiryAtMs(): number {
    return this.#store!.expiryAtMs(this.#ref);
  }

  writeValue(sink: ValueSink): void {
    this.#store!.writeValue(this.#ref, sink);
  }
}

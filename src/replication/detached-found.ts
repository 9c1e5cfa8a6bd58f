import type { Found, ValueSink } from '../store/outcome.ts';

const NO_VALUE = new Uint8Array(0);

/** A live value apart from any store: another node's answer, or what a write has replaced. */
export class DetachedFound implements Found {
  readonly length: number;
  readonly expiryAtMs: number;
  readonly #value: Uint8Array;

  constructor(length: number, expiryAtMs: number, value: Uint8Array) {
    this.length = length;
    this.expiryAtMs = expiryAtMs;
    this.#value = value;
  }

  /** What was found, to keep; without the value where only its length and expiry matter. */
  static copyOf(found: Found, withValue: boolean): DetachedFound {
    return new DetachedFound(found.length, found.expiryAtMs, withValue ? bytesOf(found) : NO_VALUE);
  }

  writeValue(sink: ValueSink): void {
    sink.bulk(this.#value);
  }
}

/** The value's bytes, a copy unless they never change. */
export function bytesOf(found: Found): Uint8Array {
  let value: Uint8Array = NO_VALUE;
  found.writeValue({
    bulk: bytes => {
      value = bytes;
    },
    bulkRange: (source, start, end) => {
      value = Uint8Array.prototype.slice.call(source, start, end);
    },
  });
  return value;
}

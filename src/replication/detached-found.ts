import type { Found, ValueSink } from '../store/outcome.ts';

/** A live value that is not in this node's store: another node's answer, or what a write has replaced. */
export class DetachedFound implements Found {
  readonly length: number;
  readonly expiryAtMs: number;
  readonly #value: Uint8Array;

  constructor(length: number, expiryAtMs: number, value: Uint8Array) {
    this.length = length;
    this.expiryAtMs = expiryAtMs;
    this.#value = value;
  }

  writeValue(sink: ValueSink): void {
    sink.bulk(this.#value);
  }
}

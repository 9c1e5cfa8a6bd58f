/** What a record keeps outside the slab; undefined is inline, or absent. */
interface LargeEntry {
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
}

/** A Buffer is kept as it is if at most a quarter of its own length is pinned beside it. */
const MAX_WASTE = 0.25;

/**
 * Keys and values too large for the slab, each in a Buffer of its own that nobody changes again: a value goes to
 * replies and to the bus by reference, and outlives its record there.
 */
export class LargeTable {
  readonly #entries: (LargeEntry | undefined)[] = [];
  readonly #freeIndexes: number[] = [];
  #bytes = 0;

  /** Bytes of memory that the entries keep alive. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a copy of the key, and the value itself where `adopt` can; returns the entry's index. */
  add(key: Uint8Array | undefined, value: Uint8Array | undefined): number {
    const entry = {
      key: key === undefined ? undefined : copyOf(key),
      value: value === undefined ? undefined : adopt(value),
    };
    const index = this.#freeIndexes.pop() ?? this.#entries.length;
    this.#entries[index] = entry;
    this.#bytes += pinnedBytes(entry);
    return index;
  }

  keyAt(index: number): Buffer | undefined {
    return this.#entries[index]!.key;
  }

  valueAt(index: number): Buffer | undefined {
    return this.#entries[index]!.value;
  }

  remove(index: number): void {
    this.#bytes -= pinnedBytes(this.#entries[index]!);
    this.#entries[index] = undefined;
    this.#freeIndexes.push(index);
  }

  clear(): void {
    this.#entries.length = 0;
    this.#freeIndexes.length = 0;
    this.#bytes = 0;
  }
}

/** The same bytes as a Buffer that pins little else: the one given where possible, else a copy. */
function adopt(bytes: Uint8Array): Buffer {
  if (bytes.buffer.byteLength - bytes.length > MAX_WASTE * bytes.length) return copyOf(bytes);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

function pinnedBytes(entry: LargeEntry): number {
  return (entry.key?.buffer.byteLength ?? 0) + (entry.value?.buffer.byteLength ?? 0);
}

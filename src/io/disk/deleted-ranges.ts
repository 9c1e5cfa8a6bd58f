type Bytes = Uint8Array;

/** From `from` up to but without `to`; `at` says which change of its batch it is. */
export interface DeletedRange {
  readonly at: number;
  readonly from: Bytes;
  readonly to: Bytes;
}

/**
 * The ranges that one batch deletes, ready to be asked for keys. All their ends, in order, cut the keys into intervals, of each of which the last
 * range that has it is noted:
 *
 *     0: a–e, 1: c–g     ends a c e g     last a–c 0, c–e 1, e–g 1
 */
export class DeletedRanges {
  readonly #ends: readonly Bytes[];
  /** By the interval behind that end; -1 for those in no range. */
  readonly #last: Int32Array;

  constructor(ranges: readonly DeletedRange[]) {
    const sorted = ranges.flatMap(({ from, to }) => [from, to]).sort(Buffer.compare);
    this.#ends = sorted.filter((end, i) => i === 0 || Buffer.compare(sorted[i - 1]!, end) !== 0);
    this.#last = new Int32Array(this.#ends.length).fill(-1);
    // The last range comes first, and each interval is noted once: `next` leads past those that are.
    const next = Int32Array.from({ length: this.#ends.length + 1 }, (_, i) => i);
    const open = (i: number): number => {
      while (next[i] !== i) {
        next[i] = next[next[i]!]!;
        i = next[i]!;
      }
      return i;
    };
    for (const { at, from, to } of ranges.toSorted((a, b) => b.at - a.at)) {
      const end = this.#intervalOf(to);
      for (let i = open(this.#intervalOf(from)); i < end; i = open(i)) {
        this.#last[i] = at;
        next[i] = i + 1;
      }
    }
  }

  /** Which change of the batch deletes the key last; -1 if none does. */
  lastOver(key: Bytes): number {
    const interval = this.#intervalOf(key);
    return interval < 0 ? -1 : this.#last[interval]!;
  }

  /** What all of them have, in order, as few pieces as it can be. */
  *union(): Generator<readonly [from: Bytes, to: Bytes]> {
    for (let i = 0; i < this.#ends.length; i++) {
      if (this.#last[i] === -1) continue;
      const from = this.#ends[i]!;
      while (this.#last[i + 1] !== -1) i++;
      yield [from, this.#ends[++i]!];
    }
  }

  /** The last end that is not behind the key. */
  #intervalOf(key: Bytes): number {
    let [low, high] = [0, this.#ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Buffer.compare(this.#ends[middle]!, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

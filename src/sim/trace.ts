/** What an event in the trace is; the numbers are part of the hash. */
export const TraceKind = {
  tick: 1,
  message: 2,
  lost: 3,
  linkUp: 4,
  linkDown: 5,
  heard: 6,
  request: 7,
  reply: 8,
  start: 9,
  crash: 10,
  fault: 11,
} as const;

export type TraceKind = (typeof TraceKind)[keyof typeof TraceKind];

/**
 * A running hash over everything that happens in a simulation: time, kind, endpoints and bytes of every event, in
 * order. Two runs with one hash were the same run. Two 32-bit lanes of multiply and rotate in the manner of FNV-1a and
 * MurmurHash3: quick, and nobody is trying to fool it.
 */
export class Trace {
  #low = 0x811c9dc5;
  #high = 0x6c62272e;
  #events = 0;
  readonly #time = new Float64Array(1);
  readonly #timeWords = new Uint32Array(this.#time.buffer);

  /** How many events there were. */
  get events(): number {
    return this.#events;
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  /** @param from index of a node or client, as `to`; -1 where there is none. */
  note(kind: TraceKind, atMs: number, from: number, to: number, bytes?: Uint8Array): void {
    this.#events++;
    this.#time[0] = atMs;
    this.#word(kind | (from << 8) | (to << 20));
    this.#word(this.#timeWords[0]!);
    this.#word(this.#timeWords[1]!);
    if (bytes !== undefined) this.bytes(bytes);
  }

  #word(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193);
    this.#low = (this.#low << 13) | (this.#low >>> 19);
    this.#high = Math.imul(this.#high + word, 0x85ebca6b) ^ this.#low;
  }

  /** Adds to the last event. */
  bytes(bytes: Uint8Array): void {
    const { length } = bytes;
    const whole = length & ~3;
    for (let i = 0; i < whole; i += 4) {
      this.#word(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    }
    for (let i = whole; i < length; i++) this.#word(bytes[i]!);
    this.#word(length);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

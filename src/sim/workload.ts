import { drawBelow, drawChance, drawFraction } from '../lib/draw.ts';
import type { Random } from '../ports/random.ts';
import { encodeValue, type OperationCommand } from './operation.ts';

/**
 * What may happen to a key, told by its name. Keys that are only ever written make the sharpest check: once a write
 * was acknowledged, nil is wrong for ever.
 */
type KeyClass = 'kept' | 'deleted' | 'expiring';

/** Which classes keys are of, in turns. */
const CLASSES_OF = {
  mixed: ['kept', 'deleted', 'kept', 'expiring'],
  writes: ['kept'],
  deletes: ['deleted', 'deleted', 'deleted', 'kept'],
  expiries: ['expiring', 'expiring', 'expiring', 'kept'],
} as const satisfies Readonly<Record<string, readonly KeyClass[]>>;

export type WorkloadName = keyof typeof CLASSES_OF;

export const WORKLOADS = Object.keys(CLASSES_OF) as readonly WorkloadName[];

/** Of a hundred operations on a key of the class, how many are which. */
const MIX: Readonly<Record<KeyClass, readonly (readonly [OperationCommand, number])[]>> = {
  kept: [
    ['get', 44],
    ['set', 36],
    ['mget', 8],
    ['mset', 7],
    ['nx', 5],
  ],
  deleted: [
    ['get', 40],
    ['set', 24],
    ['del', 16],
    ['nx', 10],
    ['mget', 6],
    ['mset', 4],
  ],
  expiring: [
    ['get', 40],
    ['px', 18],
    ['set', 12],
    ['pexpire', 12],
    ['nx', 6],
    ['persist', 5],
    ['del', 4],
    ['mget', 3],
  ],
};

const MAX_KEYS_AT_ONCE = 4;
const SHORTEST_TTL_MS = 50;
const LONGEST_TTL_MS = 4_000;
/** Most values are small; one in so many is longer than what goes by reference in messages. */
const SMALL_VALUE_BYTES = 64;
const LONG_VALUE_ONE_IN = 400;
const LONG_VALUE_BYTES = 17_000;

/** A request before it is one client's. */
export interface Request {
  readonly command: OperationCommand;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  readonly ttlMs: number;
  readonly args: readonly Buffer[];
}

/** The keys of every keyspace: some alone in their slot, some under three hash tags. */
export function keyNames(count: number, workload: WorkloadName): readonly string[] {
  const classes = CLASSES_OF[workload];
  return Array.from({ length: count }, (_, i) => {
    const name = `${classes[i % classes.length]}:${i}`;
    return i % 3 === 0 ? `{tag${i % 9}}${name}` : name;
  });
}

/** Draws one client's requests; every value is new. */
export class Workload {
  readonly #random: Random;
  readonly #keys: readonly string[];
  readonly #name: string;
  readonly #onlyReads: boolean;
  #values = 0;

  /** @param onlyReads whether this client never writes: then none of its commands waits for an undecided write. */
  constructor(random: Random, keys: readonly string[], name: string, onlyReads: boolean) {
    this.#random = random;
    this.#keys = keys;
    this.#name = name;
    this.#onlyReads = onlyReads;
  }

  next(): Request {
    const key = this.#drawKey();
    const command = this.#drawCommand(classOf(key));
    switch (command) {
      case 'get':
      case 'del':
      case 'persist':
        return request(command, [key], [], 0, [command, key]);
      case 'mget': {
        const keys = this.#drawKeys(key);
        return request(command, keys, [], 0, [command, ...keys]);
      }
      case 'pexpire': {
        const ttlMs = this.#drawTtlMs();
        return request(command, [key], [], ttlMs, [command, key, String(ttlMs)]);
      }
      case 'mset': {
        const keys = this.#drawKeys(key);
        const values = keys.map(() => this.#newValue());
        const pairs = keys.flatMap((each, i) => [each, this.#encode(values[i]!)]);
        return request(command, keys, values, 0, [command, ...pairs]);
      }
      default: {
        const value = this.#newValue();
        const ttlMs = command === 'px' ? this.#drawTtlMs() : 0;
        const options = command === 'px' ? ['px', String(ttlMs)] : command === 'nx' ? ['nx'] : [];
        return request(command, [key], [value], ttlMs, ['set', key, this.#encode(value), ...options]);
      }
    }
  }

  /** Some keys are hot, most are cold: what nobody writes again stays as wrong as it is. */
  #drawKey(): string {
    return this.#keys[Math.floor(this.#keys.length * drawFraction(this.#random) ** 2)]!;
  }

  #drawKeys(first: string): readonly string[] {
    const keys = [first];
    const count = 2 + drawBelow(this.#random, MAX_KEYS_AT_ONCE - 1);
    while (keys.length < count) {
      const key = this.#drawKey();
      if (!keys.includes(key)) keys.push(key);
    }
    return keys;
  }

  #drawCommand(keyClass: KeyClass): OperationCommand {
    if (this.#onlyReads) return drawChance(this.#random, 0.15) ? 'mget' : 'get';
    let left = drawBelow(this.#random, 100);
    for (const [command, share] of MIX[keyClass]) {
      if (left < share) return command;
      left -= share;
    }
    return 'get';
  }

  #drawTtlMs(): number {
    return Math.floor(SHORTEST_TTL_MS + (LONGEST_TTL_MS - SHORTEST_TTL_MS) * drawFraction(this.#random) ** 2);
  }

  #newValue(): string {
    return `${this.#name}.${++this.#values}`;
  }

  #encode(id: string): Buffer {
    if (drawChance(this.#random, 1 / LONG_VALUE_ONE_IN)) return encodeValue(id, LONG_VALUE_BYTES);
    return encodeValue(id, drawBelow(this.#random, SMALL_VALUE_BYTES));
  }
}

function classOf(key: string): KeyClass {
  return CLASSES_OF.mixed.find(each => key.includes(each))!;
}

function request(
  command: OperationCommand,
  keys: readonly string[],
  values: readonly string[],
  ttlMs: number,
  parts: readonly (string | Buffer)[],
): Request {
  const args = parts.map(part => (typeof part === 'string' ? Buffer.from(part) : part));
  return { command, keys, values, ttlMs, args };
}

import { assert } from '../lib/assert.ts';
import type { RegisteredCommand } from './registered-command.ts';

interface Entry {
  /** Lower case. */
  readonly name: Buffer;
  readonly command: RegisteredCommand;
}

/** Commands by name, whatever the case; finding one makes no object. */
export class CommandNames {
  /** In alphabetical order. */
  readonly all: readonly RegisteredCommand[];
  readonly #buckets: readonly (readonly Entry[])[];

  constructor(commands: readonly RegisteredCommand[]) {
    this.all = commands.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const buckets: Entry[][] = Array.from({ length: bucketCount(commands.length) }, () => []);
    for (const command of this.all) {
      assert(
        this.all.filter(({ name }) => name === command.name).length === 1,
        `Two commands are named ${command.name}`,
      );
      assert(command.name === command.name.toLowerCase(), `Cannot register ${command.name}: it is not in lower case`);
      const name = Buffer.from(command.name, 'latin1');
      buckets[hashOf(name) & (buckets.length - 1)]!.push({ name, command });
    }
    this.#buckets = buckets;
  }

  find(name: Uint8Array): RegisteredCommand | undefined {
    const bucket = this.#buckets[hashOf(name) & (this.#buckets.length - 1)]!;
    for (let i = 0; i < bucket.length; i++) {
      const entry = bucket[i]!;
      if (isSameName(entry.name, name)) return entry.command;
    }
    return undefined;
  }
}

/** No command has a longer name. */
const MAX_HASHED_BYTES = 32;

/** FNV-1a of the name in lower case. */
function hashOf(name: Uint8Array): number {
  let hash = 0x811c9dc5 | 0;
  const end = Math.min(name.length, MAX_HASHED_BYTES);
  for (let i = 0; i < end; i++) hash = Math.imul(hash ^ lower(name[i]!), 0x01000193);
  return hash ^ (hash >>> 15);
}

function isSameName(name: Uint8Array, given: Uint8Array): boolean {
  if (name.length !== given.length) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== lower(given[i]!)) return false;
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

/** A power of two with few collisions. */
function bucketCount(names: number): number {
  let count = 4;
  while (count < names * 4) count *= 2;
  return count;
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLog } from './level-log.ts';

/** What a LevelDB consists of by its manifest; other files of its are left over, perhaps unfinished, and deleted when it is opened. */
export interface LevelVersion {
  /** The bytes of each table, by its number. */
  readonly tables: ReadonlyMap<number, number>;
  /** The first log that is not in tables yet. 0 in a store that has never been opened to its end. */
  readonly firstLog: number;
  /** Whether something is missing in its middle, or means nothing. */
  readonly isBroken: boolean;
}

/** The kinds of field in an edit of the version (LevelDB's `version_edit.cc`). */
const FIELD = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const;

/** @param path a store in which `CURRENT` names a manifest that is there. */
export function versionOf(path: string): LevelVersion {
  const manifest = readFileSync(join(path, 'CURRENT'), 'latin1').trimEnd();
  const tables = new Map<number, number>();
  let firstLog = 0;
  let isReadable = true;
  const { end } = readLog(join(path, manifest), {
    mayBegin: () => true,
    wantedBytes: Number.POSITIVE_INFINITY,
    take: record => {
      const edit = readEdit(record);
      isReadable &&= edit !== undefined;
      for (const number of edit?.deleted ?? []) tables.delete(number);
      for (const [number, bytes] of edit?.added ?? []) tables.set(number, bytes);
      firstLog = edit?.firstLog ?? firstLog;
    },
  });
  return { tables, firstLog, isBroken: !isReadable || end === 'broken' };
}

interface Edit {
  readonly added: (readonly [number, number])[];
  readonly deleted: number[];
  firstLog: number | undefined;
}

function readEdit(record: Buffer): Edit | undefined {
  const edit: Edit = { added: [], deleted: [], firstLog: undefined };
  const input = new VarintReader(record);
  while (input.hasMore) {
    switch (input.number()) {
      case FIELD.comparator:
        input.skipBytes();
        break;
      case FIELD.logNumber:
        edit.firstLog = input.number();
        break;
      case FIELD.nextFile:
      case FIELD.lastSequence:
      case FIELD.previousLog:
        input.number();
        break;
      case FIELD.compactPointer:
        input.number();
        input.skipBytes();
        break;
      case FIELD.deletedFile:
        input.number();
        edit.deleted.push(input.number());
        break;
      case FIELD.newFile:
        input.number();
        edit.added.push([input.number(), input.number()]);
        input.skipBytes();
        input.skipBytes();
        break;
      default:
        return undefined;
    }
  }
  return input.isValid ? edit : undefined;
}

/** Reads LevelDB's numbers, seven bits a byte, and whatever has its length before it. Behind the end there are zeros. */
export class VarintReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** Whether nothing was read behind the end. */
  get isValid(): boolean {
    return this.#at <= this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  bytes(length: number): Buffer {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  skipBytes(): void {
    this.bytes(this.number());
  }
}

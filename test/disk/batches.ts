import type { Disk, DiskFailure } from '../../src/ports/disk.ts';

/** What a reader found; `failure` when the store could not be opened, or not be read to its end. */
export interface Found {
  readonly failure?: string;
  readonly lost?: boolean;
  readonly torn?: boolean;
  readonly damaged?: number;
  readonly entries?: Readonly<Record<string, string>>;
}

/** Batch `number` of a history in which every batch matters: it counts, writes over, within itself too, writes anew, and deletes. */
export function batchOf(number: number, disk: Pick<Disk, 'put' | 'delete' | 'deleteRange'>): void {
  const bytes = (text: string) => Buffer.from(text, 'latin1');
  const round = String(Math.floor(number / 10) % 50).padStart(2, '0');
  disk.put(bytes('count'), bytes('never seen'));
  disk.put(bytes('count'), bytes(String(number)));
  for (let i = 0; i < 5; i++) disk.put(bytes(`k${(number * 7 + i) % 97}`), bytes(`${number}.${i}`.padEnd(100, 'v')));
  disk.put(bytes(`r${round}.${number % 10}`), bytes(String(number)));
  disk.delete(bytes(`k${(number * 11) % 97}`));
  if (number % 10 === 0) disk.deleteRange(bytes(`r${round}.5`), bytes(`r${round}.9`));
}

/** What is there after the first `count` batches, in a `Map`. */
export function modelAfter(count: number): Readonly<Record<string, string>> {
  const model = new Map<string, string>();
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  for (let number = 1; number <= count; number++) {
    batchOf(number, {
      put: (key, value) => void model.set(text(key), text(value)),
      delete: key => void model.delete(text(key)),
      deleteRange: (from, to) => {
        for (const key of model.keys()) if (key >= text(from) && key < text(to)) model.delete(key);
      },
    });
  }
  return Object.fromEntries([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Of a long value the beginning: what another process says of it must fit into a pipe. */
const SHOWN_BYTES = 200;

export function scanAll(disk: Disk): Promise<Found> {
  const entries: Record<string, string> = {};
  let damaged = 0;
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  return new Promise(resolve => {
    disk.scan(Buffer.of(1), Buffer.alloc(64, 255), {
      entry: (key, value) => {
        entries[text(key)] = text(value.subarray(0, SHOWN_BYTES));
      },
      damaged: () => void damaged++,
      end: (failure: DiskFailure | undefined) => {
        const lost = disk.lost !== undefined;
        const torn = disk.torn !== undefined;
        resolve({ ...(failure && { failure: failure.kind }), lost, torn, damaged, entries });
      },
    });
  });
}

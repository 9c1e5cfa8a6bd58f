import { readerOf } from '../../lib/byte-reader.ts';
import { ByteWriter } from '../../lib/byte-writer.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { NodeName } from '../../ports/outbox.ts';
import type { HintJournal } from '../../replication/hint-journal.ts';
import type { Hint } from '../../replication/hint-queue.ts';
import { DiskTable } from '../../store/disk-tables.ts';

/** Hints on disk, each under `table u8 · peer (u16 length, UTF-8) · hint f64`, with the Unix second at which it was noted. */
export class HintTable implements HintJournal {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #key = new ByteWriter(256);
  readonly #to = new ByteWriter(256);
  readonly #second = new ByteWriter(8);

  constructor(disk: Disk, clock: Clock) {
    this.#disk = disk;
    this.#clock = clock;
  }

  noted(peer: NodeName, hint: Hint): void {
    this.#second.reset();
    this.#second.u32(Math.floor(this.#clock.wallMs() / 1000));
    this.#disk.put(this.#keyOf(peer, hint), this.#second.view());
  }

  ended(peer: NodeName, hint: Hint): void {
    this.#disk.delete(this.#keyOf(peer, hint));
  }

  forgotten(peer: NodeName): void {
    const from = this.#key;
    from.reset();
    writePeer(from, peer);
    const to = this.#to;
    to.reset();
    writePeer(to, peer);
    // No hint is below 0, and as bytes no number is above this.
    to.raw(ABOVE_ALL);
    this.#disk.deleteRange(from.view(), to.view());
  }

  #keyOf(peer: NodeName, hint: Hint): Buffer {
    const out = this.#key;
    out.reset();
    writePeer(out, peer);
    out.f64(hint);
    return out.view();
  }
}

const ABOVE_ALL = new Uint8Array(9).fill(0xff);

function writePeer(out: ByteWriter, peer: NodeName): void {
  out.u8(DiskTable.hint);
  out.text(peer);
}

/** A hint that was found, and how old it is. @throws MalformedMessageError */
export function readHint(
  key: Buffer,
  value: Buffer,
  wallMs: number,
): { readonly peer: NodeName; readonly hint: Hint; readonly ageSeconds: number } {
  const input = readerOf(key);
  input.u8();
  const peer = input.text();
  const hint = input.f64();
  const notedSecond = readerOf(value).u32();
  return { peer, hint, ageSeconds: Math.max(0, Math.floor(wallMs / 1000) - notedSecond) };
}

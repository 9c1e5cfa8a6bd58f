import type { Stamp } from '../clock/hybrid-clock.ts';
import type { ByteReader } from '../lib/byte-reader.ts';
import { ByteWriter } from '../lib/byte-writer.ts';
import { naturalOf, readNatural, readSlot, readStamp, readWord } from './checked-reads.ts';
import { type Encoded, MessageType } from './message-type.ts';
import type { RecordCodec } from './record-codec.ts';
import type { KnownVersion } from './versions.ts';

/** To every member: answer behind everything that you have sent me. Tombstones up to `upTo` may go when all have. */
export interface FenceRequest {
  readonly id: number;
  readonly epoch: number;
  readonly upTo: Stamp;
}

/** The answer, sent in order. `floor`: the least stamp that may yet come and not out of a store; +Infinity for none. */
export interface Fenced {
  readonly id: number;
  readonly floor: Stamp;
}

/** The version of a record without a value, by the hash of its key. */
export interface TombstoneEntry extends KnownVersion {
  readonly slot: number;
  readonly hash: number;
}

/**
 * - `propose`: which of these do you hold, just so?
 * - `settle`: raise a fence, and say its floor.
 * - `remove`: remove those whose stamps are below `floor`.
 */
export type CollectionStep = 'propose' | 'settle' | 'remove';

/** Collector to replica. Every step says all that it needs, so that a replica remembers nothing in between. */
export interface Collection {
  readonly id: number;
  readonly epoch: number;
  readonly db: number;
  readonly step: CollectionStep;
  readonly floor: Stamp;
  readonly entries: readonly TombstoneEntry[];
}

export interface CollectionReply {
  readonly id: number;
  readonly step: CollectionStep;
  /** Of `settle`. */
  readonly floor: Stamp;
  /** Of `propose`: a byte for each entry, 1 where it is held. */
  readonly held: Uint8Array;
}

/** "What you sent me was collected, by the rule, so remove it too." */
export interface Collected {
  readonly epoch: number;
  readonly db: number;
  readonly entry: TombstoneEntry;
}

const STEPS = ['propose', 'settle', 'remove'] as const;

/** Encodes and decodes the collection of tombstones. Decoders start behind the type byte. */
export class CollectionMessages {
  readonly #records: RecordCodec;
  readonly #out = new ByteWriter();

  constructor(records: RecordCodec) {
    this.#records = records;
  }

  encodeFence({ id, epoch, upTo }: FenceRequest): Encoded {
    const out = this.#begin(MessageType.fence);
    out.f64(id);
    out.u32(epoch);
    out.f64(upTo);
    return this.#end();
  }

  decodeFence(input: ByteReader): FenceRequest {
    return { id: readNatural(input, 'a fence'), epoch: input.u32(), upTo: readStamp(input) };
  }

  encodeFenced({ id, floor }: Fenced): Encoded {
    const out = this.#begin(MessageType.fenced);
    out.f64(id);
    out.f64(floor);
    return this.#end();
  }

  decodeFenced(input: ByteReader): Fenced {
    return { id: readNatural(input, 'a fence'), floor: readFloor(input) };
  }

  encodeCollection({ id, epoch, db, step, floor, entries }: Collection): Encoded {
    const out = this.#begin(MessageType.collection);
    out.f64(id);
    out.u32(epoch);
    out.u8(db);
    out.u8(STEPS.indexOf(step));
    out.f64(floor);
    out.u32(entries.length);
    for (const entry of entries) this.#writeEntry(entry);
    return this.#end();
  }

  decodeCollection(input: ByteReader): Collection {
    const id = readNatural(input, 'a collection');
    const epoch = input.u32();
    const db = input.u8();
    const step = readWord(input, STEPS, 'a step');
    const floor = readFloor(input);
    const entries: TombstoneEntry[] = [];
    for (let left = input.count(16); left > 0; left--) entries.push(this.#readEntry(input));
    return { id, epoch, db, step, floor, entries };
  }

  encodeReply({ id, step, floor, held }: CollectionReply): Encoded {
    const out = this.#begin(MessageType.collectionReply);
    out.f64(id);
    out.u8(STEPS.indexOf(step));
    out.f64(floor);
    out.raw(held);
    return this.#end();
  }

  decodeReply(input: ByteReader): CollectionReply {
    const id = readNatural(input, 'a collection');
    const step = readWord(input, STEPS, 'a step');
    return { id, step, floor: readFloor(input), held: input.rest() };
  }

  encodeCollected({ epoch, db, entry }: Collected): Encoded {
    const out = this.#begin(MessageType.collected);
    out.u32(epoch);
    out.u8(db);
    this.#writeEntry(entry);
    return this.#end();
  }

  decodeCollected(input: ByteReader): Collected {
    return { epoch: input.u32(), db: input.u8(), entry: this.#readEntry(input) };
  }

  #writeEntry(entry: TombstoneEntry): void {
    this.#out.u16(entry.slot);
    this.#out.u32(entry.hash);
    this.#records.writeDots(this.#out, entry);
  }

  #readEntry(input: ByteReader): TombstoneEntry {
    const slot = readSlot(input);
    const hash = input.u32();
    const { dot, expiryDot } = this.#records.readVersion(input);
    return { slot, hash, dot, expiryDot };
  }

  #begin(type: number): ByteWriter {
    this.#out.reset();
    this.#out.u8(type);
    return this.#out;
  }

  #end(): Encoded {
    return { head: this.#out.view(), body: undefined };
  }
}

/** A stamp, or +Infinity. */
function readFloor(input: ByteReader): Stamp {
  const floor = input.f64();
  return floor === Number.POSITIVE_INFINITY ? floor : naturalOf(floor, 'a floor');
}

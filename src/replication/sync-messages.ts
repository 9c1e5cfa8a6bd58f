import { type Digest, EMPTY_DIGEST } from '../digest/contribution.ts';
import { type ByteReader, MalformedMessageError } from '../lib/byte-reader.ts';
import { ByteWriter } from '../lib/byte-writer.ts';
import { SLOT_COUNT, slotOf } from '../lib/slots.ts';
import type { StoredRecord } from '../store/record.ts';
import { readNatural, readSlot } from './checked-reads.ts';
import { type Encoded, MessageType } from './message-type.ts';
import type { RecordCodec } from './record-codec.ts';
import { CHILDREN, isBlock, type SyncBlock } from './sync-blocks.ts';
import type { KnownVersion } from './versions.ts';

/** "This is the digest over all slots that we share": the opening of an anti-entropy round. */
export interface SyncOpen {
  /** The round's number, counted by the node that opened it. */
  readonly round: number;
  readonly epoch: number;
  readonly db: number;
  readonly root: Digest;
  /** "I own these slots no more, and offer what I still hold of them": compare these, ascending, instead of those that we share. */
  readonly offered: Uint16Array | undefined;
}

/** The answer: whether the other's is the same. */
export interface SyncRoot {
  readonly round: number;
  readonly db: number;
  /** Whether the answering replica is itself refilling in this keyspace, or merging what it will own. */
  readonly refilling: boolean;
  readonly arriving: boolean;
  readonly equal: boolean;
}

/** "These are the digests of the children of some blocks in which we differ." */
export interface SyncCompare {
  readonly round: number;
  readonly epoch: number;
  readonly db: number;
  /** Tells the answer to this from the answer to another comparison of the round. */
  readonly ask: number;
  readonly blocks: readonly ComparedBlock[];
}

export interface ComparedBlock {
  readonly block: SyncBlock;
  /** One digest for each child. */
  readonly digests: readonly Digest[];
}

/** The answer: for each block which children differ, child i as bit i. */
export interface SyncDiffering {
  readonly round: number;
  readonly db: number;
  readonly ask: number;
  readonly children: readonly number[];
}

/** What one replica has of a hash range of a slot: for each record the key's hash and the dots that tell versions apart. */
export interface SyncPage {
  readonly round: number;
  readonly epoch: number;
  readonly db: number;
  readonly slot: number;
  /** The range [fromHash, toHash], both included. */
  readonly fromHash: number;
  readonly toHash: number;
  /** The asker takes nothing: it wants to know only what the other lacks. */
  readonly isOffer: boolean;
  readonly entries: readonly PageEntry[];
}

export interface PageEntry extends KnownVersion {
  readonly hash: number;
}

/** All that the other replica has in the range and the asker has not, in one message, so that nothing of it can be lost alone. */
export interface SyncPageReply {
  readonly round: number;
  readonly db: number;
  readonly slot: number;
  /** The page that is answered, by its first hash. */
  readonly fromHash: number;
  /** Where the asker is to go on: the first hash that the reply does not cover, 2^32 at the end of the slot. */
  readonly nextHash: number;
  /** Hashes under which the asker has something that the other has not. */
  readonly wanted: readonly number[];
  readonly records: readonly KeyedRecord[];
}

export interface KeyedRecord {
  readonly key: Uint8Array;
  readonly record: StoredRecord;
}

/** The hash behind the last: a slot that is done goes on there. */
const END_OF_SLOT = 0x1_0000_0000;

const EQUAL = 1;
const REFILLING = 2;
const ARRIVING = 4;

/** Encodes and decodes anti-entropy. Decoders start behind the type byte. */
export class SyncMessages {
  readonly #records: RecordCodec;
  readonly #out = new ByteWriter();

  constructor(records: RecordCodec) {
    this.#records = records;
  }

  encodeOpen({ round, epoch, db, root, offered = NO_SLOTS }: SyncOpen): Encoded {
    const out = this.#begin(MessageType.syncOpen, round, db);
    out.u32(epoch);
    out.u32(root[0]);
    out.u32(root[1]);
    out.u16(offered.length);
    for (const slot of offered) out.u16(slot);
    return this.#end();
  }

  decodeOpen(input: ByteReader): SyncOpen {
    const round = readNatural(input, 'a round');
    const db = input.u8();
    const epoch = input.u32();
    const root: Digest = [input.u32(), input.u32()];
    const offered = readSlots(input);
    return { round, db, epoch, root, offered: offered.length === 0 ? undefined : offered };
  }

  encodeRoot({ round, db, refilling, arriving, equal }: SyncRoot): Encoded {
    const out = this.#begin(MessageType.syncRoot, round, db);
    out.u8((equal ? EQUAL : 0) | (refilling ? REFILLING : 0) | (arriving ? ARRIVING : 0));
    return this.#end();
  }

  decodeRoot(input: ByteReader): SyncRoot {
    const round = readNatural(input, 'a round');
    const db = input.u8();
    const flags = input.u8();
    const [refilling, arriving] = [(flags & REFILLING) !== 0, (flags & ARRIVING) !== 0];
    return { round, db, refilling, arriving, equal: (flags & EQUAL) !== 0 };
  }

  /** Of each block the children that hold anything are marked, and only their digests are sent. */
  encodeCompare({ round, epoch, db, ask, blocks }: SyncCompare): Encoded {
    const out = this.#begin(MessageType.syncCompare, round, db);
    out.u32(epoch);
    out.u32(ask);
    out.u16(blocks.length);
    for (const { block, digests } of blocks) {
      out.f64(block.place);
      out.u8(block.bits);
      out.u16(digests.reduce((mask, digest, i) => (isEmpty(digest) ? mask : mask | (1 << i)), 0));
      for (const digest of digests) {
        if (isEmpty(digest)) continue;
        out.u32(digest[0]);
        out.u32(digest[1]);
      }
    }
    return this.#end();
  }

  decodeCompare(input: ByteReader): SyncCompare {
    const round = readNatural(input, 'a round');
    const db = input.u8();
    const epoch = input.u32();
    const ask = input.u32();
    const blocks: ComparedBlock[] = [];
    for (let left = input.u16(); left > 0; left--) {
      const block = { place: readNatural(input, 'a place'), bits: input.u8() };
      if (!isBlock(block)) throw new MalformedMessageError(`Cannot compare ${block.bits} bits at ${block.place}`);
      const mask = input.u16();
      const digests: Digest[] = [];
      for (let i = 0; i < CHILDREN; i++) {
        digests.push((mask & (1 << i)) === 0 ? EMPTY_DIGEST : [input.u32(), input.u32()]);
      }
      blocks.push({ block, digests });
    }
    return { round, db, epoch, ask, blocks };
  }

  encodeDiffering({ round, db, ask, children }: SyncDiffering): Encoded {
    const out = this.#begin(MessageType.syncDiffering, round, db);
    out.u32(ask);
    out.u16(children.length);
    for (const mask of children) out.u16(mask);
    return this.#end();
  }

  decodeDiffering(input: ByteReader): SyncDiffering {
    const round = readNatural(input, 'a round');
    const db = input.u8();
    const ask = input.u32();
    const children: number[] = [];
    for (let left = input.u16(); left > 0; left--) children.push(input.u16());
    return { round, db, ask, children };
  }

  encodePage(page: SyncPage): Encoded {
    const out = this.#begin(MessageType.syncPage, page.round, page.db);
    out.u32(page.epoch);
    out.u16(page.slot);
    out.u32(page.fromHash);
    out.u32(page.toHash);
    out.u8(page.isOffer ? 1 : 0);
    out.u32(page.entries.length);
    for (const entry of page.entries) {
      out.u32(entry.hash);
      this.#records.writeDots(out, entry);
    }
    return this.#end();
  }

  decodePage(input: ByteReader): SyncPage {
    const round = readNatural(input, 'a round');
    const db = input.u8();
    const epoch = input.u32();
    const slot = readSlot(input);
    const fromHash = input.u32();
    const toHash = input.u32();
    const isOffer = input.u8() === 1;
    const entries: PageEntry[] = [];
    for (let left = input.count(14); left > 0; left--) {
      const hash = input.u32();
      const { dot, expiryDot } = this.#records.readVersion(input);
      entries.push({ hash, dot, expiryDot });
    }
    return { round, db, epoch, slot, fromHash, toHash, isOffer, entries };
  }

  /** The last record's value travels as the message's body: put a large one last. */
  encodePageReply(reply: SyncPageReply): Encoded {
    const out = this.#begin(MessageType.syncPageReply, reply.round, reply.db);
    out.u16(reply.slot);
    out.u32(reply.fromHash);
    out.f64(reply.nextHash);
    out.u32(reply.wanted.length);
    for (const hash of reply.wanted) out.u32(hash);
    out.u32(reply.records.length);
    let body: Uint8Array | undefined;
    for (const { key, record } of reply.records) {
      out.bytes(key);
      this.#records.writeVersion(out, record);
      const { value } = record;
      out.u32(value?.length ?? 0);
      if (value === undefined) continue;
      if (record === reply.records.at(-1)!.record) body = value;
      else out.raw(value);
    }
    return { head: out.view(), body };
  }

  decodePageReply(input: ByteReader): SyncPageReply {
    const round = readNatural(input, 'a round');
    const db = input.u8();
    const slot = readSlot(input);
    const fromHash = input.u32();
    const nextHash = readNatural(input, 'a hash');
    if (nextHash <= fromHash || nextHash > END_OF_SLOT) {
      throw new MalformedMessageError(`Cannot go on at ${nextHash}: the page began at ${fromHash}`);
    }
    const wanted: number[] = [];
    for (let left = input.count(4); left > 0; left--) wanted.push(input.u32());
    const records: KeyedRecord[] = [];
    for (let left = input.count(14); left > 0; left--) {
      const key = input.bytes();
      if (slotOf(key) !== slot) throw new MalformedMessageError(`Cannot read a page: a key is not of slot ${slot}`);
      records.push({ key, record: this.#records.readPrefixed(input) });
    }
    if (input.remaining > 0) throw new MalformedMessageError(`Cannot read a page: ${input.remaining} bytes too many`);
    return { round, db, slot, fromHash, nextHash, wanted, records };
  }

  #begin(type: number, round: number, db: number): ByteWriter {
    this.#out.reset();
    this.#out.u8(type);
    this.#out.f64(round);
    this.#out.u8(db);
    return this.#out;
  }

  #end(): Encoded {
    return { head: this.#out.view(), body: undefined };
  }
}

const NO_SLOTS = new Uint16Array(0);

function readSlots(input: ByteReader): Uint16Array {
  const slots = new Uint16Array(input.u16());
  for (let i = 0; i < slots.length; i++) {
    slots[i] = input.u16();
    if (slots[i]! >= SLOT_COUNT || (i > 0 && slots[i]! <= slots[i - 1]!))
      throw new MalformedMessageError(`Cannot compare slots: ${slots[i]} is out of order`);
  }
  return slots;
}

function isEmpty(digest: Digest): boolean {
  return digest[0] === 0 && digest[1] === 0;
}

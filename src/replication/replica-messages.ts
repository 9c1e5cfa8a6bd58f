import type { Stamp } from '../clock/hybrid-clock.ts';
import type { ByteReader } from '../lib/byte-reader.ts';
import { ByteWriter } from '../lib/byte-writer.ts';
import type { StoredRecord } from '../store/record.ts';
import { readNatural, readStamp, readWord } from './checked-reads.ts';
import { BODY_THRESHOLD_BYTES, type Encoded, MessageType } from './message-type.ts';
import type { RecordCodec } from './record-codec.ts';
import type { KnownVersion } from './versions.ts';

/** Coordinator to replica: store this record. `id` 0 asks for no acknowledgement. */
export interface Replicate {
  readonly id: number;
  readonly epoch: number;
  readonly db: number;
  readonly key: Buffer;
  readonly record: StoredRecord;
}

/**
 * Replica to coordinator. `behind`: the replica holds a larger stamp, `stamp`, so this is no acknowledgement.
 * `refilling`: stored, but the replica may have forgotten a larger stamp.
 */
export interface Replicated {
  readonly id: number;
  readonly status: 'stored' | 'behind' | 'refilling';
  readonly stamp: Stamp;
}

/** Coordinator to replica: what have you for this key? `known` is what the coordinator has, so that equals travel as a word. */
export interface ReplicaRead {
  readonly id: number;
  readonly epoch: number;
  readonly db: number;
  readonly key: Buffer;
  readonly known: KnownVersion | undefined;
}

export interface ReplicaReadReply {
  readonly id: number;
  /** Whether the replica is refilling the key's slot: its record is welcome, its answer does not count. */
  readonly refilling: boolean;
  readonly status: 'same' | 'absent' | 'record';
  readonly record: StoredRecord | undefined;
}

/** "A value of so many bytes is on its way": goes before an answer that takes long to arrive, so that it is waited for. */
export interface Coming {
  /** What is answered: a replica's read, a forwarded operation, or a page of anti-entropy, of this number (the round's). */
  readonly answers: 'read' | 'forward' | 'page';
  readonly id: number;
  readonly bytes: number;
}

const ANSWERED = ['read', 'forward', 'page'] as const;
const REPLICATED_STATUSES = ['stored', 'behind', 'refilling'] as const;
const READ_STATUSES = ['same', 'absent', 'record'] as const;

/** Encodes and decodes what coordinators and replicas say to each other. Decoders start behind the type byte. */
export class ReplicaMessages {
  readonly #records: RecordCodec;
  readonly #out = new ByteWriter();

  constructor(records: RecordCodec) {
    this.#records = records;
  }

  encodeReplicate(id: number, epoch: number, db: number, key: Uint8Array, record: StoredRecord): Encoded {
    const out = this.#begin(MessageType.replicate, id);
    out.u32(epoch);
    out.u8(db);
    out.bytes(key);
    this.#records.writeVersion(out, record);
    return this.#endWithValue(record.value);
  }

  decodeReplicate(input: ByteReader): Replicate {
    const id = readNatural(input, 'an operation number');
    const epoch = input.u32();
    const db = input.u8();
    const key = input.bytes();
    return { id, epoch, db, key, record: this.#records.readToEnd(input) };
  }

  encodeReplicated({ id, status, stamp }: Replicated): Encoded {
    const out = this.#begin(MessageType.replicated, id);
    out.u8(REPLICATED_STATUSES.indexOf(status));
    out.f64(stamp);
    return this.#endWithValue(undefined);
  }

  decodeReplicated(input: ByteReader): Replicated {
    const id = readNatural(input, 'an operation number');
    const status = readWord(input, REPLICATED_STATUSES, 'a status');
    return { id, status, stamp: readStamp(input) };
  }

  encodeRead(id: number, epoch: number, db: number, key: Uint8Array, known: KnownVersion | undefined): Encoded {
    const out = this.#begin(MessageType.read, id);
    out.u32(epoch);
    out.u8(db);
    out.bytes(key);
    this.#records.writeDots(out, known);
    return this.#endWithValue(undefined);
  }

  decodeRead(input: ByteReader): ReplicaRead {
    const id = readNatural(input, 'an operation number');
    const epoch = input.u32();
    const db = input.u8();
    const key = input.bytes();
    return { id, epoch, db, key, known: this.#records.readDots(input) };
  }

  encodeReadReply({ id, refilling, status, record }: ReplicaReadReply): Encoded {
    const out = this.#begin(MessageType.readReply, id);
    out.u8(refilling ? 1 : 0);
    out.u8(READ_STATUSES.indexOf(status));
    if (record === undefined) return this.#endWithValue(undefined);
    this.#records.writeVersion(out, record);
    return this.#endWithValue(record.value);
  }

  decodeReadReply(input: ByteReader): ReplicaReadReply {
    const id = readNatural(input, 'an operation number');
    const refilling = input.u8() === 1;
    const status = readWord(input, READ_STATUSES, 'a status');
    return { id, refilling, status, record: status === 'record' ? this.#records.readToEnd(input) : undefined };
  }

  encodeComing({ answers, id, bytes }: Coming): Encoded {
    const out = this.#begin(MessageType.coming, id);
    out.u8(ANSWERED.indexOf(answers));
    out.f64(bytes);
    return this.#endWithValue(undefined);
  }

  decodeComing(input: ByteReader): Coming {
    const id = readNatural(input, 'an operation number');
    const answers = readWord(input, ANSWERED, 'what is answered');
    return { id, answers, bytes: readNatural(input, 'a length') };
  }

  #begin(type: number, id: number): ByteWriter {
    this.#out.reset();
    this.#out.u8(type);
    this.#out.f64(id);
    return this.#out;
  }

  #endWithValue(value: Uint8Array | undefined): Encoded {
    if (value === undefined) return { head: this.#out.view(), body: undefined };
    if (value.length >= BODY_THRESHOLD_BYTES) return { head: this.#out.view(), body: value };
    this.#out.raw(value);
    return { head: this.#out.view(), body: undefined };
  }
}

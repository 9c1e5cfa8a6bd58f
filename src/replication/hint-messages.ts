import type { ByteReader } from '../lib/byte-reader.ts';
import { ByteWriter } from '../lib/byte-writer.ts';
import type { StoredRecord } from '../store/record.ts';
import { readNatural } from './checked-reads.ts';
import { BODY_THRESHOLD_BYTES, type Encoded, MessageType } from './message-type.ts';
import type { RecordCodec } from './record-codec.ts';

/** To a replica that could not be reached when this was written: store it, and say `hinted`. */
export interface HintHandover {
  readonly id: number;
  readonly epoch: number;
  readonly db: number;
  readonly key: Uint8Array;
  readonly record: StoredRecord;
}

/** Coordinator to a stand-in: keep this record until these replicas have it. Answered with `replicated`. */
export interface StandInRequest extends HintHandover {
  /** Bit i: writer i of the key's slot (`placement.ts`). */
  readonly replicas: number;
}

/** Encodes and decodes what hints and stand-ins are about. Decoders start behind the type byte. */
export class HintMessages {
  readonly #records: RecordCodec;
  readonly #out = new ByteWriter();

  constructor(records: RecordCodec) {
    this.#records = records;
  }

  encodeStandIn(request: StandInRequest): Encoded {
    const out = this.#begin(MessageType.standIn, request.id);
    out.u32(request.replicas);
    return this.#endWithRecord(request);
  }

  decodeStandIn(input: ByteReader): StandInRequest {
    const id = readNatural(input, 'an operation number');
    const replicas = input.u32();
    return { id, replicas, ...this.#readRecord(input) };
  }

  encodeHint(handover: HintHandover): Encoded {
    this.#begin(MessageType.hint, handover.id);
    return this.#endWithRecord(handover);
  }

  decodeHint(input: ByteReader): HintHandover {
    return { id: readNatural(input, 'an operation number'), ...this.#readRecord(input) };
  }

  /** The record of the hint of this number, or a newer one, is held. */
  encodeHinted(id: number): Encoded {
    return { head: this.#begin(MessageType.hinted, id).view(), body: undefined };
  }

  decodeHinted(input: ByteReader): number {
    return readNatural(input, 'an operation number');
  }

  #begin(type: number, id: number): ByteWriter {
    this.#out.reset();
    this.#out.u8(type);
    this.#out.f64(id);
    return this.#out;
  }

  #endWithRecord({ epoch, db, key, record }: HintHandover): Encoded {
    const out = this.#out;
    out.u32(epoch);
    out.u8(db);
    out.bytes(key);
    this.#records.writeVersion(out, record);
    const { value } = record;
    if (value !== undefined && value.length >= BODY_THRESHOLD_BYTES) return { head: out.view(), body: value };
    if (value !== undefined) out.raw(value);
    return { head: out.view(), body: undefined };
  }

  #readRecord(input: ByteReader): Omit<HintHandover, 'id'> {
    const epoch = input.u32();
    const db = input.u8();
    const key = input.bytes();
    return { epoch, db, key, record: this.#records.readToEnd(input) };
  }
}

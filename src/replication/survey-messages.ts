import { type ByteReader, MalformedMessageError } from '../lib/byte-reader.ts';
import { ByteWriter } from '../lib/byte-writer.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import { readNatural } from './checked-reads.ts';
import { type Encoded, MessageType } from './message-type.ts';

/** "What are the digests of your slots?" */
export interface SurveyRequest {
  readonly id: number;
  readonly epoch: number;
  readonly db: number;
}

/** The answer. */
export interface Surveyed {
  readonly id: number;
  /** Of each slot: two words at twice its number, of what the node holds of it. */
  readonly words: Uint32Array;
  /** 1 for each slot that the node is refilling. */
  readonly refilling: Uint8Array;
}

/** Encodes and decodes surveys. Decoders start behind the type byte. */
export class SurveyMessages {
  readonly #out = new ByteWriter();

  encodeRequest({ id, epoch, db }: SurveyRequest): Encoded {
    const out = this.#begin(MessageType.survey, id);
    out.u32(epoch);
    out.u8(db);
    return { head: out.view(), body: undefined };
  }

  decodeRequest(input: ByteReader): SurveyRequest {
    return { id: readNatural(input, 'an id'), epoch: input.u32(), db: input.u8() };
  }

  /** Slots that hold nothing are left out; the others are told as runs, and so are those that are being refilled. */
  encodeSurveyed({ id, words, refilling }: Surveyed): Encoded {
    const out = this.#begin(MessageType.surveyed, id);
    const held = runsOf(slot => words[2 * slot] !== 0 || words[2 * slot + 1] !== 0);
    out.u16(held.length);
    for (const [first, end] of held) {
      out.u16(first);
      out.u16(end - first);
      for (let i = 2 * first; i < 2 * end; i++) out.u32(words[i]!);
    }
    const lacking = runsOf(slot => refilling[slot] === 1);
    out.u16(lacking.length);
    for (const [first, end] of lacking) {
      out.u16(first);
      out.u16(end - first);
    }
    return { head: out.view(), body: undefined };
  }

  decodeSurveyed(input: ByteReader): Surveyed {
    const id = readNatural(input, 'an id');
    const words = new Uint32Array(2 * SLOT_COUNT);
    readRuns(input, (first, end) => {
      for (let i = 2 * first; i < 2 * end; i++) words[i] = input.u32();
    });
    const refilling = new Uint8Array(SLOT_COUNT);
    readRuns(input, (first, end) => refilling.fill(1, first, end));
    if (input.remaining > 0) throw new MalformedMessageError(`Cannot read a survey: ${input.remaining} bytes too many`);
    return { id, words, refilling };
  }

  #begin(type: number, id: number): ByteWriter {
    this.#out.reset();
    this.#out.u8(type);
    this.#out.f64(id);
    return this.#out;
  }
}

function runsOf(isIn: (slot: number) => boolean): [first: number, end: number][] {
  const runs: [number, number][] = [];
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    if (!isIn(slot)) continue;
    const last = runs.at(-1);
    if (last?.[1] === slot) last[1] = slot + 1;
    else runs.push([slot, slot + 1]);
  }
  return runs;
}

/** Runs follow each other, so that a few bytes can't ask for the work of many. */
function readRuns(input: ByteReader, take: (first: number, end: number) => void): void {
  let from = 0;
  for (let left = input.u16(); left > 0; left--) {
    const first = input.u16();
    const end = first + input.u16();
    if (first < from || end === first || end > SLOT_COUNT)
      throw new MalformedMessageError(`Cannot read a run of slots: ${first} to ${end}, from ${from}`);
    take(first, end);
    from = end;
  }
}

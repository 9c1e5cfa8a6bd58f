import { MAX_STAMP, type Stamp } from '../clock/hybrid-clock.ts';
import { type ByteReader, MalformedMessageError } from '../lib/byte-reader.ts';
import { SLOT_COUNT } from '../lib/slots.ts';

/** Lets a number through that can count, number, measure or stamp: a safe integer, not negative. `what` is for the error. */
export function naturalOf(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new MalformedMessageError(`Cannot take ${value} for ${what}`);
  return value;
}

/** Such a number, sent as f64. */
export function readNatural(input: ByteReader, what: string): number {
  return naturalOf(input.f64(), what);
}

/** One of a few words, sent as its index. What no list has is refused: there is no safe word to take it for. */
export function readWord<T extends string>(input: ByteReader, words: readonly T[], what: string): T {
  const index = input.u8();
  const word = words[index];
  if (word === undefined) throw new MalformedMessageError(`Cannot take ${index} for ${what}`);
  return word;
}

/** A slot, sent as u16. */
export function readSlot(input: ByteReader): number {
  const slot = input.u16();
  if (slot >= SLOT_COUNT) throw new MalformedMessageError(`Cannot take ${slot} for a slot`);
  return slot;
}

/** A stamp, sent as f64. */
export function readStamp(input: ByteReader): Stamp {
  const stamp = readNatural(input, 'a stamp');
  if (stamp > MAX_STAMP) throw new MalformedMessageError(`Cannot take ${stamp} for a stamp: no clock is there yet`);
  return stamp;
}

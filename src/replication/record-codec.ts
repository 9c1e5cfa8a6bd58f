import type { ActorIndex, Actors } from '../clock/actors.ts';
import type { Stamp } from '../clock/hybrid-clock.ts';
import { EMPTY_VECTOR, type VersionVector } from '../clock/version-vector.ts';
import { type ByteReader, MalformedMessageError } from '../lib/byte-reader.ts';
import type { ByteWriter } from '../lib/byte-writer.ts';
import type { Dot, Expiry, StoredRecord } from '../store/record.ts';
import { readNatural, readStamp } from './checked-reads.ts';
import type { KnownVersion } from './versions.ts';

const TOMBSTONE = 1;
const EXPIRY = 2;
/** The expiry was written together with the value: its dot is not repeated. */
const EXPIRY_OF_VALUE = 4;
const VECTOR = 8;

/**
 * Records on the wire. Actors travel by name and are interned on arrival; the last few are remembered as bytes, since
 * nearly every record that a link carries was written by the same few actors.
 *
 * ```text
 * flags u8 · actor (u8 length, bytes) · stamp f64 · [expiry: at f64, [actor, stamp f64]] · [vector: u8 × (actor, stamp f64)]
 * ```
 */
export class RecordCodec {
  readonly #actors: Actors;
  readonly #encodedActors: Buffer[] = [];
  #lastActorBytes: Uint8Array = new Uint8Array(0);
  #lastActor: ActorIndex = -1;

  constructor(actors: Actors) {
    this.#actors = actors;
  }

  /** Everything of a record but its value. */
  writeVersion(out: ByteWriter, record: StoredRecord): void {
    const { dot, value, vector, expiry } = record;
    const expiryOfValue = expiry !== undefined && expiry.dot.stamp === dot.stamp && expiry.dot.actor === dot.actor;
    out.u8(
      (value === undefined ? TOMBSTONE : 0) |
        (expiry === undefined ? 0 : EXPIRY) |
        (expiryOfValue ? EXPIRY_OF_VALUE : 0) |
        (vector.size === 0 ? 0 : VECTOR),
    );
    this.writeDot(out, dot.actor, dot.stamp);
    if (expiry !== undefined) {
      out.f64(expiry.atMs);
      if (!expiryOfValue) this.writeDot(out, expiry.dot.actor, expiry.dot.stamp);
    }
    if (vector.size > 0) {
      out.u8(vector.size);
      for (const [actor, stamp] of vector) this.writeDot(out, actor, stamp);
    }
  }

  /** A record whose value is the rest of the message. */
  readToEnd(input: ByteReader): StoredRecord {
    return this.#read(input, true);
  }

  /** A record among others: its value has its length before it. */
  readPrefixed(input: ByteReader): StoredRecord {
    return this.#read(input, false);
  }

  writeDot(out: ByteWriter, actor: ActorIndex, stamp: Stamp): void {
    let name = this.#encodedActors[actor];
    if (name === undefined) {
      name = Buffer.from(this.#actors.nameOf(actor));
      this.#encodedActors[actor] = name;
    }
    out.u8(name.length);
    out.raw(name);
    out.f64(stamp);
  }

  readDot(input: ByteReader): Dot {
    const actor = this.#readActor(input);
    return { actor, stamp: readStamp(input) };
  }

  /** The dots of a version behind how many there are: none where none is known, one, or two with the expiry's. */
  writeDots(out: ByteWriter, version: KnownVersion | undefined): void {
    out.u8(version === undefined ? 0 : version.expiryDot === undefined ? 1 : 2);
    if (version === undefined) return;
    const { dot, expiryDot } = version;
    this.writeDot(out, dot.actor, dot.stamp);
    if (expiryDot !== undefined) this.writeDot(out, expiryDot.actor, expiryDot.stamp);
  }

  readDots(input: ByteReader): KnownVersion | undefined {
    const count = input.u8();
    if (count > 2) throw new MalformedMessageError(`Cannot take ${count} dots for a version`);
    if (count === 0) return undefined;
    return { dot: this.readDot(input), expiryDot: count === 2 ? this.readDot(input) : undefined };
  }

  /** As `readDots`, of a record that there is. */
  readVersion(input: ByteReader): KnownVersion {
    const version = this.readDots(input);
    if (version === undefined) throw new MalformedMessageError('Cannot read a version: it has no dot');
    return version;
  }

  #read(input: ByteReader, valueIsRest: boolean): StoredRecord {
    const flags = input.u8();
    const dot = this.readDot(input);
    let expiry: Expiry | undefined;
    if (flags & EXPIRY) {
      const atMs = readNatural(input, 'a time');
      expiry = { atMs, dot: flags & EXPIRY_OF_VALUE ? dot : this.readDot(input) };
    }
    const vector = flags & VECTOR ? this.#readVector(input) : EMPTY_VECTOR;
    const bytes = valueIsRest ? input.rest() : input.bytes();
    return { dot, value: flags & TOMBSTONE ? undefined : bytes, vector, expiry };
  }

  #readVector(input: ByteReader): VersionVector {
    const vector = new Map<ActorIndex, Stamp>();
    for (let left = input.u8(); left > 0; left--) {
      const { actor, stamp } = this.readDot(input);
      vector.set(actor, stamp);
    }
    return vector;
  }

  #readActor(input: ByteReader): ActorIndex {
    const bytes = input.raw(input.u8());
    const last = this.#lastActorBytes;
    let same = bytes.length === last.length && last.length > 0;
    for (let i = 0; same && i < last.length; i++) same = bytes[i] === last[i];
    if (same) return this.#lastActor;
    const name = bytes.toString();
    // What is not UTF-8 would not come out again as it came in.
    if (name === '' || Buffer.byteLength(name) !== bytes.length)
      throw new MalformedMessageError('Cannot read an actor');
    this.#lastActor = this.#actors.intern(name);
    this.#lastActorBytes = new Uint8Array(bytes);
    return this.#lastActor;
  }
}

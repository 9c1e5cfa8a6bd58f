import type { ActorIndex } from '../clock/actors.ts';
import type { Stamp } from '../clock/hybrid-clock.ts';
import { EMPTY_VECTOR, type VersionVector } from '../clock/version-vector.ts';
import { assert } from '../lib/assert.ts';
import { LargeTable } from './large-table.ts';
import type { ValueSink } from './outcome.ts';
import { type Dot, type Expiry, NEVER } from './record.ts';
import type { RecordDraft, VectorDraft } from './record-draft.ts';
import {
  ACTOR_SHIFT,
  EXPIRES,
  EXPIRY_DOT,
  expiryActorWord,
  HAS_VALUE,
  LARGE,
  largeWord,
  MAX_ACTORS,
  MAX_INLINE_KEY,
  MAX_INLINE_VALUE,
  prefixBytes,
  SHAPE_MASK,
  VECTOR_MASK,
  vectorDouble,
  vectorWord,
} from './record-layout.ts';
import { type BlockRef, byteOffset, doubleOffset, Slab, type SlabPage, wordOffset } from './slab.ts';

/** A record's place in the store; 0 is none. Good until the store changes. */
export type RecordRef = BlockRef;

/** Up to this many bytes a loop is quicker than the engine's copy. */
const SHORT_COPY = 16;
const LENGTH_BITS = 16;
const LENGTH_MASK = 0xffff;

/** Records in the form of `record-layout.ts`: writes them to blocks of the slab, and reads them field by field. */
export class PackedRecords {
  readonly #slab = new Slab();
  readonly #large = new LargeTable();

  /** Bytes of the blocks and large values in use. */
  get usedBytes(): number {
    return this.#slab.usedBytes + this.#large.bytes;
  }

  /** Bytes held for them. */
  get reservedBytes(): number {
    return this.#slab.reservedBytes + this.#large.bytes;
  }

  /** Packs the draft into a new block. */
  add(key: Uint8Array, draft: RecordDraft): RecordRef {
    const shape = shapeOf(key, draft);
    const ref = this.#slab.allocate(packedBytes(shape, key, draft));
    this.#write(ref, shape, key, draft);
    return ref;
  }

  /** Packs the draft in the place of `ref`, which is the same key's; returns the ref from now on. */
  replace(ref: RecordRef, key: Uint8Array, draft: RecordDraft): RecordRef {
    const shape = shapeOf(key, draft);
    if (
      ((shape | this.#shapeOf(ref)) & LARGE) === 0 &&
      !draft.valueInPlace &&
      this.#slab.fits(ref, packedBytes(shape, key, draft))
    ) {
      this.#write(ref, shape, key, draft);
      return ref;
    }
    const moved = this.add(key, draft);
    this.remove(ref);
    return moved;
  }

  remove(ref: RecordRef): void {
    if (this.#shapeOf(ref) & LARGE) this.#large.remove(this.#largeIndex(ref));
    this.#slab.free(ref);
  }

  /** Starts to empty sparse pages, unless some still are to be emptied; returns how many there are. */
  chooseLeaving(): number {
    return this.#slab.leavingCount || this.#slab.chooseLeaving();
  }

  /** Moves the record if its page is to be emptied; returns its ref from now on. */
  relocate(ref: RecordRef): RecordRef {
    return this.#slab.isLeaving(ref) ? this.#slab.move(ref) : ref;
  }

  clear(): void {
    this.#slab.clear();
    this.#large.clear();
  }

  hasValue(ref: RecordRef): boolean {
    return (this.#shapeOf(ref) & HAS_VALUE) !== 0;
  }

  stampOf(ref: RecordRef): Stamp {
    return this.#slab.pageOf(ref).doubles[doubleOffset(ref) + 1]!;
  }

  actorOf(ref: RecordRef): ActorIndex {
    return this.#slab.pageOf(ref).words[wordOffset(ref) + 1]! >>> ACTOR_SHIFT;
  }

  dotOf(ref: RecordRef): Dot {
    return { actor: this.actorOf(ref), stamp: this.stampOf(ref) };
  }

  /** Whether there is an expiry register, be it one that says `NEVER`. */
  hasExpiry(ref: RecordRef): boolean {
    return (this.#shapeOf(ref) & EXPIRES) !== 0;
  }

  hasExpiryDot(ref: RecordRef): boolean {
    return (this.#shapeOf(ref) & EXPIRY_DOT) !== 0;
  }

  /** Unix milliseconds; `NEVER` without an expiry. */
  expiryAtMs(ref: RecordRef): number {
    return this.hasExpiry(ref) ? this.#slab.pageOf(ref).doubles[doubleOffset(ref) + 2]! : NEVER;
  }

  /** Stamp of the expiry's dot; without one of its own, of the value's. */
  expiryStamp(ref: RecordRef): Stamp {
    return this.hasExpiryDot(ref) ? this.#slab.pageOf(ref).doubles[doubleOffset(ref) + 3]! : this.stampOf(ref);
  }

  /** Actor of the expiry's dot; without one of its own, of the value's. */
  expiryActor(ref: RecordRef): ActorIndex {
    const shape = this.#shapeOf(ref);
    if ((shape & EXPIRY_DOT) === 0) return this.actorOf(ref);
    return this.#slab.pageOf(ref).words[wordOffset(ref) + expiryActorWord(shape)]!;
  }

  expiryOf(ref: RecordRef): Expiry | undefined {
    if (!this.hasExpiry(ref)) return undefined;
    const dot = { actor: this.expiryActor(ref), stamp: this.expiryStamp(ref) };
    return { dot, atMs: this.expiryAtMs(ref) };
  }

  vectorOf(ref: RecordRef): VersionVector {
    const shape = this.#shapeOf(ref);
    const size = shape & VECTOR_MASK;
    if (size === 0) return EMPTY_VECTOR;
    const { doubles, words } = this.#slab.pageOf(ref);
    const stamps = doubleOffset(ref) + vectorDouble(shape);
    const actors = wordOffset(ref) + vectorWord(shape);
    const vector = new Map<ActorIndex, Stamp>();
    for (let i = 0; i < size; i++) vector.set(words[actors + i]!, doubles[stamps + i]!);
    return vector;
  }

  /** Joins the record's vector to a draft. */
  joinVector(ref: RecordRef, into: VectorDraft): void {
    const shape = this.#shapeOf(ref);
    const { doubles, words } = this.#slab.pageOf(ref);
    const stamps = doubleOffset(ref) + vectorDouble(shape);
    const actors = wordOffset(ref) + vectorWord(shape);
    for (let i = 0; i < (shape & VECTOR_MASK); i++) into.add(words[actors + i]!, doubles[stamps + i]!);
  }

  /** Whether the record's vector is this one, which is bounded and in order. */
  vectorIs(ref: RecordRef, vector: VectorDraft): boolean {
    const shape = this.#shapeOf(ref);
    if ((shape & VECTOR_MASK) !== vector.size) return false;
    const { doubles, words } = this.#slab.pageOf(ref);
    const stamps = doubleOffset(ref) + vectorDouble(shape);
    const actors = wordOffset(ref) + vectorWord(shape);
    for (let i = 0; i < vector.size; i++) {
      if (words[actors + i] !== vector.actors[i] || doubles[stamps + i] !== vector.stamps[i]) return false;
    }
    return true;
  }

  keyEquals(ref: RecordRef, key: Uint8Array): boolean {
    const page = this.#slab.pageOf(ref);
    const at = wordOffset(ref);
    const shape = page.words[at + 1]! & SHAPE_MASK;
    if ((shape & LARGE) !== 0 && key.length > MAX_INLINE_KEY) {
      return this.#large.keyAt(this.#largeIndex(ref))?.equals(key) === true;
    }
    if ((page.words[at]! & LENGTH_MASK) !== key.length || this.#hasLargeKey(ref, shape)) return false;
    const { bytes } = page;
    const start = byteOffset(ref) + prefixBytes(shape);
    for (let i = 0; i < key.length; i++) if (bytes[start + i] !== key[i]) return false;
    return true;
  }

  /** A copy of the key. */
  keyOf(ref: RecordRef): Buffer {
    const shape = this.#shapeOf(ref);
    if (this.#hasLargeKey(ref, shape)) return Buffer.from(this.#large.keyAt(this.#largeIndex(ref))!);
    const page = this.#slab.pageOf(ref);
    const start = byteOffset(ref) + prefixBytes(shape);
    return Buffer.from(page.bytes.subarray(start, start + (page.words[wordOffset(ref)]! & LENGTH_MASK)));
  }

  /** Length in bytes; 0 without a value. */
  valueLength(ref: RecordRef): number {
    return this.#largeValue(ref)?.length ?? this.#slab.pageOf(ref).words[wordOffset(ref)]! >>> LENGTH_BITS;
  }

  /** Hands the value, which there is, to the sink without a slice in between. */
  writeValue(ref: RecordRef, sink: ValueSink): void {
    const large = this.#largeValue(ref);
    if (large !== undefined) {
      sink.bulk(large);
      return;
    }
    const page = this.#slab.pageOf(ref);
    const start = this.#valueStart(ref, page);
    sink.bulkRange(page.bytes, start, start + (page.words[wordOffset(ref)]! >>> LENGTH_BITS));
  }

  /** The value where it lies, good until the store changes; undefined without one. */
  valueView(ref: RecordRef): Uint8Array | undefined {
    if (!this.hasValue(ref)) return undefined;
    const large = this.#largeValue(ref);
    if (large !== undefined) return large;
    const page = this.#slab.pageOf(ref);
    const start = this.#valueStart(ref, page);
    return page.bytes.subarray(start, start + (page.words[wordOffset(ref)]! >>> LENGTH_BITS));
  }

  /** The value to keep: a copy, or the Buffer that never changes; undefined without one. */
  valueOf(ref: RecordRef): Uint8Array | undefined {
    const view = this.valueView(ref);
    return view === undefined || this.#largeValue(ref) !== undefined ? view : Buffer.from(view);
  }

  #shapeOf(ref: RecordRef): number {
    return this.#slab.pageOf(ref).words[wordOffset(ref) + 1]! & SHAPE_MASK;
  }

  #valueStart(ref: RecordRef, page: SlabPage): number {
    const at = wordOffset(ref);
    return byteOffset(ref) + prefixBytes(page.words[at + 1]! & SHAPE_MASK) + (page.words[at]! & LENGTH_MASK);
  }

  #largeIndex(ref: RecordRef): number {
    return this.#slab.pageOf(ref).words[wordOffset(ref) + largeWord(this.#shapeOf(ref))]!;
  }

  #largeValue(ref: RecordRef): Buffer | undefined {
    return this.#shapeOf(ref) & LARGE ? this.#large.valueAt(this.#largeIndex(ref)) : undefined;
  }

  #hasLargeKey(ref: RecordRef, shape: number): boolean {
    return (shape & LARGE) !== 0 && this.#large.keyAt(this.#largeIndex(ref)) !== undefined;
  }

  #write(ref: RecordRef, shape: number, key: Uint8Array, draft: RecordDraft): void {
    const { bytes, words, doubles } = this.#slab.pageOf(ref);
    const word = wordOffset(ref);
    const double = doubleOffset(ref);
    const keyLength = inlineKeyLength(key);
    const valueLength = inlineValueLength(draft.value);
    assert(draft.actor < MAX_ACTORS, 'Cannot pack a record: more than 2^24 actors are known');
    words[word] = (valueLength << LENGTH_BITS) | keyLength;
    words[word + 1] = (draft.actor << ACTOR_SHIFT) | shape;
    doubles[double + 1] = draft.stamp;
    if (shape & EXPIRES) doubles[double + 2] = draft.expiryAtMs;
    if (shape & EXPIRY_DOT) {
      doubles[double + 3] = draft.expiryStamp;
      words[word + expiryActorWord(shape)] = draft.expiryActor;
    }
    if (shape & LARGE) {
      words[word + largeWord(shape)] = this.#large.add(
        keyLength < key.length ? key : undefined,
        draft.value !== undefined && valueLength < draft.value.length ? draft.value : undefined,
      );
    }
    for (let i = 0; i < draft.vector.size; i++) {
      doubles[double + vectorDouble(shape) + i] = draft.vector.stamps[i]!;
      words[word + vectorWord(shape) + i] = draft.vector.actors[i]!;
    }
    const start = byteOffset(ref) + prefixBytes(shape);
    copyInto(bytes, start, key, keyLength);
    if (valueLength > 0) copyInto(bytes, start + keyLength, draft.value!, valueLength);
  }
}

function copyInto(target: Buffer, start: number, source: Uint8Array, length: number): void {
  if (length > SHORT_COPY) target.set(source, start);
  else for (let i = 0; i < length; i++) target[start + i] = source[i]!;
}

function inlineKeyLength(key: Uint8Array): number {
  return key.length > MAX_INLINE_KEY ? 0 : key.length;
}

function inlineValueLength(value: Uint8Array | undefined): number {
  return value === undefined || value.length > MAX_INLINE_VALUE ? 0 : value.length;
}

function shapeOf(key: Uint8Array, draft: RecordDraft): number {
  const { value } = draft;
  return (
    draft.vector.size |
    (value === undefined ? 0 : HAS_VALUE) |
    (draft.expires ? EXPIRES : 0) |
    (draft.hasExpiryDot ? EXPIRY_DOT : 0) |
    (key.length > MAX_INLINE_KEY || (value !== undefined && value.length > MAX_INLINE_VALUE) ? LARGE : 0)
  );
}

function packedBytes(shape: number, key: Uint8Array, draft: RecordDraft): number {
  return prefixBytes(shape) + inlineKeyLength(key) + inlineValueLength(draft.value);
}

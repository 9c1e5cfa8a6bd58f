import type { ActorIndex, Actors } from '../clock/actors.ts';
import type { Stamp } from '../clock/hybrid-clock.ts';
import type { PackedRecords, RecordRef } from './packed-records.ts';
import type { Dot, StoredRecord } from './record.ts';
import { RecordDraft } from './record-draft.ts';

/**
 * What a record from elsewhere came to. `stored`: it was news, at least in part, and is now held. `same`: it was held
 * already. `behind`: what is held is later, so the writer of the record must stamp again above it.
 */
export type MergeOutcome = 'stored' | 'same' | 'behind';

/**
 * `mergeRecords` on packed records: compares a new version with the record held and leaves in `draft` what is to be
 * held from now on, without an object for each write.
 */
export class RecordMerger {
  /** The new version on the way in; after a call, the outcome. */
  readonly draft = new RecordDraft();
  readonly #actors: Actors;
  readonly #records: PackedRecords;
  #changed = false;
  #isConflict = false;

  constructor(actors: Actors, records: PackedRecords) {
    this.#actors = actors;
    this.#records = records;
  }

  /** Negative if the record's dot is the lesser, 0 if it is this one, positive if it is the greater. */
  compareToDot(ref: RecordRef, stamp: Stamp, actor: ActorIndex): number {
    return this.#records.stampOf(ref) - stamp || this.#actors.compare(this.#records.actorOf(ref), actor);
  }

  /** The same for the dot of the record's expiry; one without expiry is less than every dot. */
  compareToExpiryDot(ref: RecordRef, stamp: Stamp, actor: ActorIndex): number {
    if (!this.#records.hasExpiry(ref)) return -1;
    return this.#records.expiryStamp(ref) - stamp || this.#actors.compare(this.#records.expiryActor(ref), actor);
  }

  /** The draft's version comes after the record, or in place of none: its vector takes over what the record knew. */
  supersede(ref: RecordRef): void {
    const { draft } = this;
    const records = this.#records;
    if (ref !== 0) {
      const actor = records.actorOf(ref);
      if (actor !== draft.actor) draft.vector.add(actor, records.stampOf(ref));
      records.joinVector(ref, draft.vector);
    }
    if (draft.vector.size > 0) draft.vector.bound(this.#actors, draft.actor);
  }

  /**
   * Merges an incoming record with the one held, or with none. Whether the store must then take the draft over says
   * `changed`: it may have to though the answer is `behind`, for what the vector learned.
   */
  merge(ref: RecordRef, incoming: StoredRecord): MergeOutcome {
    const order = ref === 0 ? -1 : this.compareToDot(ref, incoming.dot.stamp, incoming.dot.actor);
    this.#isConflict = false;
    if (order < 0) {
      this.draft.setVersion(incoming);
      if (ref !== 0) this.#isConflict = !this.#isBehindDraft(this.#records.actorOf(ref), this.#records.stampOf(ref));
      this.supersede(ref);
      this.#changed = true;
      return 'stored';
    }
    this.load(ref);
    if (order > 0) this.#isConflict = !this.#isBehindDraft(incoming.dot.actor, incoming.dot.stamp);
    this.draft.vector.addAll(incoming.vector);
    if (order > 0) this.draft.vector.add(incoming.dot.actor, incoming.dot.stamp);
    this.draft.vector.bound(this.#actors, this.draft.actor);
    const learned = !this.#records.vectorIs(ref, this.draft.vector);
    if (order > 0) {
      this.#changed = learned;
      return 'behind';
    }
    return this.#mergeSameVersion(ref, incoming, learned);
  }

  /** Whether the last `merge` left in the draft something else than the store holds. */
  get changed(): boolean {
    return this.#changed;
  }

  /** Whether in the last `merge` the version that lost was not behind the one that won: the two are concurrent. */
  get isConflict(): boolean {
    return this.#isConflict;
  }

  /** An actor's own writes to a key follow each other: a replica stamps on top of its own record. */
  #isBehindDraft(actor: ActorIndex, stamp: Stamp): boolean {
    return actor === this.draft.actor || this.draft.vector.covers(actor, stamp);
  }

  /** Fills the draft with the record; its value is good until the store changes. */
  load(ref: RecordRef): void {
    const { draft } = this;
    const records = this.#records;
    draft.stamp = records.stampOf(ref);
    draft.actor = records.actorOf(ref);
    draft.value = records.valueView(ref);
    draft.valueInPlace = draft.value !== undefined;
    draft.expires = records.hasExpiry(ref);
    draft.expiryAtMs = records.expiryAtMs(ref);
    draft.expiryStamp = records.expiryStamp(ref);
    draft.expiryActor = records.expiryActor(ref);
    draft.vector.clear();
    records.joinVector(ref, draft.vector);
  }

  /**
   * The later expiry counts, and a value comes back that was dropped here because this replica knew only an earlier
   * one. `behind` is the answer only to an expiry written by itself: the version's own write is held, and so `same`,
   * whatever became of its expiry since.
   */
  #mergeSameVersion(ref: RecordRef, incoming: StoredRecord, learned: boolean): MergeOutcome {
    const { draft } = this;
    const { dot, expiry, value } = incoming;
    const order = expiry === undefined ? 1 : this.compareToExpiryDot(ref, expiry.dot.stamp, expiry.dot.actor);
    if (order < 0) draft.setExpiry(expiry!.atMs, expiry!.dot.stamp, expiry!.dot.actor);
    const valueCameBack = draft.value === undefined && value !== undefined;
    if (valueCameBack) {
      draft.value = value;
      draft.valueInPlace = false;
    }
    this.#changed = order < 0 || valueCameBack || learned;
    if (order > 0 && expiry !== undefined && !sameDot(expiry.dot, dot)) return 'behind';
    // Its value alone is no news from one who knows less of its expiry: it is dropped here again and again.
    const isNews = order < 0 || learned || (order === 0 && valueCameBack);
    return isNews ? 'stored' : 'same';
  }
}

function sameDot(a: Dot, b: Dot): boolean {
  return a.stamp === b.stamp && a.actor === b.actor;
}

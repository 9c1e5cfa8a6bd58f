import type { Stamp } from '../clock/hybrid-clock.ts';
import { NO_STAMP } from '../clock/hybrid-clock.ts';
import type { Dot, Expiry, StoredRecord } from '../store/record.ts';
import { NO_RECORD, type RecordRef, type RecordStore } from '../store/record-store.ts';

/** The dots that tell two states of a record apart. */
export interface KnownVersion {
  readonly dot: Dot;
  readonly expiryDot: Dot | undefined;
}

/** A record, or as much of one as names its version. */
interface Versioned {
  readonly dot: Dot;
  readonly expiry: Expiry | undefined;
}

export function versionOf(record: StoredRecord): KnownVersion {
  return { dot: record.dot, expiryDot: record.expiry?.dot };
}

/** The version of a record in a store, without its value. */
export function versionHeld(store: RecordStore, ref: RecordRef): KnownVersion | undefined {
  return ref === NO_RECORD ? undefined : { dot: store.dotOf(ref), expiryDot: store.expiryOf(ref)?.dot };
}

/** Whether `held` is this very version, its expiry included. */
export function isVersion(record: Versioned, held: KnownVersion | undefined): boolean {
  return isSameVersion({ dot: record.dot, expiryDot: record.expiry?.dot }, held);
}

export function isSameVersion(a: KnownVersion | undefined, b: KnownVersion | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return sameDot(a.dot, b.dot) && sameDot(a.expiryDot, b.expiryDot);
}

/** The greatest stamp in a version: what a write of it is acknowledged under. */
export function stampOf(record: Versioned): Stamp {
  return Math.max(record.dot.stamp, record.expiry?.dot.stamp ?? NO_STAMP);
}

/** The greatest stamp among the dots of a version. */
export function newestStampOf({ dot, expiryDot }: KnownVersion): Stamp {
  return Math.max(dot.stamp, expiryDot?.stamp ?? NO_STAMP);
}

function sameDot(a: Dot | undefined, b: Dot | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.stamp === b.stamp && a.actor === b.actor);
}

import type { Stamp } from '../clock/hybrid-clock.ts';
import { NO_STAMP } from '../clock/hybrid-clock.ts';
import type { Dot, Expiry, StoredRecord } from '../store/record.ts';

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

export function versionOf(record: StoredRecord | undefined): KnownVersion | undefined {
  return record && { dot: record.dot, expiryDot: record.expiry?.dot };
}

/** Whether `held` is this very version, its expiry included. */
export function isVersion(record: Versioned, held: KnownVersion | undefined): boolean {
  return held !== undefined && sameDot(record.dot, held.dot) && sameDot(record.expiry?.dot, held.expiryDot);
}

/** The greatest stamp in a version: what a write of it is acknowledged under. */
export function stampOf(record: Versioned): Stamp {
  return Math.max(record.dot.stamp, record.expiry?.dot.stamp ?? NO_STAMP);
}

function sameDot(a: Dot | undefined, b: Dot | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.stamp === b.stamp && a.actor === b.actor);
}

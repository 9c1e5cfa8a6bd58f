import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { type ActorIndex, Actors } from '../../src/clock/actors.ts';
import type { Stamp } from '../../src/clock/hybrid-clock.ts';
import { MAX_VECTOR_ENTRIES, type VersionVector } from '../../src/clock/version-vector.ts';
import type { Dot, Expiry, StoredRecord } from '../../src/store/record.ts';

/** More actors than a vector holds. Their order by name is not the order of their indexes. */
export const ACTOR_COUNT = 12;

export function someActors(): Actors {
  const actors = new Actors();
  for (let i = 0; i < ACTOR_COUNT; i++) actors.intern(`n${(i * 7) % ACTOR_COUNT}.00`);
  return actors;
}

/** Few stamps, so that equal ones of different actors are common. */
const MAX_STAMP = 15;

/** What a dot wrote: one dot, one write (invariant 1), so everything about the write follows from its dot. */
export function valueOfDot(dot: Dot): Buffer | undefined {
  if (dot.stamp % 4 === 0) return undefined;
  return Buffer.from(`value ${dot.actor} ${dot.stamp} `.repeat(dot.stamp));
}

const expiryOfDot = (dot: Dot): Expiry => ({ dot, atMs: dot.stamp % 3 === 0 ? 0 : 1000 + dot.stamp * 10 + dot.actor });

const aDot = fc.record({ actor: fc.nat(ACTOR_COUNT - 1), stamp: fc.integer({ min: 1, max: MAX_STAMP }) });

/**
 * A record as some replica may hold it: any bounded vector below its dot (invariant 2), an expiry by the write itself
 * or by a later `EXPIRE`, the value dropped perhaps where there is an expiry.
 */
export const aRecord: fc.Arbitrary<StoredRecord> = fc
  .record({
    dot: aDot,
    entries: fc.array(aDot, { maxLength: 20 }),
    expire: fc.option(aDot, { nil: undefined }),
    dropped: fc.boolean(),
  })
  .map(({ dot, entries, expire, dropped }) => {
    const vector = new Map<ActorIndex, Stamp>();
    for (const { actor, stamp } of entries) {
      if (stamp >= dot.stamp || actor === dot.actor || vector.size === MAX_VECTOR_ENTRIES) continue;
      vector.set(actor, Math.max(stamp, vector.get(actor) ?? 0));
    }
    let expiry = dot.stamp % 5 === 0 ? { dot, atMs: 2000 } : undefined;
    if (expire !== undefined) expiry = expiryOfDot({ actor: expire.actor, stamp: dot.stamp + expire.stamp });
    return { dot, value: expiry !== undefined && dropped ? undefined : valueOfDot(dot), vector, expiry };
  });

export const sortedVector = (vector: VersionVector) => [...vector].sort(([a], [b]) => a - b);

/** A record in a form that `toEqual` compares by content. */
export function plain(record: StoredRecord | undefined) {
  if (record === undefined) return undefined;
  const { dot, value, vector, expiry } = record;
  return {
    dot,
    value: value === undefined ? undefined : plainBytes(value),
    vector: sortedVector(vector),
    expiry,
  };
}

/** Long values by length and checksum, so that comparing them costs little. */
function plainBytes(bytes: Uint8Array): string {
  return bytes.length > 500 ? `${bytes.length} bytes, ${crc32(bytes)}` : Buffer.from(bytes).toString('latin1');
}

import fc from 'fast-check';
import { Actors } from '../../src/clock/actors.ts';
import { MAX_STAMP } from '../../src/clock/hybrid-clock.ts';
import { ByteReader } from '../../src/lib/byte-reader.ts';
import { slotOf } from '../../src/lib/slots.ts';
import { CollectionMessages } from '../../src/replication/collection-messages.ts';
import { bytesOf, DetachedFound } from '../../src/replication/detached-found.ts';
import { type Declined, ForwardMessages } from '../../src/replication/forward-messages.ts';
import { HintMessages } from '../../src/replication/hint-messages.ts';
import { BODY_THRESHOLD_BYTES, type Encoded } from '../../src/replication/message-type.ts';
import type { KeyOperation } from '../../src/replication/operation.ts';
import { RecordCodec } from '../../src/replication/record-codec.ts';
import { ReplicaMessages } from '../../src/replication/replica-messages.ts';
import { SurveyMessages } from '../../src/replication/survey-messages.ts';
import { SyncMessages } from '../../src/replication/sync-messages.ts';
import type { Mutation } from '../../src/store/mutation.ts';
import type { Found, Outcome } from '../../src/store/outcome.ts';
import { NEVER, type StoredRecord } from '../../src/store/record.ts';

export const ACTORS = ['n1.00c0ffee00c0ffee', 'n2.ffffffffffffffff', 'närrisch.0', `long-${'x'.repeat(200)}`];

/** Both ends of a link: actors have other indexes at the other end. */
function ends() {
  const [here, there] = [new Actors(), new Actors()];
  for (const name of ACTORS) here.intern(name);
  for (const name of ['someone.else', ...ACTORS.toReversed()]) there.intern(name);
  const [out, into] = [new RecordCodec(here), new RecordCodec(there)];
  const indexThere = (actor: number) => there.intern(here.nameOf(actor));
  return {
    replica: { out: new ReplicaMessages(out), into: new ReplicaMessages(into) },
    forward: { out: new ForwardMessages(), into: new ForwardMessages() },
    sync: { out: new SyncMessages(out), into: new SyncMessages(into) },
    hint: { out: new HintMessages(out), into: new HintMessages(into) },
    collection: { out: new CollectionMessages(out), into: new CollectionMessages(into) },
    survey: { out: new SurveyMessages(), into: new SurveyMessages() },
    /** The record as the other end names its actors. */
    moved(record: StoredRecord): StoredRecord {
      const dot = { ...record.dot, actor: indexThere(record.dot.actor) };
      const { expiry } = record;
      return {
        dot,
        value: record.value,
        vector: new Map([...record.vector].map(([actor, stamp]) => [indexThere(actor), stamp])),
        expiry: expiry && { atMs: expiry.atMs, dot: { ...expiry.dot, actor: indexThere(expiry.dot.actor) } },
      };
    },
    movedDot: <D extends { actor: number; stamp: number } | undefined>(dot: D): D =>
      dot && { ...dot, actor: indexThere(dot.actor) },
  };
}

export const LINK = ends();

/** What arrives: head and body in one, behind the type byte. */
export function onTheWire({ head, body }: Encoded): ByteReader {
  const reader = new ByteReader();
  reader.open(Buffer.concat(body === undefined ? [head] : [head, body]), 1);
  return reader;
}

export const bytes = (options: fc.IntArrayConstraints) => fc.uint8Array(options).map(array => Buffer.from(array));
const aCount = fc.oneof(fc.constantFrom('quorum' as const, 'all' as const), fc.integer({ min: 1, max: 254 }));
export const aKey = bytes({ maxLength: 40 });
const largeBody = fc
  .integer({ min: BODY_THRESHOLD_BYTES - 2, max: BODY_THRESHOLD_BYTES + 2 })
  .map(n => Buffer.alloc(n, n));
const aValue = fc.oneof({ weight: 9, arbitrary: bytes({ maxLength: 60 }) }, { weight: 1, arbitrary: largeBody });
export const anId = fc.nat({ max: Number.MAX_SAFE_INTEGER });
export const aStamp = fc.integer({ min: 1, max: MAX_STAMP });
const aDot = fc.record({ actor: fc.nat(ACTORS.length - 1), stamp: aStamp });
const anExpiryTime = fc.oneof(fc.constant(NEVER), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
export const u32 = fc.nat(0xffff_ffff);
export const u8 = fc.nat(255);
export const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

export const aRecord: fc.Arbitrary<StoredRecord> = fc
  .record({
    dot: aDot,
    value: optional(aValue),
    vector: fc.array(fc.tuple(fc.nat(ACTORS.length - 1), aStamp), { maxLength: 8 }),
    expiry: optional(fc.record({ dot: optional(aDot), atMs: anExpiryTime })),
  })
  .map(({ dot, value, vector, expiry }) => ({
    dot,
    value,
    vector: new Map(vector),
    expiry: expiry && { dot: expiry.dot ?? dot, atMs: expiry.atMs },
  }));

export const aVersion = fc.record({ dot: aDot, expiryDot: optional(aDot) });

const aMutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({
    kind: fc.constant('set' as const),
    value: aValue,
    expiry: fc.oneof(fc.constant('keep' as const), anExpiryTime),
    condition: fc.constantFrom('always', 'absent', 'present'),
    returnBefore: fc.boolean(),
  }),
  fc.constant({ kind: 'delete' as const }),
  fc.record({
    kind: fc.constant('expire' as const),
    atMs: anExpiryTime,
    condition: fc.constantFrom('always', 'not-expiring', 'expiring', 'later', 'sooner', 'expiring-sooner'),
  }),
);

export const anOperation: fc.Arbitrary<KeyOperation> = fc.oneof(
  fc
    .record({ kind: fc.constant('read' as const), db: u8, key: aKey, need: aCount, wantsValue: fc.boolean() })
    .map(fields => ({ ...fields, slot: slotOf(fields.key) })),
  fc
    .record({
      kind: fc.constant('write' as const),
      db: u8,
      key: aKey,
      need: aCount,
      readNeed: aCount,
      mutation: aMutation,
    })
    .map(fields => ({ ...fields, slot: slotOf(fields.key) })),
);

const aFound: fc.Arbitrary<Found | undefined> = optional(
  fc
    .record({ value: aValue, expiryAtMs: anExpiryTime })
    .map(({ value, expiryAtMs }) => new DetachedFound(value.length, expiryAtMs, value)),
);
export const anOutcome: fc.Arbitrary<Outcome | Declined> = fc.oneof(
  aFound.map(found => ({ status: 'read' as const, found })),
  fc.tuple(fc.boolean(), aFound).map(([applied, before]) => ({ status: 'written' as const, applied, before })),
  fc.string({ maxLength: 50 }).map(reason => ({ status: 'unavailable' as const, reason })),
  fc.string({ maxLength: 50 }).map(error => ({ status: 'refused' as const, error })),
  fc.string({ maxLength: 50 }).map(reason => ({ status: 'declined' as const, reason })),
);

const plainFound = (found: Found | undefined, withValue: boolean) =>
  found && [found.length, found.expiryAtMs, withValue ? Buffer.from(bytesOf(found)).toString('latin1') : ''];

export function plainOutcome(outcome: Outcome | Declined, withValue: boolean) {
  if (outcome.status === 'read') return ['read', plainFound(outcome.found, withValue)];
  if (outcome.status === 'written') return ['written', outcome.applied, plainFound(outcome.before, withValue)];
  return outcome;
}

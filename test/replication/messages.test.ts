import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { MAX_STAMP } from '../../src/clock/hybrid-clock.ts';
import { EMPTY_DIGEST } from '../../src/digest/contribution.ts';
import { ByteReader, MalformedMessageError } from '../../src/lib/byte-reader.ts';
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
import { ROOT_BLOCK } from '../../src/replication/sync-blocks.ts';
import { type KeyedRecord, SyncMessages } from '../../src/replication/sync-messages.ts';
import type { Mutation } from '../../src/store/mutation.ts';
import type { Found, Outcome } from '../../src/store/outcome.ts';
import { NEVER, type StoredRecord } from '../../src/store/record.ts';
import { plain } from '../store/records.ts';

const ACTORS = ['n1.00c0ffee00c0ffee', 'n2.ffffffffffffffff', 'närrisch.0', `long-${'x'.repeat(200)}`];

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

const LINK = ends();

/** What arrives: head and body in one, behind the type byte. */
function onTheWire({ head, body }: Encoded): ByteReader {
  const reader = new ByteReader();
  reader.open(Buffer.concat(body === undefined ? [head] : [head, body]), 1);
  return reader;
}

const bytes = (options: fc.IntArrayConstraints) => fc.uint8Array(options).map(array => Buffer.from(array));
const aKey = bytes({ maxLength: 40 });
const largeBody = fc
  .integer({ min: BODY_THRESHOLD_BYTES - 2, max: BODY_THRESHOLD_BYTES + 2 })
  .map(n => Buffer.alloc(n, n));
const aValue = fc.oneof({ weight: 9, arbitrary: bytes({ maxLength: 60 }) }, { weight: 1, arbitrary: largeBody });
const anId = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const aStamp = fc.integer({ min: 1, max: MAX_STAMP });
const aDot = fc.record({ actor: fc.nat(ACTORS.length - 1), stamp: aStamp });
const anExpiryTime = fc.oneof(fc.constant(NEVER), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const u32 = fc.nat(0xffff_ffff);
const u8 = fc.nat(255);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const aRecord: fc.Arbitrary<StoredRecord> = fc
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

const aVersion = fc.record({ dot: aDot, expiryDot: optional(aDot) });

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

const anOperation: fc.Arbitrary<KeyOperation> = fc.oneof(
  fc
    .record({ kind: fc.constant('read' as const), db: u8, key: aKey, need: u8, wantsValue: fc.boolean() })
    .map(fields => ({ ...fields, slot: slotOf(fields.key) })),
  fc
    .record({ kind: fc.constant('write' as const), db: u8, key: aKey, need: u8, readNeed: u8, mutation: aMutation })
    .map(fields => ({ ...fields, slot: slotOf(fields.key) })),
);

const aFound: fc.Arbitrary<Found | undefined> = optional(
  fc
    .record({ value: aValue, expiryAtMs: anExpiryTime })
    .map(({ value, expiryAtMs }) => new DetachedFound(value.length, expiryAtMs, value)),
);
const anOutcome: fc.Arbitrary<Outcome | Declined> = fc.oneof(
  aFound.map(found => ({ status: 'read' as const, found })),
  fc.tuple(fc.boolean(), aFound).map(([applied, before]) => ({ status: 'written' as const, applied, before })),
  fc.string({ maxLength: 50 }).map(reason => ({ status: 'unavailable' as const, reason })),
  fc.string({ maxLength: 50 }).map(error => ({ status: 'refused' as const, error })),
  fc.string({ maxLength: 50 }).map(reason => ({ status: 'declined' as const, reason })),
);

const plainFound = (found: Found | undefined, withValue: boolean) =>
  found && [found.length, found.expiryAtMs, withValue ? Buffer.from(bytesOf(found)).toString('latin1') : ''];

function plainOutcome(outcome: Outcome | Declined, withValue: boolean) {
  if (outcome.status === 'read') return ['read', plainFound(outcome.found, withValue)];
  if (outcome.status === 'written') return ['written', outcome.applied, plainFound(outcome.before, withValue)];
  return outcome;
}

describe('Every message arrives as it was sent', () => {
  it('replicate, with any key and any record', () => {
    fc.assert(
      fc.property(anId, u32, u8, aKey, aRecord, (id, epoch, db, key, record) => {
        const { out, into } = LINK.replica;
        const { record: arrived, ...rest } = into.decodeReplicate(
          onTheWire(out.encodeReplicate(id, epoch, db, key, record)),
        );
        expect(rest).toEqual({ id, epoch, db, key });
        expect(plain(arrived)).toEqual(plain(LINK.moved(record)));
      }),
    );
  });

  it('replicated', () => {
    const status = fc.constantFrom('stored' as const, 'behind' as const, 'refilling' as const);
    fc.assert(
      fc.property(fc.record({ id: anId, status, stamp: aStamp }), message => {
        const { out, into } = LINK.replica;
        expect(into.decodeReplicated(onTheWire(out.encodeReplicated(message)))).toEqual(message);
      }),
    );
  });

  it('stand-in and hint, with any key and any record, and hinted', () => {
    fc.assert(
      fc.property(anId, u32, u8, aKey, aRecord, u32, (id, epoch, db, key, record, replicas) => {
        const { out, into } = LINK.hint;
        const request = into.decodeStandIn(onTheWire(out.encodeStandIn({ id, epoch, db, key, record, replicas })));
        const handover = into.decodeHint(onTheWire(out.encodeHint({ id, epoch, db, key, record })));
        const expected = plain(LINK.moved(record));
        expect({ ...request, record: plain(request.record) }).toEqual({
          id,
          epoch,
          db,
          key,
          record: expected,
          replicas,
        });
        expect({ ...handover, record: plain(handover.record) }).toEqual({ id, epoch, db, key, record: expected });
        expect(into.decodeHinted(onTheWire(out.encodeHinted(id)))).toBe(id);
      }),
    );
  });

  it('every step of a collection, with any tombstones, and fences', () => {
    const anEntry = fc.record({ slot: fc.nat(16_383), hash: u32, version: aVersion });
    const aStep = fc.constantFrom('propose', 'settle', 'remove');
    const aFloor = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat());
    fc.assert(
      fc.property(anId, u32, u8, aStep, aFloor, fc.array(anEntry), (id, epoch, db, step, floor, drawn) => {
        const { out, into } = LINK.collection;
        const { movedDot } = LINK;
        const entries = drawn.map(({ slot, hash, version }) => ({ slot, hash, ...version }));
        const expected = entries.map(each => ({
          ...each,
          dot: movedDot(each.dot),
          expiryDot: movedDot(each.expiryDot),
        }));
        const request = { id, epoch, db, step, floor } as const;
        const decoded = into.decodeCollection(onTheWire(out.encodeCollection({ ...request, entries })));
        expect(decoded).toEqual({ ...request, entries: expected });
        const reply = { id, step, floor, held: Buffer.from(entries.map(({ hash }) => hash & 1)) } as const;
        expect(into.decodeReply(onTheWire(out.encodeReply(reply)))).toEqual(reply);
        expect(into.decodeFenced(onTheWire(out.encodeFenced({ id, floor })))).toEqual({ id, floor });
        const fence = { id, epoch, upTo: 4096 };
        expect(into.decodeFence(onTheWire(out.encodeFence(fence)))).toEqual(fence);
      }),
    );
  });

  it('read, with what the coordinator holds', () => {
    fc.assert(
      fc.property(anId, u32, u8, aKey, optional(aVersion), (id, epoch, db, key, known) => {
        const { out, into } = LINK.replica;
        const { movedDot } = LINK;
        const expected = known && { dot: movedDot(known.dot), expiryDot: movedDot(known.expiryDot) };
        const arrived = into.decodeRead(onTheWire(out.encodeRead(id, epoch, db, key, known)));
        expect(arrived).toEqual({ id, epoch, db, key, known: expected });
      }),
    );
  });

  it('read reply', () => {
    fc.assert(
      fc.property(
        anId,
        fc.boolean(),
        fc.constantFrom('same', 'absent'),
        optional(aRecord),
        (id, refilling, word, record) => {
          const { out, into } = LINK.replica;
          const status = record === undefined ? word : 'record';
          const { record: arrived, ...rest } = into.decodeReadReply(
            onTheWire(out.encodeReadReply({ id, refilling, status, record })),
          );
          expect(rest).toEqual({ id, refilling, status });
          expect(plain(arrived)).toEqual(record && plain(LINK.moved(record)));
        },
      ),
    );
  });

  it('coming', () => {
    const answers = fc.constantFrom('read' as const, 'forward' as const);
    fc.assert(
      fc.property(fc.record({ id: anId, answers, bytes: anId }), message => {
        const { out, into } = LINK.replica;
        expect(into.decodeComing(onTheWire(out.encodeComing(message)))).toEqual(message);
      }),
    );
  });

  it('forward, with every operation', () => {
    fc.assert(
      fc.property(anId, fc.constantFrom(...ACTORS), u32, anOperation, (id, actor, epoch, operation) => {
        const { out, into } = LINK.forward;
        const arrived = into.decodeForward(onTheWire(out.encodeForward(id, actor, epoch, operation)));
        expect(arrived).toEqual({ id, actor, epoch, operation });
      }),
      { numRuns: 300 },
    );
  });

  it('forward reply, with the value only where it is wanted', () => {
    fc.assert(
      fc.property(anId, anOutcome, fc.boolean(), (id, outcome, wantsValue) => {
        const { out, into } = LINK.forward;
        const encoded = out.encodeReply(id, outcome, wantsValue);
        if (!wantsValue) expect(encoded.head.length).toBeLessThan(300);
        const arrived = into.decodeReply(onTheWire(encoded));
        expect(arrived.id).toBe(id);
        expect(plainOutcome(arrived.outcome, true)).toEqual(plainOutcome(outcome, wantsValue));
      }),
      { numRuns: 300 },
    );
  });

  it('sync open and sync root', () => {
    fc.assert(
      fc.property(anId, u32, u8, u32, u32, fc.boolean(), fc.boolean(), (round, epoch, db, low, high, a, b) => {
        const { out, into } = LINK.sync;
        const open = { round, epoch, db, root: [low, high] as const };
        expect(into.decodeOpen(onTheWire(out.encodeOpen(open)))).toEqual(open);
        const root = { round, db, refilling: a, equal: b };
        expect(into.decodeRoot(onTheWire(out.encodeRoot(root)))).toEqual(root);
      }),
    );
  });

  it('sync compare and sync differing', () => {
    const aDigest = fc.oneof(fc.constant(EMPTY_DIGEST), fc.tuple(u32, u32));
    const digests = fc.array(aDigest, { minLength: 16, maxLength: 16 });
    const aBlock = fc.tuple(fc.nat(11), u32).map(([level, word]) => {
      const bits = 48 - 4 * level;
      return { bits, place: Math.floor((word * 2 ** 16) / 2 ** bits) * 2 ** bits };
    });
    const blocks = fc.array(fc.record({ block: aBlock, digests }), { maxLength: 5 });
    const masks = fc.array(fc.nat(0xffff), { maxLength: 70 });
    fc.assert(
      fc.property(anId, u32, u8, u32, blocks, masks, (round, epoch, db, ask, compared, children) => {
        const { out, into } = LINK.sync;
        const compare = { round, epoch, db, ask, blocks: compared };
        expect(into.decodeCompare(onTheWire(out.encodeCompare(compare)))).toEqual(compare);
        const differing = { round, db, ask, children };
        expect(into.decodeDiffering(onTheWire(out.encodeDiffering(differing)))).toEqual(differing);
      }),
    );
  });

  it('survey and surveyed', () => {
    const slots = fc.array(fc.tuple(fc.nat(16_383), u32, u32, fc.boolean()), { maxLength: 20 });
    fc.assert(
      fc.property(anId, u32, u8, slots, (id, epoch, db, held) => {
        expect(surveys.decodeRequest(onTheWire(surveys.encodeRequest({ id, epoch, db })))).toEqual({ id, epoch, db });
        const words = new Uint32Array(2 * 16_384);
        const refilling = new Uint8Array(16_384);
        for (const [slot, low, high, lacks] of held) {
          words.set([low, high], 2 * slot);
          if (lacks) refilling[slot] = 1;
        }
        const arrived = surveys.decodeSurveyed(onTheWire(surveys.encodeSurveyed({ id, words, refilling })));
        expect(arrived.id).toBe(id);
        expect(Buffer.compare(Buffer.from(arrived.words.buffer), Buffer.from(words.buffer))).toBe(0);
        expect(Buffer.compare(arrived.refilling, refilling)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('sync page', () => {
    const entry = fc.tuple(u32, aVersion).map(([hash, version]) => ({ hash, ...version }));
    fc.assert(
      fc.property(anId, u32, u8, fc.nat(16_383), u32, fc.array(entry), (round, epoch, db, slot, hash, entries) => {
        const { out, into } = LINK.sync;
        const { movedDot } = LINK;
        const page = { round, epoch, db, slot, fromHash: hash, toHash: 0xffff_ffff, entries };
        const moved = entries.map(each => ({
          hash: each.hash,
          dot: movedDot(each.dot),
          expiryDot: movedDot(each.expiryDot),
        }));
        expect(into.decodePage(onTheWire(out.encodePage(page)))).toEqual({ ...page, entries: moved });
      }),
    );
  });

  it('sync page reply, with any number of records of one slot, the last one perhaps large', () => {
    const key = bytes({ maxLength: 10 }).map(rest => Buffer.concat([Buffer.from('{tag}'), rest]));
    const keyed: fc.Arbitrary<KeyedRecord> = fc.record({ key, record: aRecord });
    const slot = slotOf(Buffer.from('{tag}'));
    const sizes = fc.array(keyed, { maxLength: 6 });
    fc.assert(
      fc.property(anId, u8, fc.nat(1000), fc.array(u32), sizes, (round, db, fromHash, wanted, records) => {
        const { out, into } = LINK.sync;
        const reply = { round, db, slot, fromHash, nextHash: 2 ** 32, wanted };
        const arrived = into.decodePageReply(onTheWire(out.encodePageReply({ ...reply, records })));
        expect({ ...arrived, records: [] }).toEqual({ ...reply, records: [] });
        const view = ({ key: each, record }: KeyedRecord) => [Buffer.from(each).toString('latin1'), plain(record)];
        expect(arrived.records.map(view)).toEqual(
          records.map(each => view({ ...each, record: LINK.moved(each.record) })),
        );
      }),
    );
  });
});

type Decode = (input: ByteReader) => unknown;
const { replica, forward, sync, hint, collection } = LINK;
const surveys = new SurveyMessages();
const DECODERS: readonly (readonly [string, Decode])[] = [
  ['replicate', input => replica.into.decodeReplicate(input)],
  ['replicated', input => replica.into.decodeReplicated(input)],
  ['read', input => replica.into.decodeRead(input)],
  ['read reply', input => replica.into.decodeReadReply(input)],
  ['forward', input => forward.into.decodeForward(input)],
  ['forward reply', input => forward.into.decodeReply(input)],
  ['sync open', input => sync.into.decodeOpen(input)],
  ['sync root', input => sync.into.decodeRoot(input)],
  ['sync page', input => sync.into.decodePage(input)],
  ['sync page reply', input => sync.into.decodePageReply(input)],
  ['coming', input => replica.into.decodeComing(input)],
  ['survey', input => surveys.decodeRequest(input)],
  ['surveyed', input => surveys.decodeSurveyed(input)],
  ['sync compare', input => sync.into.decodeCompare(input)],
  ['sync differing', input => sync.into.decodeDiffering(input)],
  ['stand-in', input => hint.into.decodeStandIn(input)],
  ['hint', input => hint.into.decodeHint(input)],
  ['hinted', input => hint.into.decodeHinted(input)],
  ['fence', input => collection.into.decodeFence(input)],
  ['fenced', input => collection.into.decodeFenced(input)],
  ['collection', input => collection.into.decodeCollection(input)],
  ['collection reply', input => collection.into.decodeReply(input)],
  ['collected', input => collection.into.decodeCollected(input)],
];

/** What decoding comes to: a message, or the one error that there may be. Anything else is thrown on. */
function attempt(decode: Decode, message: Buffer): 'decoded' | 'refused' {
  const reader = new ByteReader();
  reader.open(message, 1);
  try {
    decode(reader);
    return 'decoded';
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error;
    return 'refused';
  }
}

const RECORD: StoredRecord = {
  dot: { actor: 0, stamp: 2 ** 50 },
  value: undefined,
  vector: new Map([[1, 7]]),
  expiry: { atMs: 99, dot: { actor: 2, stamp: 2 ** 50 + 1 } },
};
const KEY = Buffer.from('key');
const ENTRY = { slot: 5, hash: 9, dot: RECORD.dot, expiryDot: RECORD.expiry!.dot };
const VERSION = { dot: RECORD.dot, expiryDot: RECORD.expiry!.dot };
const samples = (): readonly Buffer[] => {
  const slot = slotOf(KEY);
  const page = { round: 1, db: 1, slot, fromHash: 0 };
  const set: KeyOperation = {
    kind: 'write',
    db: 1,
    slot,
    key: KEY,
    need: 2,
    readNeed: 2,
    mutation: { kind: 'expire', atMs: 5, condition: 'later' },
  };
  const copies = [
    () => replica.out.encodeReplicate(1, 1, 1, KEY, RECORD),
    () => replica.out.encodeReplicated({ id: 1, status: 'stored', stamp: 7 }),
    () => replica.out.encodeRead(1, 1, 1, KEY, VERSION),
    () => replica.out.encodeReadReply({ id: 1, refilling: true, status: 'record', record: RECORD }),
    () => forward.out.encodeForward(1, ACTORS[0]!, 1, set),
    () => forward.out.encodeReply(1, { status: 'unavailable', reason: 'none' }, true),
    () => sync.out.encodeOpen({ round: 1, epoch: 1, db: 1, root: [1, 2] }),
    () => sync.out.encodeRoot({ round: 1, db: 1, refilling: true, equal: false }),
    () => sync.out.encodePage({ ...page, epoch: 1, toHash: 9, entries: [{ hash: 1, ...VERSION }] }),
    () => sync.out.encodePageReply({ ...page, nextHash: 9, wanted: [1], records: [{ key: KEY, record: RECORD }] }),
    () => replica.out.encodeComing({ id: 1, answers: 'forward', bytes: 5 }),
    () => surveys.encodeRequest({ id: 1, epoch: 1, db: 1 }),
    () => {
      const words = new Uint32Array(2 * 16_384).fill(7, 10, 14);
      return surveys.encodeSurveyed({ id: 1, words, refilling: new Uint8Array(16_384).fill(1, 3, 5) });
    },
    () =>
      sync.out.encodeCompare({ round: 1, epoch: 1, db: 1, ask: 1, blocks: [{ block: ROOT_BLOCK, digests: [[1, 2]] }] }),
    () => sync.out.encodeDiffering({ round: 1, db: 1, ask: 1, children: [3] }),
    () => hint.out.encodeStandIn({ id: 1, epoch: 1, db: 1, key: KEY, record: RECORD, replicas: 6 }),
    () => hint.out.encodeHint({ id: 1, epoch: 1, db: 1, key: KEY, record: RECORD }),
    () => hint.out.encodeHinted(1),
    () => collection.out.encodeFence({ id: 1, epoch: 1, upTo: 7 }),
    () => collection.out.encodeFenced({ id: 1, floor: 7 }),
    () => collection.out.encodeCollection({ id: 1, epoch: 1, db: 1, step: 'propose', floor: 7, entries: [ENTRY] }),
    () => collection.out.encodeReply({ id: 1, step: 'settle', floor: 7, held: new Uint8Array(0) }),
    () => collection.out.encodeCollected({ epoch: 1, db: 1, entry: ENTRY }),
  ];
  return copies.map(encode => Buffer.from(encode().head));
};
const SAMPLES = samples();

describe('Bytes that no encoder wrote', () => {
  it.each(DECODERS)('are refused as malformed or decoded, never anything else: %s', (name, decode) => {
    const sample = SAMPLES[DECODERS.findIndex(each => each[0] === name)]!;
    const garbage = fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array));
    const flips = fc.array(fc.tuple(fc.nat(sample.length - 1), u8), { minLength: 1, maxLength: 3 });
    const damaged = flips.map(list => {
      const copy = Buffer.from(sample);
      for (const [at, byte] of list) copy[at] = byte;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(garbage, damaged), message => {
        attempt(decode, message);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(DECODERS)('that end too early are refused: %s', (name, decode) => {
    const sample = SAMPLES[DECODERS.findIndex(each => each[0] === name)]!;
    expect(attempt(decode, sample)).toBe('decoded');
    for (let length = 1; length < sample.length; length++) {
      expect([length, attempt(decode, sample.subarray(0, length))]).toEqual([length, 'refused']);
    }
  });

  it('that count more than they hold are refused before anything is made for it', () => {
    const page = Buffer.from(SAMPLES[8]!);
    page.writeUInt32BE(0xffff_ffff, 1 + 8 + 1 + 4 + 2 + 4 + 4);
    expect(attempt(input => sync.into.decodePage(input), page)).toBe('refused');
    const reply = Buffer.from(SAMPLES[9]!);
    reply.writeUInt32BE(0xffff_ffff, 1 + 8 + 1 + 2 + 4 + 8);
    expect(attempt(input => sync.into.decodePageReply(input), reply)).toBe('refused');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53])('are no number, stamp or length: %d', number => {
    const at = (sample: number, offset: number) => {
      const copy = Buffer.from(SAMPLES[sample]!);
      copy.writeDoubleBE(number, offset);
      return attempt(DECODERS[sample]![1], copy);
    };
    for (const [sample, [name]] of DECODERS.entries()) {
      if (name !== 'collected') expect([name, at(sample, 1)]).toEqual([name, 'refused']);
    }
    expect(at(1, SAMPLES[1]!.length - 8)).toBe('refused');
    expect(at(4, SAMPLES[4]!.length - 8)).toBe('refused');
    const found = new DetachedFound(3, NEVER, KEY);
    for (const offset of [1 + 8 + 1 + 1, 1 + 8 + 1 + 1 + 8]) {
      const copy = Buffer.from(forward.out.encodeReply(1, { status: 'read', found }, true).head);
      copy.writeDoubleBE(number, offset);
      expect(attempt(input => forward.into.decodeReply(input), copy)).toBe('refused');
    }
  });

  it('are no status, outcome or condition that a list has not', () => {
    const at = (sample: number, offset: number) => {
      const copy = Buffer.from(SAMPLES[sample]!);
      copy[offset] = 200;
      return attempt(DECODERS[sample]![1], copy);
    };
    expect(at(1, 9)).toBe('refused');
    expect(at(3, 10)).toBe('refused');
    expect(at(5, 9)).toBe('refused');
    expect(at(4, SAMPLES[4]!.length - 9)).toBe('refused');
  });

  it('name no actor: an empty name, or one that is not UTF-8', () => {
    const replicated = (name: Buffer) => {
      const head = SAMPLES[0]!.subarray(0, 1 + 8 + 4 + 1 + 4 + KEY.length);
      const record = Buffer.concat([Buffer.of(1, name.length), name, Buffer.alloc(8)]);
      return attempt(
        input => new ReplicaMessages(new RecordCodec(new Actors())).decodeReplicate(input),
        Buffer.concat([head, record]),
      );
    };
    expect(replicated(Buffer.from('n1.0'))).toBe('decoded');
    expect(replicated(Buffer.alloc(0))).toBe('refused');
    expect(replicated(Buffer.of(0xff, 0xfe))).toBe('refused');
  });

  it('bring no runs of slots that are empty, overlap or end behind the last slot', () => {
    const refillingRuns = (...runs: number[][]) => {
      const words = [0, runs.length, ...runs.flat()];
      const message = Buffer.alloc(9 + 2 * words.length);
      words.forEach((word, i) => {
        message.writeUInt16BE(word, 9 + 2 * i);
      });
      return attempt(input => surveys.decodeSurveyed(input), message);
    };
    expect(refillingRuns([0, 5], [5, 16_379])).toBe('decoded');
    for (const run of [
      [5, 0],
      [4, 1],
      [16_383, 2],
    ])
      expect(refillingRuns([0, 5], run)).toBe('refused');
  });

  it('bring no key of another slot, and no page that goes on where it began', () => {
    const page = { round: 1, db: 1, slot: slotOf(KEY), fromHash: 5, nextHash: 9, wanted: [] };
    const reply = (changes: object) =>
      attempt(
        input => sync.into.decodePageReply(input),
        Buffer.from(sync.out.encodePageReply({ ...page, records: [{ key: KEY, record: RECORD }], ...changes }).head),
      );
    expect(reply({})).toBe('decoded');
    expect(reply({ slot: page.slot + 1 })).toBe('refused');
    expect(reply({ nextHash: 5 })).toBe('refused');
    expect(reply({ nextHash: 2 ** 32 + 1 })).toBe('refused');
  });
});

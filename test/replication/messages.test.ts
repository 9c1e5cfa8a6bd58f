import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_DIGEST } from '../../src/digest/contribution.ts';
import { slotOf } from '../../src/lib/slots.ts';
import type { KeyedRecord } from '../../src/replication/sync-messages.ts';
import { plain } from '../store/records.ts';
import {
  ACTORS,
  aKey,
  anId,
  anOperation,
  anOutcome,
  aRecord,
  aStamp,
  aVersion,
  bytes,
  LINK,
  onTheWire,
  optional,
  plainOutcome,
  u8,
  u32,
} from './wire.ts';

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
    const flags = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
    const slots = fc
      .uniqueArray(fc.nat(16_383))
      .map(list => (list.length === 0 ? undefined : Uint16Array.from(list).sort()));
    fc.assert(
      fc.property(anId, u32, u8, u32, u32, slots, flags, (round, epoch, db, low, high, offered, [a, b, c]) => {
        const { out, into } = LINK.sync;
        const open = { round, epoch, db, root: [low, high] as const, offered };
        expect(into.decodeOpen(onTheWire(out.encodeOpen(open)))).toEqual(open);
        const root = { round, db, refilling: a, arriving: b, equal: c };
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
        expect(LINK.survey.into.decodeRequest(onTheWire(LINK.survey.out.encodeRequest({ id, epoch, db })))).toEqual({
          id,
          epoch,
          db,
        });
        const words = new Uint32Array(2 * 16_384);
        const refilling = new Uint8Array(16_384);
        for (const [slot, low, high, lacks] of held) {
          words.set([low, high], 2 * slot);
          if (lacks) refilling[slot] = 1;
        }
        const arrived = LINK.survey.into.decodeSurveyed(
          onTheWire(LINK.survey.out.encodeSurveyed({ id, words, refilling })),
        );
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
        const isOffer = epoch % 2 === 0;
        const page = { round, epoch, db, slot, fromHash: hash, toHash: 0xffff_ffff, isOffer, entries };
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

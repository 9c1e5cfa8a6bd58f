import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { ByteReader, MalformedMessageError } from '../../src/lib/byte-reader.ts';
import { slotOf } from '../../src/lib/slots.ts';
import { DetachedFound } from '../../src/replication/detached-found.ts';
import type { KeyOperation } from '../../src/replication/operation.ts';
import { RecordCodec } from '../../src/replication/record-codec.ts';
import { ReplicaMessages } from '../../src/replication/replica-messages.ts';
import { ROOT_BLOCK } from '../../src/replication/sync-blocks.ts';
import { NEVER, type StoredRecord } from '../../src/store/record.ts';
import { ACTORS, LINK, u8 } from './wire.ts';

type Decode = (input: ByteReader) => unknown;
const { replica, forward, sync, hint, collection, survey } = LINK;
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
  ['survey', input => survey.into.decodeRequest(input)],
  ['surveyed', input => survey.into.decodeSurveyed(input)],
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
    () => sync.out.encodeOpen({ round: 1, epoch: 1, db: 1, root: [1, 2], offered: Uint16Array.of(1, 2) }),
    () => sync.out.encodeRoot({ round: 1, db: 1, refilling: true, arriving: true, equal: false }),
    () => sync.out.encodePage({ ...page, epoch: 1, toHash: 9, isOffer: false, entries: [{ hash: 1, ...VERSION }] }),
    () => sync.out.encodePageReply({ ...page, nextHash: 9, wanted: [1], records: [{ key: KEY, record: RECORD }] }),
    () => replica.out.encodeComing({ id: 1, answers: 'forward', bytes: 5 }),
    () => survey.out.encodeRequest({ id: 1, epoch: 1, db: 1 }),
    () => {
      const words = new Uint32Array(2 * 16_384).fill(7, 10, 14);
      return survey.out.encodeSurveyed({ id: 1, words, refilling: new Uint8Array(16_384).fill(1, 3, 5) });
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

function messageOf(name: string): { readonly decode: Decode; readonly sample: Buffer } {
  const at = DECODERS.findIndex(([each]) => each === name);
  return { decode: DECODERS[at]![1], sample: SAMPLES[at]! };
}

describe('Bytes that no encoder wrote', () => {
  it.each(DECODERS)('are refused as malformed or decoded, never anything else: %s', (name, decode) => {
    const { sample } = messageOf(name);
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
    const { sample } = messageOf(name);
    expect(attempt(decode, sample)).toBe('decoded');
    for (let length = 1; length < sample.length; length++) {
      expect([length, attempt(decode, sample.subarray(0, length))]).toEqual([length, 'refused']);
    }
  });

  it('that count more than they hold are refused before anything is made for it', () => {
    const page = Buffer.from(messageOf('sync page').sample);
    page.writeUInt32BE(0xffff_ffff, 1 + 8 + 1 + 4 + 2 + 4 + 4);
    expect(attempt(input => sync.into.decodePage(input), page)).toBe('refused');
    const reply = Buffer.from(messageOf('sync page reply').sample);
    reply.writeUInt32BE(0xffff_ffff, 1 + 8 + 1 + 2 + 4 + 8);
    expect(attempt(input => sync.into.decodePageReply(input), reply)).toBe('refused');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53])('are no number, stamp or length: %d', number => {
    const at = (name: string, offset: number) => {
      const { decode, sample } = messageOf(name);
      const copy = Buffer.from(sample);
      copy.writeDoubleBE(number, offset < 0 ? sample.length + offset : offset);
      return attempt(decode, copy);
    };
    for (const [name] of DECODERS) {
      if (name !== 'collected') expect([name, at(name, 1)]).toEqual([name, 'refused']);
    }
    expect(at('replicated', -8)).toBe('refused');
    expect(at('forward', -8)).toBe('refused');
    const found = new DetachedFound(3, NEVER, KEY);
    for (const offset of [1 + 8 + 1 + 1, 1 + 8 + 1 + 1 + 8]) {
      const copy = Buffer.from(forward.out.encodeReply(1, { status: 'read', found }, true).head);
      copy.writeDoubleBE(number, offset);
      expect(attempt(input => forward.into.decodeReply(input), copy)).toBe('refused');
    }
  });

  it('are no status, outcome or condition that a list has not', () => {
    const at = (name: string, offset: number) => {
      const { decode, sample } = messageOf(name);
      const copy = Buffer.from(sample);
      copy[offset < 0 ? sample.length + offset : offset] = 200;
      return attempt(decode, copy);
    };
    expect(at('replicated', 9)).toBe('refused');
    expect(at('read reply', 10)).toBe('refused');
    expect(at('forward reply', 9)).toBe('refused');
    expect(at('forward', -9)).toBe('refused');
  });

  it('name no actor: an empty name, or one that is not UTF-8', () => {
    const replicated = (name: Buffer) => {
      const head = messageOf('replicate').sample.subarray(0, 1 + 8 + 4 + 1 + 4 + KEY.length);
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
      return attempt(input => survey.into.decodeSurveyed(input), message);
    };
    expect(refillingRuns([0, 5], [5, 16_379])).toBe('decoded');
    for (const run of [
      [5, 0],
      [4, 1],
      [16_383, 2],
    ])
      expect(refillingRuns([0, 5], run)).toBe('refused');
  });

  it('name no slot that there is not, and no version of more than two dots', () => {
    const page = { round: 1, epoch: 1, db: 1, slot: 16_383, fromHash: 0, toHash: 9, isOffer: false, entries: [ENTRY] };
    const asked = (changes: object) => Buffer.from(sync.out.encodePage({ ...page, ...changes }).head);
    const decode = (message: Buffer) => attempt(input => sync.into.decodePage(input), message);
    expect([decode(asked({})), decode(asked({ slot: 16_384 }))]).toEqual(['decoded', 'refused']);
    for (const count of [0, 3]) {
      const message = asked({});
      const empty = asked({ entries: [] }).length;
      message[empty + 4] = count;
      expect(decode(message)).toBe('refused');
    }
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

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { EMPTY_DIGEST } from '../../src/digest/contribution.ts';
import { slotOf } from '../../src/lib/slots.ts';
import { encodeControl } from '../../src/node/control-messages.ts';
import { CollectionMessages } from '../../src/replication/collection-messages.ts';
import { ForwardMessages } from '../../src/replication/forward-messages.ts';
import { HintMessages } from '../../src/replication/hint-messages.ts';
import type { Encoded } from '../../src/replication/message-type.ts';
import { RecordCodec } from '../../src/replication/record-codec.ts';
import { ReplicaMessages } from '../../src/replication/replica-messages.ts';
import { SurveyMessages } from '../../src/replication/survey-messages.ts';
import { SyncMessages } from '../../src/replication/sync-messages.ts';

/** What docs/bus.md shows, without the line breaks and blanks of its examples. */
const DOCUMENT = readFileSync(new URL('../../docs/bus.md', import.meta.url), 'utf8').replaceAll(/\s+/g, '');

const actors = new Actors();
const n1 = actors.intern('n1.00c0ffee00c0ffee');
const records = new RecordCodec(actors);
const replica = new ReplicaMessages(records);
const forward = new ForwardMessages();
const hints = new HintMessages(records);
const collection = new CollectionMessages(records);
const sync = new SyncMessages(records);
const surveys = new SurveyMessages();

const key = Buffer.from('k');
const value = Buffer.from('v');
const slot = slotOf(key);
const dot = { actor: n1, stamp: 4096 };
const record = { dot, value, vector: new Map(), expiry: undefined };
const entry = { slot: 12_706, hash: 9, dot, expiryDot: undefined };
const set = { kind: 'set', value, expiry: 0, condition: 'always', returnBefore: false } as const;

/** The example of each message; an encoder's result is good only until its next one, so each is made when asked for. */
const EXAMPLES: Readonly<Record<string, () => Encoded>> = {
  control: () => encodeControl({ kind: 'swim', message: { type: 'nack', seq: 7 } }),
  replicate: () => replica.encodeReplicate(7, 1, 0, key, record),
  replicated: () => replica.encodeReplicated({ id: 7, status: 'behind', stamp: 8192 }),
  read: () => replica.encodeRead(7, 1, 0, key, { dot, expiryDot: undefined }),
  'read reply': () => replica.encodeReadReply({ id: 7, refilling: false, status: 'record', record }),
  forward: () =>
    forward.encodeForward(7, 'n1.00c0ffee00c0ffee', 1, {
      kind: 'write',
      db: 1,
      slot,
      key,
      need: 2,
      readNeed: 2,
      mutation: set,
    }),
  'forward reply': () => forward.encodeReply(7, { status: 'written', applied: true, before: undefined }, false),
  coming: () => replica.encodeComing({ answers: 'read', id: 7, bytes: 1 << 20 }),
  'stand in': () => hints.encodeStandIn({ id: 7, replicas: 6, epoch: 1, db: 4, key, record }),
  hint: () => hints.encodeHint({ id: 7, epoch: 1, db: 0, key, record }),
  hinted: () => hints.encodeHinted(7),
  fence: () => collection.encodeFence({ id: 7, epoch: 1, upTo: 4096 }),
  fenced: () => collection.encodeFenced({ id: 7, floor: 4096 }),
  collection: () =>
    collection.encodeCollection({ id: 7, epoch: 1, db: 0, step: 'remove', floor: 8192, entries: [entry] }),
  'collection reply': () =>
    collection.encodeReply({ id: 7, step: 'propose', floor: Number.POSITIVE_INFINITY, held: Uint8Array.of(1) }),
  collected: () => collection.encodeCollected({ epoch: 1, db: 0, entry }),
  'sync open': () => sync.encodeOpen({ round: 7, epoch: 1, db: 0, root: [1, 2], offered: undefined }),
  survey: () => surveys.encodeRequest({ id: 7, epoch: 1, db: 0 }),
  surveyed: () => {
    const words = new Uint32Array(2 * 16_384);
    words.set([1, 2, 3, 4], 2 * 12_706);
    return surveys.encodeSurveyed({ id: 7, words, refilling: new Uint8Array(16_384).fill(1, 5, 7) });
  },
  'sync root': () => sync.encodeRoot({ round: 7, db: 0, refilling: true, arriving: false, equal: false }),
  'sync compare': () => {
    const digests = Array.from({ length: 16 }, (_, i) => (i === 3 ? ([1, 2] as const) : EMPTY_DIGEST));
    const block = { place: 2 ** 36, bits: 36 };
    return sync.encodeCompare({ round: 7, epoch: 1, db: 0, ask: 2, blocks: [{ block, digests }] });
  },
  'sync differing': () => sync.encodeDiffering({ round: 7, db: 0, ask: 2, children: [8] }),
  'sync page': () =>
    sync.encodePage({
      round: 7,
      epoch: 1,
      db: 0,
      slot: 12_706,
      fromHash: 0,
      toHash: 0xffff_ffff,
      isOffer: false,
      entries: [{ hash: 9, dot, expiryDot: undefined }],
    }),
  'sync page reply': () =>
    sync.encodePageReply({
      round: 7,
      db: 0,
      slot: 12_706,
      fromHash: 0,
      nextHash: 0x1_0000_0000,
      wanted: [9],
      records: [{ key, record }],
    }),
};

describe('docs/bus.md', () => {
  it.each(Object.keys(EXAMPLES))('shows the bytes of the message %s as they are', name => {
    const { head, body } = EXAMPLES[name]!();
    const hex = Buffer.concat([head, body ?? new Uint8Array(0)]).toString('hex');
    expect(DOCUMENT.includes(hex), hex).toBe(true);
  });
});

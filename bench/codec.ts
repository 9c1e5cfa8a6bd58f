/**
 * What a replicated write costs on the bus, encoded and decoded, in the fixed layout of `replica-messages.ts` and in
 * MessagePack: the figure behind docs/decisions/0004. Run: `npm run bench:codec`.
 */
import { Packr } from 'msgpackr';
import { Actors } from '../src/clock/actors.ts';
import { EMPTY_VECTOR } from '../src/clock/version-vector.ts';
import { ByteReader } from '../src/lib/byte-reader.ts';
import { RecordCodec } from '../src/replication/record-codec.ts';
import { ReplicaMessages } from '../src/replication/replica-messages.ts';

const MESSAGES = 300_000;
const ROUNDS = 9;

const actors = new Actors();
const actor = actors.intern('n1.00c0ffee00c0ffee');
const messages = new ReplicaMessages(new RecordCodec(actors));
const packr = new Packr({ useRecords: false });
const key = Buffer.from('key:000000012345');
const value = Buffer.alloc(64, 'v');

const candidates: Readonly<Record<string, () => number>> = {
  'fixed layout': () => {
    const reader = new ByteReader();
    let sum = 0;
    for (let i = 0; i < MESSAGES; i++) {
      const record = { dot: { actor, stamp: 2 ** 48 + i }, value, vector: EMPTY_VECTOR, expiry: undefined };
      reader.open(Buffer.from(messages.encodeReplicate(i, 1, 0, key, record).head), 1);
      sum += messages.decodeReplicate(reader).record.dot.stamp;
    }
    return sum;
  },
  MessagePack: () => {
    let sum = 0;
    for (let i = 0; i < MESSAGES; i++) {
      const packed = packr.pack([1, i, 1, 0, key, value, actors.nameOf(actor), 2 ** 48 + i]);
      const fields = packr.unpack(Buffer.from(packed)) as unknown[];
      sum += Number(fields[7]) + actors.intern(String(fields[6]));
    }
    return sum;
  },
};

const nanoseconds = new Map<string, number[]>(Object.keys(candidates).map(name => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(candidates)) {
    const startMs = performance.now();
    run();
    nanoseconds.get(name)!.push(((performance.now() - startMs) * 1e6) / MESSAGES);
  }
}
for (const [name, samples] of nanoseconds) {
  const median = samples.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
  console.log(`${name}: ${median.toFixed(0)} ns a message (median of ${ROUNDS})`);
}

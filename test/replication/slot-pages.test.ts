import { describe, expect, it } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { slotOf } from '../../src/lib/slots.ts';
import { answerPage, describePage, recordsUnder } from '../../src/replication/slot-pages.ts';
import { NEVER } from '../../src/store/record.ts';
import { RecordStore } from '../../src/store/record-store.ts';

const SLOT = slotOf(Buffer.from('{one}'));
const LAST_HASH = 0xffff_ffff;
const ACTORS = new Actors();
const ACTOR = ACTORS.intern('n1.0');

/** A store with keys of one slot; all stores hold the same version of a key. */
function storeWith(from: number, to: number, value = 'v'): RecordStore {
  const store = new RecordStore({ actors: ACTORS, hashKey: [1, 2] });
  for (let i = from; i < to; i++) put(store, Buffer.from(`{one}${i}`), i + 1, value);
  return store;
}

function put(store: RecordStore, key: Buffer, stamp: number, value = 'v'): void {
  store.putValue(SLOT, store.hashOf(key), key, Buffer.from(value), stamp, ACTOR, NEVER);
}

function allHashes(store: RecordStore): number[] {
  const hashes: number[] = [];
  store.scan(SLOT, 0, Number.POSITIVE_INFINITY, (_, hash) => hashes.push(hash));
  return hashes;
}

const page = (fromHash: number, described: ReturnType<typeof describePage>) =>
  ({ round: 1, epoch: 1, db: 0, slot: SLOT, fromHash, isOffer: false, ...described }) as const;

describe('A page', () => {
  it('speaks of every record between its two hashes, and the pages of a slot of each just once', () => {
    const store = storeWith(0, 1500);
    const hashes = allHashes(store);
    const seen: number[] = [];
    let pages = 0;
    for (let from = 0; from <= LAST_HASH; pages++) {
      const { toHash, entries } = describePage(store, SLOT, from, LAST_HASH);
      expect(entries.map(entry => entry.hash)).toEqual(hashes.filter(hash => hash >= from && hash <= toHash));
      seen.push(...entries.map(entry => entry.hash));
      from = toHash + 1;
    }
    expect([seen, pages]).toEqual([hashes, 3]);
  });

  it('ends with its range, also when there is more behind it', () => {
    const store = storeWith(0, 100);
    const hashes = allHashes(store);
    const [fromHash, lastHash] = [hashes[10]!, hashes[20]!];
    const described = describePage(store, SLOT, fromHash, lastHash);
    expect(described.toHash).toBe(lastHash);
    expect(described.entries.map(entry => entry.hash)).toEqual(hashes.slice(10, 21));
    const answer = answerPage(storeWith(0, 0), page(fromHash, described));
    expect([answer.nextHash, answer.wanted]).toEqual([lastHash + 1, hashes.slice(10, 21)]);
    const empty = page(fromHash, describePage(storeWith(0, 0), SLOT, fromHash, lastHash));
    expect(answerPage(store, empty).records).toHaveLength(11);
  });

  it('of nothing goes to the end of the slot', () => {
    expect(describePage(storeWith(0, 0), SLOT, 0, LAST_HASH)).toEqual({ toHash: LAST_HASH, entries: [] });
  });
});

describe('The answer to a page', () => {
  it('brings what the asker lacks, and names what it has that is not here', () => {
    const [asker, here] = [storeWith(0, 60), storeWith(20, 80)];
    const answer = answerPage(here, page(0, describePage(asker, SLOT, 0, LAST_HASH)));
    const keys = answer.records.map(({ key }) => Number(key.toString().slice(5))).sort((a, b) => a - b);
    expect(keys).toEqual(Array.from({ length: 20 }, (_, i) => 60 + i));
    const wanted = recordsUnder(asker, SLOT, answer.wanted).map(({ key }) => Number(key.toString().slice(5)));
    expect(wanted.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(answer.nextHash).toBe(LAST_HASH + 1);
  });

  it('to one that only offers brings nothing, and names what is not here', () => {
    const [asker, here] = [storeWith(0, 60), storeWith(20, 80)];
    const answer = answerPage(here, { ...page(0, describePage(asker, SLOT, 0, LAST_HASH)), isOffer: true });
    expect(answer.records).toEqual([]);
    expect(recordsUnder(asker, SLOT, answer.wanted)).toHaveLength(20);
  });

  it('that ends early names nothing behind its end', () => {
    const [asker, here] = [storeWith(0, 300), storeWith(300, 600, 'x'.repeat(2000))];
    const described = describePage(asker, SLOT, 0, LAST_HASH);
    const answer = answerPage(here, page(0, described));
    expect(answer.nextHash).toBeLessThan(LAST_HASH);
    expect(answer.wanted.length).toBeGreaterThan(0);
    expect(answer.wanted.length).toBeLessThan(300);
    for (const hash of answer.wanted) expect(hash).toBeLessThan(answer.nextHash);
    for (const { key } of answer.records) expect(here.hashOf(key)).toBeLessThan(answer.nextHash);
  });

  it('names a key that is not here also where another of its hash is', () => {
    const store = storeWith(0, 0);
    const byHash = new Map<number, Buffer>();
    let pair: [Buffer, Buffer] | undefined;
    for (let i = 0; pair === undefined; i++) {
      const key = Buffer.from(`{one}${i}`);
      const twin = byHash.get(store.hashOf(key));
      if (twin !== undefined) pair = [twin, key];
      byHash.set(store.hashOf(key), key);
    }
    const [asker, here] = [storeWith(0, 0), storeWith(0, 0)];
    for (const [i, key] of pair.entries()) put(asker, key, i + 1);
    put(here, pair[0], 1);
    const answer = answerPage(here, page(0, describePage(asker, SLOT, 0, LAST_HASH)));
    expect([answer.records, answer.wanted]).toEqual([[], [here.hashOf(pair[0])]]);
  });
});

describe('Records under hashes', () => {
  it('are those of just these hashes, none where there is none', () => {
    const store = storeWith(0, 50);
    const [first, second] = allHashes(store) as [number, number];
    expect(recordsUnder(store, SLOT, [first - 1, first + 1])).toEqual([]);
    expect(recordsUnder(store, SLOT, [second]).map(({ key }) => store.hashOf(key))).toEqual([second]);
  });
});

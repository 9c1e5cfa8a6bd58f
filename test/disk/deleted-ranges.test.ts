import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BlockWriter } from '../../src/io/disk/batch-block.ts';
import { DeletedRanges } from '../../src/io/disk/deleted-ranges.ts';
import { drawBelow } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { contentsOf, openStore } from './stores.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

function drawKey(random: SeededRandom): string {
  return Array.from({ length: 1 + drawBelow(random, 2) }, () => 'abcdefgh'[drawBelow(random, 8)]).join('');
}

describe('DeletedRanges', () => {
  it('says of each key which range has it last, and what all have, as a look at every range does', () => {
    const random = new SeededRandom(2);
    for (let round = 0; round < 300; round++) {
      const ranges = Array.from({ length: 1 + drawBelow(random, 8) }, (_, i) => ({
        at: i * 3,
        from: drawKey(random),
        to: drawKey(random),
      }));
      const deleted = new DeletedRanges(ranges.map(({ at, from, to }) => ({ at, from: bytes(from), to: bytes(to) })));
      const union = [...deleted.union()].map(ends => ends.map(end => Buffer.from(end).toString('latin1')));
      for (let draw = 0; draw < 50; draw++) {
        const key = drawKey(random);
        const last = ranges.findLast(({ from, to }) => key >= from && key < to);
        expect(deleted.lastOver(bytes(key))).toBe(last?.at ?? -1);
        expect(union.some(([from, to]) => key >= from! && key < to!)).toBe(last !== undefined);
      }
      for (const [i, [from]] of union.entries()) expect(i === 0 || union[i - 1]![1]! < from!).toBe(true);
    }
  });
});

describe('A store whose batches delete ranges', () => {
  async function withStore(use: (store: Awaited<ReturnType<typeof openStore>>) => Promise<void>): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), 'ranges-'));
    const store = await openStore(join(directory, 'store'));
    await use(store);
    await store.close();
    rmSync(directory, { recursive: true });
  }

  it('has what their changes leave, one after the other', async () => {
    await withStore(async store => {
      const random = new SeededRandom(4);
      const model = new Map<string, string>();
      for (let round = 0; round < 150; round++) {
        const block = new BlockWriter();
        for (let change = 0; change < 12; change++) {
          const [key, other] = [drawKey(random), drawKey(random)];
          const kind = drawBelow(random, 6);
          if (kind === 0) {
            block.add('deleteRange', bytes(key), bytes(other));
            for (const each of model.keys()) if (each >= key && each < other) model.delete(each);
          } else if (kind === 1) {
            block.add('delete', bytes(key), bytes(''));
            model.delete(key);
          } else {
            block.add('put', bytes(key), bytes(`${round}.${change}`));
            model.set(key, `${round}.${change}`);
          }
        }
        await store.write(block.take());
        expect(await contentsOf(store)).toEqual(new Map([...model].sort(([a], [b]) => (a < b ? -1 : 1))));
      }
    });
  });

  it('takes no longer for each put when there are many ranges: a change of the ring drops thousands of slots', {
    timeout: 5_000,
  }, async () => {
    await withStore(async store => {
      const block = new BlockWriter();
      const slot = (number: number) => `s${String(number).padStart(5, '0')}`;
      for (let i = 0; i < 40_000; i++) block.add('put', bytes(`${slot(i % 8_000)} ${i}`), bytes('v'));
      for (let i = 0; i < 4_000; i++) block.add('deleteRange', bytes(slot(2 * i)), bytes(slot(2 * i + 1)));
      await store.write(block.take());
      expect((await contentsOf(store)).size).toBe(20_000);
    });
  });
});

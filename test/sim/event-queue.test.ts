import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventQueue } from '../../src/sim/event-queue.ts';

test('events come out by time, and those of one moment in the order they were added in', () => {
  const commands = fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }), { maxLength: 200 });
  fc.assert(
    fc.property(commands, times => {
      const queue = new EventQueue();
      const waiting: { atMs: number; id: number }[] = [];
      let taken = -1;
      for (const [id, atMs] of times.entries()) {
        if (atMs !== undefined) {
          queue.add(atMs, () => {
            taken = id;
          });
          waiting.push({ atMs, id });
        } else if (waiting.length > 0) {
          waiting.sort((a, b) => a.atMs - b.atMs || a.id - b.id);
          const expected = waiting.shift()!;
          expect(queue.nextMs).toBe(expected.atMs);
          queue.take()();
          expect(taken).toBe(expected.id);
        }
        expect(queue.size).toBe(waiting.length);
      }
    }),
  );
});

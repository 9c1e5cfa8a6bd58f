import { describe, expect, it } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { DeadlineQueue } from '../../src/replication/deadline-queue.ts';
import { firstOperationId } from '../../src/replication/replication-context.ts';

const startedAt = (startedMs: number) => ({ startedMs });

function visited(queue: DeadlineQueue<{ startedMs: number }>, nowMs: number, waitMs: number): number[] {
  const ids: number[] = [];
  queue.forEachOlderThan(nowMs, waitMs, (_, id) => ids.push(id));
  return ids;
}

describe('A deadline queue', () => {
  it('numbers operations from the first number on, and never gives a number twice', () => {
    const queue = new DeadlineQueue<{ startedMs: number }>(7);
    const first = queue.add(startedAt(0));
    queue.remove(first);
    expect([first, queue.add(startedAt(0)), queue.add(startedAt(0))]).toEqual([7, 8, 9]);
    expect(queue.size).toBe(2);
    expect(queue.get(7)).toBeUndefined();
  });

  it('visits what has waited at least so long, oldest first', () => {
    const queue = new DeadlineQueue<{ startedMs: number }>(1);
    for (const ms of [0, 10, 20, 30]) queue.add(startedAt(ms));
    expect(visited(queue, 120, 100)).toEqual([1, 2, 3]);
    expect(visited(queue, 99, 100)).toEqual([]);
    expect(visited(queue, Number.POSITIVE_INFINITY, 0)).toEqual([1, 2, 3, 4]);
  });

  it('lets the visitor remove what it is shown and add more', () => {
    const queue = new DeadlineQueue<{ startedMs: number }>(1);
    for (const ms of [0, 0, 0]) queue.add(startedAt(ms));
    const seen: number[] = [];
    queue.forEachOlderThan(100, 100, (_, id) => {
      seen.push(id);
      queue.remove(id);
      queue.add(startedAt(100));
    });
    expect(seen).toEqual([1, 2, 3]);
    const left: unknown[] = [];
    queue.forEachOlderThan(Number.POSITIVE_INFINITY, 0, operation => left.push(operation));
    expect(left).toEqual([startedAt(100), startedAt(100), startedAt(100)]);
  });
});

describe('Operation numbers', () => {
  it('begin elsewhere at every start of a node, never at 0, which asks for no answer', () => {
    const actors = new Actors();
    const first = (actor: string) => firstOperationId({ actors, self: actors.intern(actor) });
    expect(first('n1.0000000000000001')).not.toBe(first('n1.0000000000000002'));
    for (let i = 0; i < 1000; i++) {
      const id = first(`n1.${i}`);
      expect(id > 0 && Number.isSafeInteger(id + 2 ** 52)).toBe(true);
    }
  });
});

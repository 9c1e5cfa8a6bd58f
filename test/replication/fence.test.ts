import { describe, expect, test } from 'vitest';
import type { CollectionMessages } from '../../src/replication/collection-messages.ts';
import { Fence } from '../../src/replication/fence.ts';
import { Peer } from '../../src/replication/peer.ts';
import type { ReplicationContext } from '../../src/replication/replication-context.ts';

/** A fence of a node with one peer, whose disk has followed when `follow` is called. */
function fenceOnDisk() {
  const here = new Peer('n1', true);
  const peer = new Peer('n2', false);
  const sent: unknown[] = [];
  const waiting: (() => void)[] = [];
  let nowMs = 0;
  const context = {
    epoch: 1,
    here,
    self: 1,
    actors: { wordOf: () => 1 },
    peers: [here, peer],
    stamps: { last: 7, observe: () => {} },
    counters: { fences: 0 },
    guard: { isTooFarAhead: () => false },
    clock: { monotonicMs: () => nowMs },
    send: (_: Peer, message: unknown) => sent.push(message),
    sendOrdered: (_: Peer, message: unknown) => sent.push(message),
  } as unknown as ReplicationContext;
  const messages = {
    encodeFenced: (answer: object) => ({ answer }),
    encodeFence: (question: object) => ({ question }),
  } as unknown as CollectionMessages;
  const fence = new Fence(context, messages, {
    leastStamp: () => 9,
    vouch: () => {},
    whenDropped: done => void waiting.push(done),
  });
  const follow = (): void => {
    for (const done of waiting.splice(0)) done();
  };
  const tick = (ms: number): void => {
    nowMs += ms;
    fence.tick();
  };
  return { fence, peer, sent, follow, tick };
}

describe('A fence of nodes with disks', () => {
  test('is answered when what was dropped is gone from the disk, too', () => {
    const { fence, peer, sent, follow } = fenceOnDisk();
    fence.onFence(peer, { id: 3, epoch: 1, upTo: 5 });
    expect(sent).toEqual([]);
    follow();
    expect(sent).toEqual([{ answer: { id: 3, floor: 9 } }]);
  });

  test('is through when what its own node has dropped is gone, too', () => {
    const { fence, peer, sent, follow, tick } = fenceOnDisk();
    const floors: (number | undefined)[] = [];
    fence.raise(floor => floors.push(floor));
    tick(100);
    const { question } = sent[0] as { question: { id: number } };
    fence.onFenced(peer, { id: question.id, floor: 8 });
    expect(floors).toEqual([]);
    follow();
    expect(floors).toEqual([8]);
  });

  test('is given up while a disk does not follow', () => {
    const { fence, tick, follow } = fenceOnDisk();
    const floors: (number | undefined)[] = [];
    fence.raise(floor => floors.push(floor));
    tick(100);
    tick(10_000);
    expect(floors).toEqual([undefined]);
    follow();
    expect(floors).toEqual([undefined]);
  });
});

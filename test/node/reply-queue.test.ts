import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PendingReply, ReplyQueue } from '../../src/node/reply-queue.ts';
import { BlockPool } from '../../src/resp/block-pool.ts';
import type { ReplyWriter } from '../../src/resp/reply-writer.ts';

/** What a reply shows of its protocol: a null is `_` in RESP3. */
function writeReply(text: string) {
  return (reply: ReplyWriter) => {
    reply.bulkString(text);
    reply.nullBulk();
  };
}

const expected = (text: string, protocol: 2 | 3) =>
  `$${text.length}\r\n${text}\r\n${protocol === 3 ? '_\r\n' : '$-1\r\n'}`;

const taken = (queue: ReplyQueue) => Buffer.concat(queue.ready.takeSegments()).toString('latin1');

/** The queue as an array: everything up to the first reply that is not known. */
class TwinQueue {
  readonly #replies: (string | undefined)[] = [];
  #taken = 0;

  add(reply: string | undefined): number {
    return this.#replies.push(reply) - 1;
  }

  fill(at: number, reply: string): void {
    this.#replies[at] = reply;
  }

  take(): string {
    let text = '';
    for (let reply = this.#replies[this.#taken]; reply !== undefined; reply = this.#replies[++this.#taken])
      text += reply;
    return text;
  }
}

describe('The reply queue', () => {
  it('writes a reply that is known at once straight to the socket', () => {
    const queue = new ReplyQueue(new BlockPool());
    writeReply('a')(queue.current);
    expect(queue.current).toBe(queue.ready);
    expect([queue.length, taken(queue)]).toEqual([0, expected('a', 2)]);
  });

  it('holds back what follows a reply that is still to come', () => {
    const queue = new ReplyQueue(new BlockPool());
    const pending = queue.defer();
    writeReply('second')(queue.current);
    expect([queue.length, taken(queue)]).toEqual([1, '']);
    pending.fill(writeReply('first'));
    expect([queue.length, taken(queue)]).toEqual([0, expected('first', 2) + expected('second', 2)]);
  });

  it('writes each reply in the protocol of its command, whatever was asked for since', () => {
    const queue = new ReplyQueue(new BlockPool());
    const old = queue.defer();
    queue.protocol = 3;
    const young = queue.defer();
    writeReply('known')(queue.current);
    queue.protocol = 2;
    writeReply('last')(queue.current);
    young.fill(writeReply('young'));
    old.fill(writeReply('old'));
    expect(taken(queue)).toBe(expected('old', 2) + expected('young', 3) + expected('known', 3) + expected('last', 2));
    queue.protocol = 3;
    writeReply('next')(queue.current);
    expect(taken(queue)).toBe(expected('next', 3));
  });

  it('keeps the order of commands under any order of completions, also beyond its compaction', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant('defer' as const) },
      { weight: 2, arbitrary: fc.constant('known' as const) },
      { weight: 4, arbitrary: fc.constant('fill' as const) },
      { weight: 1, arbitrary: fc.constant('take' as const) },
      { weight: 1, arbitrary: fc.constant('switch' as const) },
    );
    const steps = fc.array(fc.tuple(step, fc.nat(1000)), { maxLength: 1500, size: 'max' });
    fc.assert(
      fc.property(steps, list => {
        const [queue, twin] = [new ReplyQueue(new BlockPool()), new TwinQueue()];
        const open: { place: PendingReply; at: number; protocol: 2 | 3 }[] = [];
        const fillAt = (index: number) => {
          const [{ place, at, protocol }] = open.splice(index % open.length, 1) as [(typeof open)[number]];
          place.fill(writeReply(`reply ${at}`));
          twin.fill(at, expected(`reply ${at}`, protocol));
        };
        for (const [what, number] of list) {
          const { protocol } = queue;
          if (what === 'defer') open.push({ place: queue.defer(), at: twin.add(undefined), protocol });
          else if (what === 'take') expect(taken(queue)).toBe(twin.take());
          else if (what === 'switch') queue.protocol = protocol === 2 ? 3 : 2;
          else if (what === 'known') {
            writeReply(`k${number}`)(queue.current);
            twin.add(expected(`k${number}`, protocol));
          } else if (open.length > 0) fillAt(number);
        }
        while (open.length > 0) fillAt(open.length - 1);
        expect(taken(queue)).toBe(twin.take());
        expect(queue.length).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('goes on in order behind hundreds of replies that settle while others wait', () => {
    const queue = new ReplyQueue(new BlockPool());
    const places = Array.from({ length: 1000 }, () => queue.defer());
    let seen = '';
    for (const [i, place] of places.entries()) {
      place.fill(writeReply(String(i)));
      seen += taken(queue);
      expect(queue.length).toBe(999 - i);
    }
    expect(seen).toBe(places.map((_, i) => expected(String(i), 2)).join(''));
  });
});

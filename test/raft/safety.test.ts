import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/raft/messages.ts';
import { Group, TIGHT_LIMITS } from './group.ts';

const between =
  (...members: string[]) =>
  ({ from, to }: Message) =>
    !members.includes(from) || !members.includes(to);

/** Makes a member leader with the votes of these alone; nobody else hears of it. */
function elect(group: Group, leader: string, voters: readonly string[]): void {
  group.wire = [];
  for (const peer of group.running()) {
    group.stop(peer);
    group.start(peer);
  }
  // The first time it may only learn which term it is.
  for (let tries = 0; tries < 2 && group.raft(leader).role !== 'leader'; tries++) {
    group.raft(leader).campaign();
    group.work(group.peer(leader));
    group.settle(message => between(leader, ...voters)(message) || message.type === 'append');
  }
  expect(group.leader()?.id).toBe(leader);
}

function propose(group: Group, leader: string, text: string): void {
  group.raft(leader).propose(Buffer.from(text));
  group.work(group.peer(leader));
}

describe('A vote', () => {
  it('is refused to a log that lacks what this one has (§5.4.1)', () => {
    const group = new Group(['a', 'b', 'c']);
    elect(group, 'a', ['b', 'c']);
    group.settle();
    propose(group, 'a', 'x');
    group.run(4, between('a', 'b'));
    group.stop(group.peer('a'));
    group.raft('c').campaign();
    group.work(group.peer('c'));
    group.settle();
    expect(group.raft('c').role).not.toBe('leader');
    group.run(50);
    expect(group.leader()!.id).toBe('b');
    expect(group.peer('c').machine.commands).toEqual(['x']);
  });
});

describe('An entry of an earlier term (§5.4.2, figure 8)', () => {
  /** s1 leads in a later term than that of its second entry, and has brought that entry to a majority. */
  function figure8(): Group {
    const group = new Group(['s1', 's2', 's3', 's4', 's5'], { limits: { ...TIGHT_LIMITS, maxBatchBytes: 1 } });
    elect(group, 's1', ['s2', 's3', 's4']);
    propose(group, 's1', 'old');
    group.run(4, between('s1', 's2'));
    elect(group, 's5', ['s3', 's4']);
    propose(group, 's5', 'rival');
    elect(group, 's1', ['s2', 's3', 's4']);
    const term = group.raft('s1').term;
    // Entries of the earlier terms come, and nothing of this one.
    for (let ticks = 0; ticks < 16; ticks++) {
      for (const peer of group.running()) group.tick(peer);
      while (group.wire.length > 0) {
        const message = group.wire.shift()!;
        if (between('s1', 's2', 's3')(message)) continue;
        if (message.type !== 'append') group.deliver(message);
        else group.deliver({ ...message, entries: message.entries.filter(entry => entry.term < term) });
      }
    }
    return group;
  }

  it('is not committed by counting its copies', () => {
    const group = figure8();
    for (const id of ['s1', 's2', 's3']) {
      const { log } = group.raft(id);
      expect(log.slice(log.first, log.last).some(entry => entry.kind === 'command')).toBe(true);
      expect(group.peer(id).machine.commands).toEqual([]);
    }
  });

  it('may be replaced therefore by a later leader that lacks it', () => {
    const group = figure8();
    elect(group, 's5', ['s2', 's3', 's4']);
    group.settle();
    group.run(10);
    for (const { machine } of group.running()) expect(machine.commands).toEqual(['rival']);
  });

  it('is committed with the first of the leader’s own term', () => {
    const group = figure8();
    group.run(10);
    for (const { machine } of group.running()) expect(machine.commands).toEqual(['old']);
  });
});

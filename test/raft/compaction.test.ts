import { describe, expect, it } from 'vitest';
import type { Message, MessageOf } from '../../src/raft/messages.ts';
import { Group, type Peer } from './group.ts';

/** a leads; c has missed everything, and what it needs is compacted. */
function behind(): Group {
  const group = new Group(['a', 'b', 'c']);
  group.raft('a').campaign();
  group.work(group.peer('a'));
  group.settle();
  group.stop(group.peer('c'));
  for (let i = 0; i < 12; i++) {
    group.raft('a').propose(Buffer.from(`command ${i}`));
    group.work(group.peer('a'));
    group.settle();
  }
  group.compact(group.peer('a'));
  group.start(group.peer('c'));
  return group;
}

const chunks = (group: Group) =>
  group.wire.filter((message): message is MessageOf<'snapshot'> => message.type === 'snapshot');
const commands = (peer: Peer) => peer.machine.commands.length;

describe('Compaction (§7)', () => {
  it('drops what a snapshot holds, but for what is retained for followers that lag', () => {
    const group = behind();
    const { raft } = group.peer('a');
    expect(raft!.log.first).toBe(raft!.log.last + 1);
    const { bytes } = group.raft('b').log;
    group.compact(group.peer('b'), 3);
    expect(group.raft('b').log.last - group.raft('b').log.first + 1).toBe(3);
    expect(group.raft('b').log.bytes).toBeLessThan(bytes);
  });

  it('of what is not applied is a mistake', () => {
    const group = behind();
    const { raft } = group.peer('a');
    expect(() => raft!.snapshotMeta(raft!.log.last + 1)).toThrow('Cannot snapshot');
  });

  it('survives a crash: a member begins with its snapshot and what is behind it', () => {
    const group = behind();
    group.raft('a').propose(Buffer.from('behind it'));
    group.work(group.peer('a'));
    group.settle();
    group.stop(group.peer('a'));
    group.start(group.peer('a'));
    group.run(40);
    expect(commands(group.peer('a'))).toBe(13);
  });
});

describe('A follower that needs what is compacted', () => {
  it('gets the snapshot, chunk by chunk, one under way at a time, and then the log', () => {
    const group = behind();
    let most = 0;
    let sent = 0;
    for (let i = 0; i < 400; i++) {
      for (const peer of group.running()) if (group.wire.length === 0) group.tick(peer);
      most = Math.max(most, chunks(group).length);
      const message = group.wire.shift();
      if (message?.type === 'snapshot') sent++;
      if (message !== undefined) group.deliver(message);
    }
    expect(sent).toBeGreaterThan(5);
    expect(most).toBe(1);
    expect(commands(group.peer('c'))).toBe(12);
    group.raft('a').propose(Buffer.from('more'));
    group.work(group.peer('a'));
    group.settle();
    expect(commands(group.peer('c'))).toBe(13);
  });

  it('gets it though chunks are lost, repeated and late', () => {
    const group = behind();
    let count = 0;
    for (let i = 0; i < 60; i++) {
      for (const peer of group.running()) group.tick(peer);
      while (group.wire.length > 0) {
        const message = group.wire.shift()!;
        if (message.type === 'snapshot') count++;
        if (message.type === 'snapshot' && count % 3 === 0) continue;
        group.deliver(message);
        if (message.type === 'snapshot' && count % 4 === 0) group.deliver(message);
      }
    }
    expect(commands(group.peer('c'))).toBe(12);
  });

  it('begins anew when it crashes in between, and never uses half of one', () => {
    const group = behind();
    const halfway = (message: Message) => message.type === 'snapshot' && message.chunk.offset > 48;
    group.run(6, halfway);
    expect(commands(group.peer('c'))).toBe(0);
    group.stop(group.peer('c'));
    group.start(group.peer('c'));
    expect(group.raft('c').log.last).toBeLessThan(5);
    group.run(30);
    expect(commands(group.peer('c'))).toBe(12);
  });

  it('gets a newer one when its leader has made that meanwhile', () => {
    const group = behind();
    group.run(3, message => message.type === 'snapshot' && message.chunk.offset > 24);
    group.raft('a').propose(Buffer.from('newer'));
    group.work(group.peer('a'));
    group.settle(({ to }) => to === 'c');
    group.compact(group.peer('a'));
    group.run(40);
    expect(commands(group.peer('c'))).toBe(13);
    expect(group.peer('c').disk.snapshot).toEqual(group.peer('a').disk.snapshot);
  });

  it('begins anew with another leader: two snapshots of one state need not be the same bytes', () => {
    const group = behind();
    group.run(3, message => message.type === 'snapshot' && message.chunk.offset > 24);
    group.compact(group.peer('b'));
    expect(group.peer('b').disk.snapshot).toEqual(group.peer('a').disk.snapshot);
    expect(group.peer('b').disk.image).not.toEqual(group.peer('a').disk.image);
    group.stop(group.peer('a'));
    group.run(60);
    expect(group.leader()!.id).toBe('b');
    expect(commands(group.peer('c'))).toBe(12);
    expect(group.peer('c').disk.image).toEqual(group.peer('b').disk.image);
  });

  it('that has all of it already only learns that it is committed', () => {
    const group = behind();
    const peer = group.peer('b');
    const { snapshot, image } = group.peer('a').disk;
    group.deliver({
      ...{ type: 'snapshot', from: 'a', to: 'b', term: group.raft('a').term },
      chunk: { snapshot, offset: 0, data: image, isLast: true },
    });
    expect(peer.raft!.log.first).toBe(2);
    expect(group.wire.map(({ type }) => type)).toEqual(['append-reply']);
  });

  it('learns the members with it', () => {
    const group = behind();
    group.join('d');
    group.raft('a').changeConfiguration({ type: 'add-learner', member: 'd' });
    group.work(group.peer('a'));
    group.run(20);
    expect(group.raft('d').log.configurations.latest).toMatchObject({ voters: ['a', 'b', 'c'], learners: ['d'] });
    expect(commands(group.peer('d'))).toBe(12);
  });
});

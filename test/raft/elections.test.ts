import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/raft/messages.ts';
import { Group } from './group.ts';

function elected(voters = ['a', 'b', 'c'], leader = 'a'): Group {
  const group = new Group(voters);
  group.raft(leader).campaign();
  group.work(group.peer(leader));
  group.settle();
  expect(group.leader()?.id).toBe(leader);
  return group;
}

const only =
  (...members: string[]) =>
  ({ from, to }: Message) =>
    !members.includes(from) || !members.includes(to);

describe('An election (§5.2)', () => {
  it('has one winner, whom all follow, after a timeout that each draws for itself', () => {
    const group = new Group(['a', 'b', 'c']);
    group.run(9);
    expect(group.leader()).toBeUndefined();
    group.run(21);
    const { id } = group.leader()!;
    for (const peer of group.running()) expect(peer.raft!.leaderId).toBe(id);
    group.run(100);
    expect(group.leader()!.id).toBe(id);
    expect(group.leader()!.raft!.term).toBe(2);
  });

  it('of one voter is won by it alone, once its vote is durable', () => {
    const group = new Group(['a']);
    const { raft, disk } = group.peer('a');
    raft!.campaign();
    expect(raft!.role).toBe('leader');
    expect(raft!.log.commit).toBe(1);
    group.work(group.peer('a'));
    expect(disk.hardState).toEqual({ term: 2, vote: 'a' });
    expect(raft!.log.commit).toBe(2);
  });

  it('is not won without a majority', () => {
    const group = new Group(['a', 'b', 'c', 'd', 'e']);
    group.run(60, only('a', 'b'));
    expect(group.leader()).toBeUndefined();
    group.run(40, only('a', 'b', 'c'));
    expect(['a', 'b', 'c']).toContain(group.leader()!.id);
  });

  it('gives one vote a term, to the first who asks, and the same again', () => {
    const group = new Group(['a', 'b', 'c']);
    const vote = (from: string): Message => ({
      type: 'vote',
      from,
      to: 'c',
      term: 5,
      lastIndex: 1,
      lastTerm: 1,
      isTransfer: false,
    });
    const answers = (message: Message) => {
      group.deliver(message);
      return group.wire.splice(0).map(({ type, to }) => [type, to]);
    };
    expect(answers(vote('a'))).toEqual([['vote-reply', 'a']]);
    expect(group.raft('c').vote).toBe('a');
    group.deliver(vote('b'));
    expect(group.wire.splice(0)).toMatchObject([{ type: 'vote-reply', to: 'b', granted: false }]);
    group.deliver(vote('a'));
    expect(group.wire.splice(0)).toMatchObject([{ type: 'vote-reply', to: 'a', granted: true }]);
  });

  it('is remembered through a crash: who has voted does not vote for another in that term', () => {
    const group = new Group(['a', 'b', 'c']);
    group.deliver({ type: 'vote', from: 'a', to: 'c', term: 5, lastIndex: 1, lastTerm: 1, isTransfer: false });
    group.stop(group.peer('c'));
    group.start(group.peer('c'));
    group.wire = [];
    group.deliver({ type: 'vote', from: 'b', to: 'c', term: 5, lastIndex: 1, lastTerm: 1, isTransfer: false });
    expect(group.wire).toMatchObject([{ type: 'vote-reply', to: 'b', granted: false }]);
  });
});

describe('A leader', () => {
  it('that hears of a later term follows (§5.1)', () => {
    const group = elected();
    group.deliver({ type: 'stale-term', from: 'b', to: 'a', term: 9 });
    expect(group.raft('a').role).toBe('follower');
    expect(group.raft('a').term).toBe(9);
  });

  it('that hears of no majority for an election timeout leads no more (CheckQuorum, thesis §6.2)', () => {
    const group = elected();
    group.run(9, only('b', 'c'));
    expect(group.raft('a').role).toBe('leader');
    group.run(11, only('b', 'c'));
    expect(group.raft('a').role).not.toBe('leader');
  });

  it('is not disturbed by one who does not hear it (PreVote, thesis §9.6)', () => {
    const group = elected();
    group.run(100, ({ to }) => to === 'c');
    expect(group.raft('c').term).toBe(2);
    group.run(10);
    expect(group.leader()!.id).toBe('a');
    expect(group.raft('a').term).toBe(2);
    expect(group.raft('c').leaderId).toBe('a');
  });

  it('is not deposed by a vote asked for while the others hear it', () => {
    const group = elected();
    group.run(3);
    group.deliver({ type: 'vote', from: 'c', to: 'b', term: 7, lastIndex: 99, lastTerm: 6, isTransfer: false });
    expect(group.raft('b').term).toBe(2);
    expect(group.wire).toEqual([]);
  });

  it('is told so by nobody who was in a later term and lost all that was in it: the group gets going again', () => {
    // c has begun term 3 and voted for itself; its log is the shorter one. a, with the longer, must get beyond term 3.
    const group = elected();
    group.raft('a').propose(Buffer.from('x'));
    group.work(group.peer('a'));
    group.settle(only('a', 'b'));
    group.stop(group.peer('b'));
    group.deliver({ type: 'stale-term', from: 'b', to: 'c', term: 3 });
    group.peer('c').disk.hardState = { term: 3, vote: 'c' };
    group.stop(group.peer('c'));
    group.start(group.peer('c'));
    group.run(60);
    expect(group.leader()!.id).toBe('a');
    expect(group.peer('c').machine.commands).toEqual(['x']);
  });
});

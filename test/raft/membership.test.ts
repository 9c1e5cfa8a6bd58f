import { describe, expect, it } from 'vitest';
import type { ConfigurationChange } from '../../src/raft/configuration.ts';
import type { Message } from '../../src/raft/messages.ts';
import { Group } from './group.ts';

function elected(voters = ['a', 'b', 'c']): Group {
  const group = new Group(voters);
  group.raft('a').campaign();
  group.work(group.peer('a'));
  group.settle();
  group.run(2);
  return group;
}

function change(group: Group, type: ConfigurationChange['type'], member: string) {
  const asked = group.raft('a').changeConfiguration({ type, member });
  group.work(group.peer('a'));
  return asked;
}

/** The change, and time for it to be committed everywhere. */
function changed(group: Group, type: ConfigurationChange['type'], member: string): void {
  expect(change(group, type, member)).toHaveProperty('number');
  group.run(20);
}

const membersOf = (group: Group, id: string) => group.raft(id).log.configurations.latest;
const without =
  (...gone: string[]) =>
  ({ from, to }: Message) =>
    gone.includes(from) || gone.includes(to);

describe('A member that joins (§6, thesis §4.2.1)', () => {
  it('gets the log as a learner first, and counts towards nothing', () => {
    const group = elected(['a']);
    group.join('d');
    changed(group, 'add-learner', 'd');
    expect(membersOf(group, 'd')).toMatchObject({ voters: ['a'], learners: ['d'] });
    group.stop(group.peer('d'));
    group.raft('a').propose(Buffer.from('x'));
    group.work(group.peer('a'));
    expect(group.peer('a').machine.commands).toEqual(['x']);
  });

  it('never campaigns as a learner, and votes once it is promoted', () => {
    const group = elected();
    group.join('d');
    changed(group, 'add-learner', 'd');
    group.raft('d').campaign();
    expect(group.raft('d').role).toBe('follower');
    changed(group, 'promote', 'd');
    expect(membersOf(group, 'd').voters).toEqual(['a', 'b', 'c', 'd']);
    group.stop(group.peer('b'));
    group.stop(group.peer('a'));
    group.run(60);
    // Two of four are no majority.
    expect(group.leader()).toBeUndefined();
    group.start(group.peer('b'));
    group.run(60);
    expect(group.leader()).toBeDefined();
  });

  it('is not promoted before it has nearly all', () => {
    const group = elected();
    group.join('d');
    change(group, 'add-learner', 'd');
    group.settle(without('d'));
    for (let i = 0; i < 10; i++) {
      group.raft('a').propose(Buffer.from(`${i}`));
      group.work(group.peer('a'));
      group.settle(without('d'));
    }
    expect(change(group, 'promote', 'd')).toMatchObject({ refusal: { reason: 'learner-behind', match: 0 } });
    group.run(20);
    expect(change(group, 'promote', 'd')).toHaveProperty('number');
  });

  it('and has lost its log is another member: it comes back as a learner under a new id', () => {
    const group = elected();
    group.raft('a').propose(Buffer.from('x'));
    group.work(group.peer('a'));
    group.settle();
    group.stop(group.peer('c'));
    group.join('c2');
    changed(group, 'remove', 'c');
    changed(group, 'add-learner', 'c2');
    changed(group, 'promote', 'c2');
    expect(membersOf(group, 'c2').voters).toEqual(['a', 'b', 'c2']);
    expect(group.peer('c2').machine.commands).toEqual(['x']);
    // What is meant for the one that was does not reach the one that is.
    group.deliver({ type: 'vote', from: 'b', to: 'c', term: 9, lastIndex: 99, lastTerm: 8, isTransfer: true });
    expect(group.raft('c2').term).toBe(group.raft('a').term);
  });
});

describe('A change of members', () => {
  it('is one at a time: the next waits for the last to be committed', () => {
    const group = elected();
    expect(change(group, 'remove', 'c')).toHaveProperty('number');
    expect(change(group, 'remove', 'b')).toMatchObject({ refusal: { reason: 'change-pending' } });
    group.run(5);
    expect(change(group, 'remove', 'b')).toHaveProperty('number');
  });

  it('waits for the leader’s first commit of its own term', () => {
    const group = new Group(['a', 'b', 'c']);
    group.raft('a').campaign();
    group.work(group.peer('a'));
    group.settle(({ type }) => type === 'append');
    expect(group.raft('a').role).toBe('leader');
    expect(change(group, 'remove', 'c')).toEqual({ refusal: { reason: 'term-not-committed' } });
  });

  it('that makes no sense is refused with a reason', () => {
    const group = elected(['a', 'b']);
    group.join('d');
    expect(change(group, 'add-learner', 'b')).toEqual({ refusal: { reason: 'already-member' } });
    expect(change(group, 'promote', 'b')).toEqual({ refusal: { reason: 'not-learner' } });
    expect(change(group, 'remove', 'z')).toEqual({ refusal: { reason: 'not-member' } });
    changed(group, 'remove', 'b');
    expect(change(group, 'remove', 'a')).toEqual({ refusal: { reason: 'last-voter' } });
    expect(group.raft('b').changeConfiguration({ type: 'remove', member: 'a' })).toMatchObject({
      refusal: { reason: 'not-leader' },
    });
    for (let i = 0; i < 63; i++) changed(group, 'add-learner', `l${i}`);
    expect(change(group, 'add-learner', 'l63')).toEqual({ refusal: { reason: 'too-many-members' } });
  });

  it('that was not committed is taken back with its entry', () => {
    const group = elected();
    change(group, 'remove', 'c');
    group.wire = [];
    expect(membersOf(group, 'a').voters).toEqual(['a', 'b']);
    group.run(60, without('a'));
    group.run(30);
    expect(membersOf(group, 'a').voters).toEqual(['a', 'b', 'c']);
  });
});

describe('A leader that removes itself (thesis §4.2.2)', () => {
  it('leads until that is committed, without counting itself, and then no more', () => {
    const group = elected();
    change(group, 'remove', 'a');
    expect(group.raft('a').role).toBe('leader');
    group.settle(without('c'));
    // Of b and c one is no majority.
    expect(group.raft('a').role).toBe('leader');
    group.run(4);
    expect(group.raft('a').role).toBe('follower');
    group.run(60);
    expect(['b', 'c']).toContain(group.leader()!.id);
    expect(membersOf(group, group.leader()!.id).voters).toEqual(['b', 'c']);
  });
});

describe('A voter whose removal is not committed', () => {
  it('may still be elected, when it alone has the log that can win; also when it has forgotten what was committed', () => {
    const group = elected(['a', 'b']);
    group.join('d');
    changed(group, 'add-learner', 'd');
    changed(group, 'promote', 'd');
    changed(group, 'remove', 'b');
    expect(group.raft('a').transferLeadership('d')).toBeUndefined();
    group.work(group.peer('a'));
    group.run(5);
    const leader = group.peer('d');
    expect(leader.raft!.role).toBe('leader');
    leader.raft!.changeConfiguration({ type: 'remove', member: 'd' });
    group.work(leader);
    group.wire = [];
    for (const id of ['a', 'd']) {
      group.stop(group.peer(id));
      group.start(group.peer(id));
    }
    group.run(60);
    expect(membersOf(group, 'a').voters).toEqual(['a']);
    expect(group.leader()!.id).toBe('a');
  });
});

describe('A member that was removed', () => {
  it('disturbs nobody, though nobody tells it', () => {
    const group = elected();
    change(group, 'remove', 'c');
    group.run(100, without('c'));
    const { term } = group.raft('a');
    group.run(100);
    expect(group.leader()!.id).toBe('a');
    expect(group.raft('a').term).toBe(term);
  });
});

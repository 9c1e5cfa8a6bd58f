import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/raft/effects.ts';
import { Group, type Peer } from './group.ts';

interface Told {
  readonly decisions: [string, Decision][];
  readonly reads: [string, number][];
}

function elected(): { group: Group; told: Told } {
  const group = new Group(['a', 'b', 'c']);
  const told: Told = { decisions: [], reads: [] };
  group.observer = {
    applied: () => {},
    restored: () => {},
    decided: (peer: Peer, decision: Decision) => void told.decisions.push([peer.id, decision]),
    answered: (peer: Peer, read: number) => void told.reads.push([peer.id, read]),
  };
  group.raft('a').campaign();
  group.work(group.peer('a'));
  group.settle();
  group.run(2);
  return { group, told };
}

describe('A proposal (§8)', () => {
  it('is committed through the leader wherever it is made, and its maker told where', () => {
    const { group, told } = elected();
    expect(group.raft('b').propose(Buffer.from('x'))).toEqual({ number: 1 });
    group.work(group.peer('b'));
    group.settle();
    expect(told.decisions).toMatchObject([['b', { number: 1, outcome: 'committed', index: 3 }]]);
  });

  it('that is forwarded twice is appended once', () => {
    const { group, told } = elected();
    group.raft('b').propose(Buffer.from('x'));
    group.work(group.peer('b'));
    const forward = group.wire.find(({ type }) => type === 'forward')!;
    group.deliver(forward);
    group.deliver(forward);
    group.settle();
    group.run(30);
    group.deliver(forward);
    group.settle();
    expect(group.peer('c').machine.commands).toEqual(['x']);
    expect(told.decisions).toHaveLength(1);
  });

  it('that is lost on the way is forwarded again', () => {
    const { group } = elected();
    group.raft('b').propose(Buffer.from('x'));
    group.work(group.peer('b'));
    group.wire = [];
    group.run(15);
    expect(group.peer('b').machine.commands).toEqual(['x']);
  });

  it('that a leader had alone when it was replaced is dropped, for certain', () => {
    const { group, told } = elected();
    group.raft('a').propose(Buffer.from('x'));
    group.work(group.peer('a'));
    group.wire = [];
    group.run(60, ({ from, to }) => from === 'a' || to === 'a');
    group.run(20);
    expect(told.decisions).toEqual([['a', { number: 1, outcome: 'dropped' }]]);
    for (const { machine } of group.running()) expect(machine.commands).toEqual([]);
  });

  it('is refused without a leader, when it alone is more than may be uncommitted, and when there is that much', () => {
    const { group } = elected();
    const alone = new Group(['a', 'b', 'c']);
    expect(alone.raft('a').propose(Buffer.from('x'))).toEqual({ refusal: { reason: 'no-leader' } });
    for (const id of ['a', 'b']) {
      const { raft } = group.peer(id);
      expect(raft!.propose(Buffer.alloc(2_001))).toMatchObject({ refusal: { reason: 'too-large', maxBytes: 2_000 } });
      expect(raft!.propose(Buffer.alloc(1_500))).toHaveProperty('number');
      expect(raft!.propose(Buffer.alloc(501))).toMatchObject({ refusal: { reason: 'backlog-full' } });
    }
  });

  it('is taken again when what was uncommitted is committed', () => {
    const { group } = elected();
    for (let i = 0; i < 10; i++) {
      expect(group.raft('a').propose(Buffer.alloc(1_500, `${i}`))).toHaveProperty('number');
      group.work(group.peer('a'));
      group.settle();
    }
    expect(group.peer('b').machine.commands).toHaveLength(10);
  });

  it('that the leader refuses is decided as refused at its maker', () => {
    const { group, told } = elected();
    group.raft('a').propose(Buffer.alloc(1_500));
    group.raft('b').propose(Buffer.alloc(1_000));
    group.work(group.peer('b'));
    group.deliver(group.wire.find(({ type }) => type === 'forward')!);
    group.settle();
    expect(told.decisions).toContainEqual(['b', { number: 1, outcome: 'refused', reason: 'backlog-full' }]);
  });
});

describe('A read (ReadIndex, thesis §6.4)', () => {
  it('is answered, on any member, when a majority has confirmed the leader and all committed before is applied', () => {
    const { group, told } = elected();
    group.raft('a').propose(Buffer.from('x'));
    group.work(group.peer('a'));
    group.settle(({ to, type }) => to === 'c' && type === 'append');
    expect(group.raft('c').read()).toEqual({ number: 1 });
    group.work(group.peer('c'));
    group.settle(({ to, type }) => to === 'c' && type === 'append');
    expect(told.reads).toEqual([]);
    group.run(6);
    expect(told.reads).toEqual([['c', 1]]);
    expect(group.peer('c').machine.commands).toEqual(['x']);
  });

  it('waits for the leader’s first commit of its own term', () => {
    const { group, told } = elected();
    group.run(40, ({ from, to }) => from === 'a' || to === 'a');
    const isAppend = ({ type }: { readonly type: string }) => type === 'append';
    for (const peer of group.running()) {
      group.stop(peer);
      group.start(peer);
    }
    group.wire = [];
    group.run(40, isAppend);
    const leader = group.leader()!;
    leader.raft!.read();
    group.work(leader);
    group.run(5, isAppend);
    expect(leader.raft!.role).toBe('leader');
    expect(told.reads).toEqual([]);
    group.run(5);
    expect(told.reads).toEqual([[leader.id, 1]]);
  });

  it('is not answered by a leader that nobody follows any more', () => {
    const { group, told } = elected();
    group.raft('a').read();
    group.work(group.peer('a'));
    group.settle(({ from }) => from !== 'a');
    group.run(30, ({ from, to }) => from === 'a' || to === 'a');
    expect(told.reads).toEqual([]);
  });

  it('of many costs one round of heartbeats', () => {
    const { group, told } = elected();
    for (let i = 0; i < 10; i++) group.raft('a').read();
    group.work(group.peer('a'));
    expect(group.wire.filter(({ type }) => type === 'heartbeat')).toHaveLength(2);
    group.settle();
    expect(told.reads).toHaveLength(10);
  });

  it('is refused without a leader, and when there are too many', () => {
    const alone = new Group(['a', 'b', 'c']);
    expect(alone.raft('a').read()).toEqual({ refusal: { reason: 'no-leader' } });
    const { group } = elected();
    for (let i = 0; i < 16; i++) expect(group.raft('b').read()).toHaveProperty('number');
    expect(group.raft('b').read()).toEqual({ refusal: { reason: 'too-many-pending', max: 16 } });
  });
});

describe('A transfer of leadership (thesis §3.10)', () => {
  it('brings its target up to date, and lets it win at once', () => {
    const { group } = elected();
    group.raft('a').propose(Buffer.from('x'));
    group.work(group.peer('a'));
    group.wire = [];
    expect(group.raft('a').transferLeadership('c')).toBeUndefined();
    expect(group.raft('a').propose(Buffer.from('y'))).toEqual({ refusal: { reason: 'transferring' } });
    group.work(group.peer('a'));
    group.run(4);
    expect(group.leader()!.id).toBe('c');
    expect(group.peer('c').machine.commands).toEqual(['x']);
  });

  it('is given up after an election timeout, and proposals are taken again', () => {
    const { group } = elected();
    group.stop(group.peer('c'));
    group.raft('a').transferLeadership('c');
    group.run(11);
    expect(group.raft('a').transferTarget).toBeUndefined();
    expect(group.raft('a').propose(Buffer.from('y'))).toHaveProperty('number');
  });

  it('is for voters only, one at a time', () => {
    const { group } = elected();
    expect(group.raft('a').transferLeadership('x')).toEqual({ reason: 'not-member' });
    expect(group.raft('b').transferLeadership('c')).toEqual({ reason: 'not-leader', leader: 'a' });
    group.raft('a').transferLeadership('b');
    expect(group.raft('a').transferLeadership('c')).toEqual({ reason: 'transferring' });
  });
});

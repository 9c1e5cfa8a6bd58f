import { describe, expect, it } from 'vitest';
import { Configuration } from '../../src/raft/configuration.ts';
import type { Entry } from '../../src/raft/entry.ts';
import { Log } from '../../src/raft/log.ts';
import type { Message, MessageOf } from '../../src/raft/messages.ts';
import { Group, TIGHT_LIMITS } from './group.ts';

function elected(limits: ConstructorParameters<typeof Group>[1] = {}): Group {
  const group = new Group(['a', 'b', 'c'], limits);
  group.raft('a').campaign();
  group.work(group.peer('a'));
  group.settle();
  group.run(2);
  return group;
}

function propose(group: Group, ...texts: string[]): void {
  for (const text of texts) expect(group.raft('a').propose(Buffer.from(text))).toHaveProperty('number');
  group.work(group.peer('a'));
}

function anEntry(index: number, term: number): Entry {
  const proposal = { origin: `${term}`, number: index };
  return { index, term, kind: 'command', proposal, data: Buffer.from(`${term}.${index}`) };
}

const appendsTo = (group: Group, to: string) =>
  group.wire.filter((message): message is MessageOf<'append'> => message.type === 'append' && message.to === to);

describe('Replication (§5.3)', () => {
  it('sends all that was proposed since the last effects in one message, as far as its bound allows', () => {
    const group = elected();
    propose(group, 'x', 'y', 'z', 'w', 'v');
    const sent = appendsTo(group, 'b').map(({ entries }) => entries.length);
    expect(sent).toEqual([4, 1]);
  });

  it('goes on before it is answered, with so many messages as may be under way and no more', () => {
    const group = elected();
    for (let i = 0; i < 6; i++) propose(group, `${i}`);
    expect(appendsTo(group, 'b')).toHaveLength(3);
    group.settle();
    expect(group.peer('b').machine.commands).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  it('commits what a majority has durably, the leader among them or not', () => {
    const group = elected();
    propose(group, 'x');
    group.settle(({ to }) => to === 'c');
    expect(group.peer('a').machine.commands).toEqual(['x']);
    expect(group.peer('c').machine.commands).toEqual([]);
    group.run(4);
    expect(group.peer('c').machine.commands).toEqual(['x']);
  });

  it('keeps so many messages and no more while a disk holds effects up, and goes on without those that are lost', () => {
    const group = elected({ limits: { ...TIGHT_LIMITS, maxWaitingMessages: 8 } });
    propose(group, 'x');
    const [append] = appendsTo(group, 'b');
    for (let i = 0; i < 1_000; i++) group.raft('b').receive(append!);
    group.wire = [];
    group.work(group.peer('b'));
    expect(group.wire).toHaveLength(8);
    group.run(10);
    expect(group.peer('b').machine.commands).toEqual(['x']);
  });

  it('answers nothing that is not durable: persisting comes before sending', () => {
    const group = elected();
    propose(group, 'x');
    const [append] = appendsTo(group, 'b');
    group.wire = [];
    const { raft } = group.peer('b');
    raft!.receive(append!);
    const effects = raft!.takeEffects()!;
    expect(effects.entries).toEqual(append!.entries);
    expect(effects.messages).toMatchObject([{ type: 'append-reply', index: append!.entries.at(-1)!.index }]);
    expect(() => raft!.takeEffects()).toThrow('not done');
  });

  it('applies a leader’s own entry only when it is durable with the leader or with a majority of others', () => {
    const group = elected();
    const { raft } = group.peer('a');
    raft!.propose(Buffer.from('x'));
    const effects = raft!.takeEffects()!;
    const reply: Message = { type: 'append-reply', from: 'b', to: 'a', term: raft!.term, index: raft!.log.last };
    raft!.receive(reply);
    expect(raft!.log.commit).toBe(raft!.log.last - 1);
    raft!.receive({ ...reply, from: 'c' });
    expect(raft!.log.commit).toBe(raft!.log.last);
    raft!.done(effects);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('makes logs equal again that differ in every way (figure 7), seed %d', seed => {
    const terms = {
      leader: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
      a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
      b: [1, 1, 1, 4],
      c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
      d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
      e: [1, 1, 1, 4, 4, 4, 4],
      f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    };
    const group = new Group(Object.keys(terms), { seed });
    for (const [id, history] of Object.entries(terms)) {
      const peer = group.peer(id);
      group.stop(peer);
      peer.disk.entries = history.map((term, i) => anEntry(i + 2, term));
      peer.disk.hardState = { term: 7, vote: undefined };
      group.start(peer);
    }
    group.run(80);
    const { log } = group.leader()!.raft!;
    expect(log.commit).toBe(log.last);
    for (const { raft } of group.running()) expect(raft!.log.slice(2, raft!.log.last)).toEqual(log.slice(2, log.last));
  });

  it('finds where two logs agree at a term a message, not an entry a message', () => {
    const log = new Log({ index: 1, term: 1, configuration: new Configuration(['a']) }, []);
    for (const term of [2, 2, 2, 4, 4, 6, 6]) log.append(term, { kind: 'empty' });
    expect(log.latestPossibleMatch({ index: 8, term: 5 })).toEqual({ index: 6, term: 4 });
    expect(log.latestPossibleMatch({ index: 5, term: 3 })).toEqual({ index: 4, term: 2 });
    expect(log.latestPossibleMatch({ index: 40, term: 9 })).toEqual({ index: 8, term: 6 });
  });
});

describe('A log that is asked to', () => {
  it('accept what it has, what contradicts it and what is new', () => {
    const log = new Log({ index: 1, term: 1, configuration: new Configuration(['a']) }, []);
    const entry = (index: number, term: number): Entry => ({ index, term, kind: 'empty' });
    expect(log.accept({ index: 1, term: 1 }, [entry(2, 2), entry(3, 2)])).toBe(3);
    expect(log.accept({ index: 1, term: 1 }, [entry(2, 2)])).toBe(2);
    expect(log.last).toBe(3);
    expect(log.accept({ index: 2, term: 2 }, [entry(3, 3), entry(4, 3)])).toBe(4);
    expect(log.termAt(3)).toBe(3);
    expect(log.accept({ index: 4, term: 2 }, [])).toBeUndefined();
    expect(log.accept({ index: 9, term: 3 }, [])).toBeUndefined();
  });
});

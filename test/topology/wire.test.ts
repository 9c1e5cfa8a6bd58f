import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { foundingTopology, withMember } from '../../src/membership/topology.ts';
import { Configuration } from '../../src/raft/configuration.ts';
import type { MessageBody } from '../../src/raft/messages.ts';
import { decodeCommand, decodeTopology, encodeCommand, encodeTopology } from '../../src/topology/commands.ts';
import { parseTopologyMessage, type TopologyMessage } from '../../src/topology/messages.ts';
import { parseRaftMessage } from '../../src/topology/raft-wire.ts';

const packr = new Packr({ useRecords: false, mapsAsObjects: true });
const onTheWire = (value: unknown): unknown => packr.unpack(packr.pack(value));

const at = { host: 'h', port: 1 };
const MEMBER = { name: 'n1', place: 'n1', joinedAt: 1, zone: 'z', weight: 1, bus: at, client: at };
const TOPOLOGY = withMember(foundingTopology([MEMBER]), { ...MEMBER, name: 'n2', place: 'n2' });
const PROPOSAL = { origin: 'n1.1', number: 3 };
const CONFIGURATION = new Configuration(['n1.1', 'n2.1'], ['n3.1']);
const SNAPSHOT = { index: 7, term: 2, configuration: CONFIGURATION };

const BODIES: readonly MessageBody[] = [
  { type: 'pre-vote', lastIndex: 4, lastTerm: 2 },
  { type: 'pre-vote-reply', granted: true },
  { type: 'vote', lastIndex: 4, lastTerm: 2, isTransfer: false },
  { type: 'vote-reply', granted: false },
  {
    type: 'append',
    prevIndex: 4,
    prevTerm: 2,
    commit: 3,
    entries: [
      { index: 5, term: 2, kind: 'empty' },
      { index: 6, term: 2, kind: 'command', proposal: PROPOSAL, data: Buffer.from('x') },
      { index: 7, term: 2, kind: 'configuration', proposal: PROPOSAL, configuration: CONFIGURATION },
    ],
  },
  { type: 'append-reply', index: 9 },
  { type: 'append-refused', index: 9, hintIndex: 4, hintTerm: 1 },
  { type: 'heartbeat', commit: 9, round: 4 },
  { type: 'heartbeat-reply', round: 4 },
  { type: 'snapshot', chunk: { snapshot: SNAPSHOT, offset: 0, data: Buffer.from('s'), isLast: true } },
  { type: 'snapshot-reply', index: 7, offset: 1 },
  { type: 'timeout-now' },
  { type: 'forward', origin: 'n1.1', floor: 1, commands: [{ number: 2, data: Buffer.from('c') }] },
  { type: 'forward-refused', origin: 'n1.1', number: 2, refusal: 'too-large' },
  { type: 'read', origin: 'n1.1', number: 2 },
  { type: 'read-reply', origin: 'n1.1', number: 2, index: 9 },
  { type: 'stale-term' },
];

describe('A Raft message', () => {
  it.each(BODIES.map(body => [body.type, body] as const))('%s arrives as it was sent', (_, body) => {
    const message = { ...body, from: 'n1.1', to: 'n2.1', term: 5 };
    expect(parseRaftMessage(onTheWire(message))).toEqual(message);
  });

  it.each(BODIES.map(body => [body.type, body] as const))('%s without one of its fields is none', (_, body) => {
    const message: Record<string, unknown> = { ...body, from: 'n1.1', to: 'n2.1', term: 5 };
    for (const field of Object.keys(message)) {
      const { [field]: _left, ...rest } = message;
      expect(parseRaftMessage(onTheWire(rest)), field).toBeUndefined();
    }
  });

  it('with entries out of order, or a number that is none, is none', () => {
    const append = { type: 'append', prevIndex: 4, prevTerm: 2, commit: 3, from: 'a', to: 'b', term: 5 };
    const entry = { index: 6, term: 2, kind: 'empty' };
    expect(parseRaftMessage({ ...append, entries: [entry] })).toBeUndefined();
    expect(parseRaftMessage({ ...append, entries: [{ ...entry, index: 5, kind: 'x' }] })).toBeUndefined();
    for (const term of [-1, 1.5, Number.NaN, '5', 2 ** 53]) {
      expect(parseRaftMessage({ ...append, entries: [], term })).toBeUndefined();
    }
  });
});

describe('A message about the ring', () => {
  const progress = { name: 'n1', left: 1, all: 2, leftovers: 3, bytes: 4 };
  const command = { type: 'leave', name: 'n1', epoch: 3 } as const;
  const message = { type: 'stale-term', from: 'a', to: 'b', term: 5 } as const;
  const messages: readonly TopologyMessage[] = [
    { type: 'raft', message },
    { type: 'epoch', epoch: 4 },
    { type: 'news', topology: TOPOLOGY },
    { type: 'ready', epoch: 4 },
    { type: 'turn', epoch: 4 },
    { type: 'poll', term: 2, epoch: 4, progress: [progress] },
    { type: 'report', epoch: 4, actor: 'n1.2', member: 'n1.1', keepsLog: true, progress },
    { type: 'request', id: 9, command },
    { type: 'outcome', id: 9, error: 'no' },
    { type: 'outcome', id: 9, error: undefined },
  ];

  it.each(messages.map(each => [each.type, each] as const))('%s arrives as it was sent', (_, each) => {
    expect(parseTopologyMessage(onTheWire(each))).toEqual(each);
  });

  it('that is not one is refused', () => {
    const garbage: unknown[] = [undefined, null, 7, [], {}, { type: 'x' }, { type: 'epoch', epoch: -1 }];
    garbage.push({ type: 'news', topology: {} }, { type: 'request', id: 1, command: { type: 'leave', name: '' } });
    garbage.push({ type: 'poll', term: 1, epoch: 1, progress: [{ ...progress, left: -1 }] });
    const report = { type: 'report', epoch: 4, actor: 'n1.2', member: 'n1.1', keepsLog: true, progress };
    garbage.push({ ...report, member: 'x'.repeat(200) }, { ...report, member: undefined }, { ...report, keepsLog: 1 });
    garbage.push({ type: 'outcome', id: 1, error: 'x'.repeat(513) }, { type: 'raft', message: {} });
    for (const value of garbage) expect(parseTopologyMessage(value), JSON.stringify(value)).toBeUndefined();
  });

  it('commands and topologies survive the log and the snapshot, and nothing else does', () => {
    for (const each of [
      command,
      { type: 'advance', epoch: 4 } as const,
      { type: 'join', member: MEMBER, replaces: undefined, epoch: 1 } as const,
      { type: 'join', member: MEMBER, replaces: 'n9', epoch: 1 } as const,
    ])
      expect(decodeCommand(encodeCommand(each))).toEqual(each);
    expect(decodeTopology(encodeTopology(TOPOLOGY))).toEqual(TOPOLOGY);
    for (const bytes of [Buffer.from([0xc1]), Buffer.from('garbage'), Buffer.alloc(0)]) {
      expect(decodeCommand(bytes)).toBeUndefined();
      expect(decodeTopology(bytes)).toBeUndefined();
    }
  });
});

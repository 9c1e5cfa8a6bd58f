import { describe, expect, it } from 'vitest';
import type { ServerSlotRange } from '../../src/commands/server.ts';
import { decodeReplies } from '../resp/reference-reply-decoder.ts';
import { fakeNode } from './fake-server.ts';
import { FakeSession, resp3Session } from './fake-session.ts';

const [n1, n2, n3] = [fakeNode(1), fakeNode(2), fakeNode(3)];
const dead2 = fakeNode(2, { status: 'dead', linked: false });

const RANGES: readonly ServerSlotRange[] = [
  { first: 0, last: 99, nodes: [n1, n2, n3] },
  { first: 100, last: 100, nodes: [n1, n3, n2] },
  { first: 101, last: 16382, nodes: [n2, n1, n3] },
  { first: 16383, last: 16383, nodes: [n1, n2, n3] },
];

/** The same ring after n2's death: the live ones first. */
const WITHOUT_2: readonly ServerSlotRange[] = [
  { first: 0, last: 99, nodes: [n1, n3, dead2] },
  { first: 100, last: 100, nodes: [n1, n3, dead2] },
  { first: 101, last: 16382, nodes: [n1, n3, dead2] },
  { first: 16383, last: 16383, nodes: [dead2] },
];

function clusterOf(ranges: readonly ServerSlotRange[], session = new FakeSession()): FakeSession {
  session.server.ranges = ranges;
  return session;
}

/** The texts and numbers of a reply, flat. */
function words(reply: string): string[] {
  return reply.split('\r\n').filter(line => line !== '' && !/^[*$%~=]/.test(line));
}

const ID = (number: number) => String(number).repeat(40);
const node = (number: number) => [`10.0.0.${number}`, ':6379', ID(number)];

describe('CLUSTER SLOTS', () => {
  it('lists every range with its replicas, the first to be asked first', () => {
    expect(words(clusterOf(RANGES).run('CLUSTER', 'SLOTS'))).toEqual([
      ...[':0', ':99', ...node(1), ...node(2), ...node(3)],
      ...[':100', ':100', ...node(1), ...node(3), ...node(2)],
      ...[':101', ':16382', ...node(2), ...node(1), ...node(3)],
      ...[':16383', ':16383', ...node(1), ...node(2), ...node(3)],
    ]);
  });

  it('has the layout of Redis 7.0 in both protocols', () => {
    const one = clusterOf([{ first: 0, last: 16383, nodes: [n1] }]);
    const entry = `*3\r\n:0\r\n:16383\r\n*4\r\n$8\r\n10.0.0.1\r\n:6379\r\n$40\r\n${ID(1)}\r\n`;
    expect(one.run('CLUSTER', 'SLOTS')).toBe(`*1\r\n${entry}*0\r\n`);
    one.connection.protocol = 3;
    expect(one.run('CLUSTER', 'SLOTS')).toBe(`*1\r\n${entry}%0\r\n`);
  });

  it('leaves the dead out, and joins what then is one range', () => {
    expect(words(clusterOf(WITHOUT_2).run('CLUSTER', 'SLOTS'))).toEqual([
      ...[':0', ':16382', ...node(1), ...node(3)],
      ...[':16383', ':16383', ...node(2)],
    ]);
  });

  it('answers thousands of ranges in one piece', () => {
    const many = Array.from({ length: 8192 }, (_, i) => ({
      first: i * 2,
      last: i * 2 + 1,
      nodes: i % 2 ? [n1, n2] : [n2, n1],
    }));
    const replies = decodeReplies(Buffer.from(clusterOf(many).run('CLUSTER', 'SLOTS'), 'latin1'));
    expect(replies).toHaveLength(1);
    expect(replies[0]).toMatchObject({ type: 'array', items: { length: 8192 } });
  });
});

describe('CLUSTER SHARDS', () => {
  it('gathers the slots that have one list of nodes', () => {
    const text = words(clusterOf(RANGES).run('CLUSTER', 'SHARDS'));
    expect(text.filter(word => word === 'slots')).toHaveLength(3);
    expect(text.slice(0, 6)).toEqual(['slots', ':0', ':99', ':16383', ':16383', 'nodes']);
  });

  it('tells of a node what Redis tells', () => {
    const [reply] = decodeReplies(
      Buffer.from(
        clusterOf([{ first: 0, last: 5, nodes: [n1, fakeNode(2, { refilling: true })] }], resp3Session()).run(
          'CLUSTER',
          'SHARDS',
        ),
      ),
    );
    expect(
      JSON.stringify(reply)
        .match(/"text":"[^"]*"/g)
        ?.map(text => text.slice(8, -1)),
    ).toEqual([
      ...['slots', '0', '5', 'nodes'],
      ...['id', ID(1), 'port', '6379', 'ip', '10.0.0.1', 'endpoint', '10.0.0.1', 'role', 'master'],
      ...['replication-offset', '0', 'health', 'online'],
      ...['id', ID(2), 'port', '6379', 'ip', '10.0.0.2', 'endpoint', '10.0.0.2', 'role', 'replica'],
      ...['replication-offset', '0', 'health', 'loading'],
    ]);
  });
});

describe('CLUSTER NODES', () => {
  it('shows every member as the master of the slots that it is first for', () => {
    const session = clusterOf(RANGES);
    session.server.members = [n1, n2, fakeNode(3, { status: 'suspect', linked: false })];
    expect(words(session.run('CLUSTER', 'NODES')).join('')).toBe(
      `${ID(1)} 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-100 16383\n` +
        `${ID(2)} 10.0.0.2:6379@16379 master - 0 0 1 connected 101-16382\n` +
        `${ID(3)} 10.0.0.3:6379@16379 master,fail? - 0 0 1 disconnected\n`,
    );
  });

  it('marks the dead, and a member without an address', () => {
    const session = clusterOf([]);
    session.server.members = [n1, dead2, fakeNode(3, { status: 'unknown', client: { host: '', port: 0 } })];
    const text = session.run('CLUSTER', 'NODES');
    expect(text).toContain('10.0.0.2:6379@16379 master,fail - 0 0 1 disconnected\n');
    expect(text).toContain(' :0@16379 master,fail?,noaddr - ');
  });
});

describe('CLUSTER INFO', () => {
  it('is ok once founded, and counts the slots that nobody serves', () => {
    const text = clusterOf(WITHOUT_2).run('CLUSTER', 'INFO');
    expect(text).toContain(
      'cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16383\r\ncluster_slots_pfail:0\r\ncluster_slots_fail:1\r\ncluster_known_nodes:3\r\ncluster_size:2\r\n',
    );
  });
});

describe('what else a cluster client asks', () => {
  it('is answered as by a Redis Cluster', () => {
    const session = new FakeSession();
    expect(session.run('CLUSTER', 'MYID')).toBe(`$40\r\n${ID(1)}\r\n`);
    expect(session.run('CLUSTER', 'KEYSLOT', '{user1000}.following')).toBe(':3443\r\n');
    expect(session.run('CLUSTER', 'COUNTKEYSINSLOT', '12')).toBe(':12\r\n');
    expect(session.run('CLUSTER', 'COUNTKEYSINSLOT', '16384')).toBe('-ERR Invalid slot\r\n');
    expect(session.run('CLUSTER', 'COUNTKEYSINSLOT', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    for (const name of ['READONLY', 'READWRITE', 'ASKING']) expect(session.run(name)).toBe('+OK\r\n');
    expect(session.run('CLUSTER', 'HELP')).toMatch(/^\*\d+\r\n\+CLUSTER <subcommand> \[<arg> /);
  });
});

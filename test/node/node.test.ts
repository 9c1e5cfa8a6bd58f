import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedMessageError } from '../../src/lib/byte-reader.ts';
import { decodeControl, encodeControl } from '../../src/node/control-messages.ts';
import { DEFAULT_ANTI_ENTROPY, DEFAULT_REPLICATION_LIMITS } from '../../src/node/node-options.ts';
import type { PeerIdentity } from '../../src/ports/outbox.ts';
import { client, type Letter, linkAll, Nodes, three } from './test-nodes.ts';

describe('A node', () => {
  it('that is alone founds a cluster of one and serves at once', () => {
    const nodes = new Nodes();
    const node = nodes.add('n1', { alone: true, expectNodes: 1 });
    nodes.advance(200);
    expect(node.cluster!.peers.map(peer => peer.name)).toEqual(['n1']);
    const redis = client(node);
    for (const line of ['SET k v', 'GET k', 'SELECT 1', 'SET q w', 'GET q', 'DEL q', 'GET q', 'DEL q'])
      redis.execute(line);
    expect(redis.output()).toBe('+OK\r\n$1\r\nv\r\n+OK\r\n+OK\r\n$1\r\nw\r\n:1\r\n$-1\r\n:0\r\n');
  });

  it('answers EXPLAIN without waking the connection that is just running it', () => {
    const nodes = new Nodes();
    const node = nodes.add('n1', { alone: true, expectNodes: 1 });
    nodes.advance(200);
    const redis = client(node);
    redis.execute('COTERIE EXPLAIN k');
    expect(redis.output()).toContain('absent');
    expect(redis.progress()).toBe(0);
  });

  it('that is to replace another but is a member already says that it does not', () => {
    const replaces = (node: string, replaced: string) => {
      const nodes = three();
      nodes.advance(1_000);
      nodes.add(node, { replaces: replaced });
      linkAll(nodes);
      nodes.advance(1_000);
      return nodes.said.filter(line => line.includes('replace'));
    };
    expect(replaces('n3', 'n2')).toEqual(['n3: is a member already and replaces nobody: to take n2 off, forget it']);
    // What it was to replace is gone, perhaps replaced by this very node when it was started before.
    expect(replaces('n3', 'n0')).toEqual([]);
  });

  it('refuses commands on keys until the cluster has been founded, with the reason', () => {
    const nodes = new Nodes();
    const redis = client(nodes.add('n1'));
    nodes.advance(200);
    redis.execute('GET k');
    expect(redis.output()).toBe('-CLUSTERDOWN The cluster has not been founded: 1 of 3 members seen\r\n');
  });

  it('founds with the others, and then every node answers for every key', () => {
    const nodes = three();
    expect(new Set([...nodes.nodes.values()].map(node => node.cluster?.id)).size).toBe(1);
    const [one, two] = ['n1', 'n2'].map(name => client(nodes.nodes.get(name)!));
    for (const redis of [one!, two!]) redis.execute('SELECT 1');
    one!.execute('SET k v');
    nodes.settle();
    expect(one!.progress()).toBe(1);
    two!.execute('GET k');
    nodes.settle();
    expect([one!.output(), two!.output()]).toEqual(['+OK\r\n+OK\r\n', '+OK\r\n$1\r\nv\r\n']);
  });

  it('asks every replica for EXPLAIN, answers in the ring order, and does not wait for ever for a silent one', () => {
    const nodes = three();
    const redis = client(nodes.nodes.get('n1')!);
    redis.execute('SET k v');
    nodes.settle();
    redis.output();
    redis.execute('COTERIE EXPLAIN k');
    expect(redis.output()).toBe('');
    nodes.settle();
    const answer = redis.output();
    expect(answer.match(/n[123]\r\n/g)).toHaveLength(3);
    expect(answer.match(/\$5\r\nvalue\r\n/g)).toHaveLength(3);
    expect(redis.progress()).toBe(1);
    nodes.lost = letter => letter.to === 'n3';
    redis.execute('COTERIE EXPLAIN k');
    nodes.settle();
    expect(redis.output()).toBe('');
    nodes.advance(DEFAULT_REPLICATION_LIMITS.requestTimeoutMs);
    expect(redis.output()).toContain('no answer');
    nodes.nodes.get('n1')!.linkDown('n3');
    redis.execute('COTERIE EXPLAIN k');
    nodes.settle();
    expect(redis.output()).toContain('no answer');
  });

  it('lists what was put aside of a key on any replica, wherever it is asked', () => {
    const nodes = three();
    const [one, two, other] = ['n1', 'n2', 'n3'].map(name => client(nodes.nodes.get(name)!));
    nodes.lost = letter => letter.from === 'n1' || letter.to === 'n1';
    one!.execute('SET k alone');
    nodes.nowMs += 10;
    two!.execute('SET k together');
    nodes.settle();
    nodes.lost = () => false;
    nodes.advance(DEFAULT_ANTI_ENTROPY.intervalMs + 1_000);
    other!.execute('COTERIE CONFLICTS k');
    nodes.settle();
    expect(other!.output()).toMatch(/\$5\r\nvalue\r\n\$5\r\nalone\r\n\$7\r\nseen-by\r\n/);
    other!.execute('INFO coterie');
    other!.execute('COTERIE EXPLAIN k');
    nodes.settle();
    expect(other!.output()).toMatch(/conflicts:\d/);
  });

  it('sends at most a megabyte of what was put aside, the latest first, and of the rest how long it is', () => {
    const nodes = three({ conflictJournalBytes: 10 << 20 });
    const { conflicts } = nodes.nodes.get('n2')!.cluster!.keyspaces.get(0)!;
    for (let stamp = 1; stamp <= 3; stamp++)
      conflicts.add(Buffer.from('k'), { actor: 0, stamp }, Buffer.alloc(400_000 + stamp));
    const redis = client(nodes.nodes.get('n1')!);
    redis.execute('COTERIE CONFLICTS k');
    nodes.settle();
    const told = redis.output();
    expect(told.match(/length\r\n:40000\d/g)).toEqual(['3', '2', '1'].map(each => `length\r\n:40000${each}`));
    expect(told.match(/value\r\n\$40000\d/g)).toEqual(['3', '2'].map(each => `value\r\n$40000${each}`));
  });

  it('shows the hints for a key and of the node, wherever it is asked', () => {
    const nodes = three();
    const one = client(nodes.nodes.get('n1')!);
    const two = client(nodes.nodes.get('n2')!);
    nodes.nodes.get('n1')!.linkDown('n3');
    one.execute('SET k v');
    nodes.settle();
    two.execute('COTERIE EXPLAIN k');
    nodes.settle();
    expect(two.output()).toContain('$9\r\nhints-for\r\n*1\r\n$2\r\nn3\r\n');
    one.execute('INFO coterie');
    expect(one.output()).toMatch(/hints_noted:1\r\n[\s\S]*hints_pending:1\r\nhints_bytes:[1-9]/);
  });

  it('shows the cluster to commands: members, slots, and itself', () => {
    const nodes = three();
    const { server } = nodes.nodes
      .get('n1')!
      .openSession({ id: 9, address: '', localAddress: '', queuedBytes: 0 }, () => {});
    expect(server.nodes(0).map(({ name, status, isSelf }) => [name, status, isSelf])).toEqual([
      ['n1', 'alive', true],
      ['n2', 'alive', false],
      ['n3', 'alive', false],
    ]);
    expect(server.nodes(0).reduce((sum, node) => sum + node.primarySlots, 0)).toBe(16_384);
    expect(server.nodes(0).every(node => node.replicaSlots === 16_384)).toBe(true);
    expect(new Set(server.nodes(0).map(node => node.clusterNodeId)).size).toBe(3);
    expect(server.self.clusterNodeId).toMatch(/^[0-9a-f]{40}$/);
    expect(server.slotRanges(1).reduce((sum, { first, last }) => sum + last - first + 1, 0)).toBe(16_384);
    expect(
      server
        .replicasOf(1, 77)
        .map(node => node.name)
        .sort(),
    ).toEqual(['n1', 'n2', 'n3']);
    expect([server.slotRanges(5), server.replicasOf(5, 77)]).toEqual([[], []]);
    expect(server.keyspaces()).toMatchObject([
      { db: 0, readNeed: 1, writeNeed: 1, replicas: 3 },
      { db: 1, readNeed: 2, writeNeed: 2, replicas: 3 },
    ]);
    expect([server.version, server.processId, server.port]).toEqual(['1.2.3', 42, 1]);
    expect(server.checkPassword('default', Buffer.from(''))).toBe('no password is set');
  });

  it('checks its password for the default user only', () => {
    const nodes = new Nodes();
    const socket = { id: 9, address: '', localAddress: '', queuedBytes: 0 };
    const { server, connection } = nodes.add('n1', { password: 'secret' }).openSession(socket, () => {});
    const check = (user: string, password: string) => server.checkPassword(user, Buffer.from(password));
    expect([check('default', 'secret'), check('default', 'secre'), check('other', 'secret')]).toEqual([
      'ok',
      'wrong',
      'wrong',
    ]);
    expect(connection.authenticated).toBe(false);
  });

  it('drops data of a node that is no member, and of anyone before the founding', () => {
    const nodes = three();
    nodes.said.length = 0;
    nodes.nodes.get('n1')!.receive('stranger', Buffer.of(1, 2, 3));
    nodes.add('n9').receive('n1', Buffer.of(1, 2, 3));
    expect(nodes.said).toEqual([]);
  });
});

describe('Garbage from a peer', () => {
  it('never throws, whatever the type of the message, and leaves the node serving', () => {
    const nodes = three();
    const node = nodes.nodes.get('n1')!;
    const message = fc.tuple(fc.nat(12), fc.uint8Array({ maxLength: 80 }));
    fc.assert(
      fc.property(message, ([type, rest]) => {
        node.receive('n2', Buffer.of(type, ...rest));
        node.receive('n2', Buffer.from(rest));
        nodes.settle();
      }),
      { numRuns: 3000 },
    );
    node.receive('n2', Buffer.alloc(0));
    nodes.advance(1000);
    const redis = client(node);
    redis.execute('SET still works');
    redis.execute('GET still');
    expect(redis.output()).toBe('+OK\r\n$5\r\nworks\r\n');
  });

  it('never throws either where it is a true message with a few bytes changed', () => {
    const nodes = three();
    const kept: Letter[] = [];
    nodes.lost = letter => {
      if (letter.to === 'n1') kept.push(letter);
      return false;
    };
    const redis = client(nodes.nodes.get('n2')!);
    for (const line of [
      'SET a 1 EX 100',
      'SELECT 1',
      'SET b 2',
      'GET b',
      'EXPIRE b 50',
      'DEL c',
      'COTERIE EXPLAIN b',
    ]) {
      redis.execute(line);
      nodes.advance(40);
    }
    nodes.advance(11_000);
    nodes.lost = () => false;
    const damage = fc.tuple(
      fc.nat(kept.length - 1),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 3 }),
    );
    fc.assert(
      fc.property(damage, ([which, changes]) => {
        const bytes = Buffer.from(kept[which]!.bytes);
        // Stamps of the far future are another matter: quarantine. The upper half of an f64 stays as it is.
        for (const [at, byte] of changes) if (bytes[0] === 0 || at > 40) bytes[1 + (at % (bytes.length - 1))] = byte;
        nodes.nodes.get('n1')!.receive(kept[which]!.from, bytes);
        nodes.settle();
      }),
      { numRuns: 2000 },
    );
  });

  it('is no control message: anything that is not [kind, message] of a known form', () => {
    const nonsense = fc.oneof(
      fc.anything(),
      fc.tuple(fc.constantFrom('swim', 'founding', 'explain', 'drill', 'x'), fc.anything()),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        expect(decodeControl(Buffer.of(0, ...bytes))).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(nonsense, value => {
        const [kind, message] = Array.isArray(value) ? value : ['explain', value];
        let head: Buffer;
        try {
          head = Buffer.from(encodeControl({ kind, message } as never).head);
        } catch {
          return;
        }
        expect(decodeControl(head)).toBeUndefined();
      }),
    );
  });

  it('counts no length of EXPLAIN that could not be written as an integer', () => {
    const version = {
      node: 'n2',
      status: 'value',
      refilling: false,
      length: Number.NaN,
      writtenMs: 0.5,
      expiryAtMs: 7,
    };
    const { head } = encodeControl({ kind: 'explain', message: { type: 'answer', id: 1, version } } as never);
    expect(decodeControl(Buffer.from(head))).toEqual({
      kind: 'explain',
      message: { type: 'answer', id: 1, version: { node: 'n2', status: 'value', refilling: false, expiryAtMs: 7 } },
    });
  });

  it('is reported once for each message, with its reason', () => {
    const nodes = three();
    nodes.said.length = 0;
    nodes.nodes.get('n1')!.receive('n2', Buffer.of(3, 0));
    nodes.nodes.get('n1')!.receive('n2', Buffer.of(99));
    expect(nodes.said).toEqual(Array(2).fill('n1: a peer sent a message that cannot be read'));
    expect(() =>
      nodes.nodes.get('n1')!.cluster!.receive(nodes.nodes.get('n1')!.cluster!.peerOf('n2')!, Buffer.of(99)),
    ).toThrow(MalformedMessageError);
  });

  it('does not come from a link to oneself', () => {
    const nodes = three();
    const self: PeerIdentity = nodes.nodes.get('n1')!.identity();
    nodes.nodes.get('n1')!.receive(self.name, Buffer.of(1, 2, 3));
    expect(nodes.said).not.toContain('n1: a peer sent a message that cannot be read');
  });
});

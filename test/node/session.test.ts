import { describe, expect, it } from 'vitest';
import { DetachedFound } from '../../src/replication/detached-found.ts';
import { READ_NOTHING, WRITTEN } from '../../src/store/outcome.ts';
import { NEVER } from '../../src/store/record.ts';
import { FakeServer } from '../commands/fake-server.ts';
import { TestSession } from './test-session.ts';

const value = (text: string) =>
  ({ status: 'read', found: new DetachedFound(text.length, NEVER, Buffer.from(text)) }) as const;

describe('The order on a connection (DESIGN §5)', () => {
  it('is that of the commands, whatever the order in which their operations are decided', () => {
    const client = new TestSession();
    for (const line of ['GET a', 'PING', 'GET b', 'PING']) expect(client.execute(line)).toBe(true);
    client.begun[1]!.complete(value('second'));
    expect(client.output()).toBe('');
    client.begun[0]!.complete(value('first'));
    expect(client.output()).toBe('$5\r\nfirst\r\n+PONG\r\n$6\r\nsecond\r\n+PONG\r\n');
  });

  it.each(['GET {x}k', 'SET {x}k w', 'MGET a b {x}c', 'DEL a {x}c', 'STRLEN {x}other'])(
    'makes %s wait for an undecided write to the same slot',
    line => {
      const client = new TestSession();
      client.execute('SET {x}k v');
      expect(client.execute(line)).toBe(false);
      expect(client.begun).toHaveLength(1);
      client.begun[0]!.complete(WRITTEN);
      expect(client.progress).toBe(1);
      expect(client.execute(line)).toBe(true);
    },
  );

  it('makes a write wait for an undecided read of its slot, which must not see it', () => {
    const client = new TestSession();
    client.execute('GET {x}k');
    expect(client.execute('SET {x}k v')).toBe(false);
    expect(client.execute('DEL a b {x}c')).toBe(false);
    client.begun[0]!.complete(READ_NOTHING);
    expect(client.execute('SET {x}k v')).toBe(true);
  });

  it('holds back a read that follows an undecided read of its slot, lest it be answered with something older', () => {
    const client = new TestSession();
    expect([client.execute('GET k'), client.execute('GET k')]).toEqual([true, false]);
    client.begun[0]!.complete({ status: 'read', found: undefined });
    expect(client.execute('GET k')).toBe(true);
  });

  it('holds commands back when much is waiting behind a reply that is not known', () => {
    const client = new TestSession();
    client.execute('GET slow');
    let run = 0;
    while (run < 1000 && client.execute(`ECHO ${'x'.repeat(16_000)}`)) run++;
    expect(run).toBeGreaterThan(10);
    expect(run).toBeLessThan(100);
    client.begun[0]!.complete({ status: 'read', found: undefined });
    expect(client.execute('PING')).toBe(true);
  });

  it('runs a command with very many keys in parts, and answers once all are decided', () => {
    const client = new TestSession();
    const keys = Array.from({ length: 3000 }, (_, i) => `key:${i}`);
    client.execute(`MGET ${keys.join(' ')}`);
    expect(client.begun.length).toBe(1024);
    expect(client.execute('GET key:2999')).toBe(false);
    for (let i = 0; i < client.begun.length; i++) client.begun[i]!.complete({ status: 'read', found: undefined });
    expect(client.begun.length).toBe(3000);
    expect(client.output()).toBe(`*3000\r\n${'$-1\r\n'.repeat(3000)}`);
  });

  it('lets all others go: other slots, commands without keys', () => {
    const client = new TestSession();
    for (const line of ['SET k v', 'SET l v', 'GET m', 'PING', 'SELECT 1', 'GET n', 'MGET o p']) {
      expect([line, client.execute(line)]).toEqual([line, true]);
    }
    expect(client.progress).toBe(0);
  });

  it('waits until the last undecided write to the slot is decided', () => {
    const client = new TestSession();
    client.execute('MSET {x}a 1 {x}b 2');
    expect(client.begun).toHaveLength(2);
    client.begun[0]!.complete(WRITTEN);
    expect(client.execute('GET {x}a')).toBe(false);
    client.begun[1]!.complete(WRITTEN);
    expect(client.execute('GET {x}a')).toBe(true);
    expect(client.output()).toBe('+OK\r\n');
  });

  it('is bounded: a command waits while too many replies are to come, a rejected one too', () => {
    const client = new TestSession({ maxPendingReplies: 2 });
    expect(['GET a', 'GET b', 'PING', 'nonsense'].map(line => client.execute(line))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    client.begun[1]!.complete(value('b'));
    expect(client.execute('PING')).toBe(false);
    client.begun[0]!.complete(value('a'));
    expect(client.execute('PING')).toBe(true);
    expect(client.output()).toBe('$1\r\na\r\n$1\r\nb\r\n+PONG\r\n');
    expect(client.session.isWaiting).toBe(false);
  });

  it('answers an error of the table in its place, and runs nothing', () => {
    const client = new TestSession();
    client.execute('GET a');
    expect(client.execute('GET')).toBe(true);
    client.begun[0]!.complete(READ_NOTHING);
    expect(client.output()).toBe("$-1\r\n-ERR wrong number of arguments for 'get' command\r\n");
  });

  it('ends behind the answer to a request that could not be read', () => {
    const client = new TestSession();
    client.execute('GET a');
    client.session.fail('ERR Protocol error: invalid bulk length');
    expect(client.session.connection.isClosing).toBe(true);
    client.begun[0]!.complete(READ_NOTHING);
    expect(client.output()).toBe('$-1\r\n-ERR Protocol error: invalid bulk length\r\n');
  });

  it('switches protocols between the replies of a pipeline, not within those still to come', () => {
    const client = new TestSession();
    client.execute('GET a');
    client.execute('HELLO 3');
    client.execute('GET b');
    client.begun[1]!.complete(READ_NOTHING);
    client.begun[0]!.complete(READ_NOTHING);
    const output = client.output();
    expect(output.startsWith('$-1\r\n%')).toBe(true);
    expect(output.endsWith('\r\n_\r\n')).toBe(true);
  });
});

describe('Progress', () => {
  it('is told when an operation is decided later, and not when it was decided within its command', () => {
    const client = new TestSession();
    client.execute('SET k v');
    expect(client.progress).toBe(0);
    client.begun[0]!.complete(WRITTEN);
    expect(client.progress).toBe(1);
    const { run } = client;
    client.run = (_keyspace, _operation, sink) => sink.complete(WRITTEN);
    client.execute('SET k v');
    client.run = run;
    expect([client.progress, client.output()]).toEqual([1, '+OK\r\n+OK\r\n']);
  });

  it('is told of a reply like that of EXPLAIN only when its command has long returned', () => {
    const server = new FakeServer();
    const client = new TestSession({ server });
    server.defer = () => client.session.defer();
    client.execute('COTERIE EXPLAIN k');
    expect(client.output()).not.toBe('');
    expect(client.progress).toBe(0);
    let answer = () => {};
    server.explain = (_db, _key, _what, done) => {
      answer = () => done([]);
    };
    client.execute('COTERIE EXPLAIN k');
    expect(client.output()).toBe('');
    answer();
    expect(client.progress).toBe(1);
    expect(client.output()).not.toBe('');
  });
});

describe('Before the founding', () => {
  it('commands with keys are refused with the reason, and R and W are right once it has happened', () => {
    const server = new FakeServer();
    const client = new TestSession({ server, initial: { db: 1, authenticated: true } }, false);
    server.cluster = undefined;
    client.execute('GET k');
    expect(client.output()).toBe('-CLUSTERDOWN The cluster has not been founded: 2 of 3 members seen\r\n');
    expect(client.session.connection.readNeed).toBe(1);
    server.cluster = { id: 'c1', epoch: 1, size: 3 };
    client.found();
    client.execute('MGET k');
    expect(client.begun[0]!.operation.need).toBe('quorum');
  });
});

import { describe, expect, it } from 'vitest';
import { slotOf } from '../../src/lib/slots.ts';
import { DetachedFound } from '../../src/replication/detached-found.ts';
import { READ_NOTHING, WRITTEN } from '../../src/store/outcome.ts';
import { NEVER } from '../../src/store/record.ts';
import { TestSession } from './test-session.ts';

const value = (text: string) =>
  ({ status: 'read', found: new DetachedFound(text.length, NEVER, Buffer.from(text)) }) as const;

function plant(client: TestSession, key: string, content: string | undefined, db = 0, expiryAtMs = NEVER): void {
  const { store } = client.keyspaces.get(db)!;
  const bytes = Buffer.from(key);
  const body = content === undefined ? undefined : Buffer.from(content);
  store.putValue(slotOf(bytes), store.hashOf(bytes), bytes, body, 1000, 0, expiryAtMs);
}

describe('A read', () => {
  it('at R=1 is answered from the own store before the call returns, when the key is there', () => {
    const client = new TestSession();
    plant(client, 'k', 'v');
    client.execute('GET k');
    expect([client.output(), client.begun.length]).toEqual(['$1\r\nv\r\n', 0]);
  });

  it('at R=1 is answered nil by an own tombstone, or a value that has expired', () => {
    const client = new TestSession();
    plant(client, 'gone', undefined);
    plant(client, 'old', 'v', 0, 1_799_999_999_999);
    client.execute('GET gone');
    client.execute('GET old');
    expect([client.output(), client.begun.length]).toEqual(['$-1\r\n$-1\r\n', 0]);
  });

  it('at R=1 of a key that is not there goes to the other replicas', () => {
    const client = new TestSession();
    client.execute('GET k');
    expect(client.begun[0]!.operation).toMatchObject({ kind: 'read', need: 'one', db: 0, wantsValue: true });
  });

  it('at R=2, or of a slot that is being refilled, is never answered from the own store alone', () => {
    const client = new TestSession();
    plant(client, 'k', 'v', 1);
    client.execute('SELECT 1');
    client.execute('GET k');
    expect(client.begun[0]!.operation).toMatchObject({ need: 'quorum', db: 1 });
    client.keyspaces.get(0)!.beginRefill();
    plant(client, 'l', 'v', 0);
    client.execute('SELECT 0');
    client.execute('GET l');
    expect(client.begun).toHaveLength(2);
  });

  it('asks for no value where only existence and length matter', () => {
    const client = new TestSession();
    client.execute('EXISTS k');
    client.execute('STRLEN l');
    expect(client.begun.map(({ operation }) => operation.kind === 'read' && operation.wantsValue)).toEqual([
      false,
      false,
    ]);
  });

  it('that fails answers its error in its place', () => {
    const client = new TestSession();
    client.execute('GET k');
    client.begun[0]!.complete({ status: 'unavailable', reason: '1 of 2 replicas answered in 500 ms' });
    expect(client.output()).toBe('-UNAVAILABLE 1 of 2 replicas answered in 500 ms\r\n');
  });
});

describe('A write', () => {
  it('without options at W=1 is done here at once where this node may; otherwise it is an operation', () => {
    const client = new TestSession();
    client.setsHere = true;
    client.execute('SET k v');
    expect([client.output(), client.begun.length]).toEqual(['+OK\r\n', 0]);
    client.execute('SELECT 1');
    client.execute('SET k v');
    expect(client.begun[0]!.operation).toMatchObject({ kind: 'write', need: 'quorum', readNeed: 'quorum', db: 1 });
  });

  it('that is refused answers the error as it is', () => {
    const client = new TestSession();
    client.execute('SET k v');
    client.begun[0]!.complete({ status: 'refused', error: 'OOM no' });
    expect(client.output()).toBe('-OOM no\r\n');
  });
});

describe('R and W', () => {
  it.each(['GET k', 'MGET k l', 'SET k v EX 10', 'MSET k v', 'DEL k', 'EXISTS k l'])(
    'of %s are those of the keyspace that SELECT has just chosen',
    line => {
      const client = new TestSession();
      client.execute('SELECT 1');
      client.execute(line);
      const { operation } = client.begun[0]!;
      if (operation.kind === 'read') expect(operation.need).toBe('quorum');
      else expect([operation.need, operation.readNeed]).toEqual(['quorum', 'quorum']);
    },
  );

  it('of the next command are those that COTERIE CONSISTENCY has just set', () => {
    const client = new TestSession();
    client.execute('COTERIE CONSISTENCY WRITE all READ quorum');
    client.execute('DEL k');
    expect(client.begun[0]!.operation).toMatchObject({ need: 'all', readNeed: 'quorum' });
  });
});

describe('Several keys', () => {
  it('are answered together, in the order of the command, when the last is known', () => {
    const client = new TestSession();
    client.execute('MGET a b c');
    client.begun[2]!.complete(value('C'));
    client.begun[0]!.complete(value('A'));
    expect(client.output()).toBe('');
    client.begun[1]!.complete(READ_NOTHING);
    expect(client.output()).toBe('*3\r\n$1\r\nA\r\n$-1\r\n$1\r\nC\r\n');
  });

  it('keep what was found although the finder uses its object again', () => {
    const client = new TestSession();
    client.execute('MGET a b');
    let current = 'first';
    const found = {
      get length() {
        return current.length;
      },
      expiryAtMs: NEVER,
      writeValue: (sink: { bulk(bytes: Uint8Array): void }) => sink.bulk(Buffer.from(current)),
    };
    client.begun[0]!.complete({ status: 'read', found });
    current = 'changed';
    client.begun[1]!.complete(READ_NOTHING);
    expect(client.output()).toBe('*2\r\n$5\r\nfirst\r\n$-1\r\n');
  });

  it('answer the error of the first that failed, once all are decided', () => {
    const client = new TestSession();
    client.execute('MSET a 1 b 2 c 3');
    client.begun[2]!.complete({ status: 'unavailable', reason: 'third' });
    client.begun[1]!.complete({ status: 'unavailable', reason: 'second' });
    expect(client.output()).toBe('');
    client.begun[0]!.complete(WRITTEN);
    expect(client.output()).toBe('-UNAVAILABLE second\r\n');
  });
});

import { describe, expect, it } from 'vitest';
import { TestSession } from './test-session.ts';

describe('A client connection', () => {
  it('begins in the default keyspace, with the R and W of that', () => {
    const { connection } = new TestSession({ initial: { db: 1, authenticated: true } }).session;
    expect([connection.db, connection.readNeed, connection.writeNeed]).toEqual([1, 2, 2]);
    expect(connection.consistency).toEqual({ read: 'quorum', write: 'quorum' });
  });

  it('turns to keyspaces that there are, and drops its own R and W then', () => {
    const { connection } = new TestSession().session;
    connection.setConsistency('write', 'all');
    expect([connection.readNeed, connection.writeNeed]).toEqual([1, 3]);
    expect(connection.select(7)).toBe(false);
    expect([connection.db, connection.writeNeed]).toEqual([0, 3]);
    expect(connection.select(1)).toBe(true);
    expect([connection.db, connection.readNeed, connection.writeNeed]).toEqual([1, 2, 2]);
  });

  it("takes the keyspace's own R or W back when its own is taken away", () => {
    const { connection } = new TestSession().session;
    connection.setConsistency('read', 3);
    expect(connection.consistency).toEqual({ read: 3, write: 'one' });
    connection.setConsistency('read', undefined);
    expect([connection.readNeed, connection.consistency.read]).toEqual([1, 'one']);
  });

  it('is new again after RESET: name, protocol, keyspace, authentication, R and W', () => {
    const { connection } = new TestSession({ initial: { db: 0, authenticated: false } }).session;
    connection.name = 'x';
    connection.protocol = 3;
    connection.authenticated = true;
    connection.noEvict = true;
    connection.noTouch = true;
    connection.select(1);
    connection.setConsistency('read', 'all');
    connection.reset();
    const { name, protocol, authenticated, noEvict, noTouch, db, readNeed } = connection;
    expect({ name, protocol, authenticated, noEvict, noTouch, db, readNeed }).toEqual({
      name: '',
      protocol: 2,
      authenticated: false,
      noEvict: false,
      noTouch: false,
      db: 0,
      readNeed: 1,
    });
  });

  it('knows its socket and what ran last', () => {
    const client = new TestSession();
    const { connection } = client.session;
    client.execute('PING');
    expect([connection.id, connection.address, connection.localAddress]).toEqual([1, 'client:1', 'node:2']);
    expect([connection.queuedBytes, connection.lastCommand, connection.lastCommandMs]).toEqual([77, 'ping', 5000]);
  });
});

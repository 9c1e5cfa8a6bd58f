import { describe, expect, it } from 'vitest';
import { ClientConnection } from '../../src/node/client-connection.ts';
import { ReplyQueue } from '../../src/node/reply-queue.ts';
import type { Keyspace } from '../../src/replication/keyspace.ts';
import { BlockPool } from '../../src/resp/block-pool.ts';

const SOCKET = { id: 1, address: 'c:1', localAddress: 's:1', queuedBytes: 0 };

function connection(): ClientConnection {
  const keyspaces = new Map(
    [
      { db: 0, read: 'one', write: 'one' },
      { db: 1, read: 'quorum', write: 'all' },
    ].map(policy => [policy.db, { policy, placement: { replicaCount: 3 } } as unknown as Keyspace]),
  );
  return new ClientConnection(SOCKET, new ReplyQueue(new BlockPool()), keyspaces, { db: 0, authenticated: true }, 0);
}

describe('ClientConnection', () => {
  it('knows R and W of a keyspace before anything else of it was asked', () => {
    const one = connection();
    one.select(1);
    expect(one.readNeed).toBe(2);
    const other = connection();
    other.select(1);
    expect(other.writeNeed).toBe(3);
  });

  it('keeps its own R and W until it turns to another keyspace', () => {
    const client = connection();
    client.setConsistency('read', 'all');
    expect([client.readNeed, client.writeNeed]).toEqual([3, 1]);
    client.setConsistency('read', undefined);
    expect(client.readNeed).toBe(1);
    client.setConsistency('write', 'quorum');
    client.select(1);
    expect([client.readNeed, client.writeNeed]).toEqual([2, 3]);
  });

  it('refuses a keyspace that there is not, and stays where it is', () => {
    const client = connection();
    expect(client.select(7)).toBe(false);
    expect(client.db).toBe(0);
  });

  it('is as new after a reset', () => {
    const client = connection();
    client.select(1);
    client.name = 'x';
    client.protocol = 3;
    client.reset();
    expect([client.db, client.name, client.protocol, client.readNeed]).toEqual([0, '', 2, 1]);
  });
});

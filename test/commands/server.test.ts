import { describe, expect, it } from 'vitest';
import { FakeSession, resp3Session } from './fake-session.ts';

describe('INFO', () => {
  it('has the sections and fields that clients read', () => {
    const session = new FakeSession();
    session.server.keyspaceChanges = { keys: 3, expiring: 1, reservedBytes: 1024, maxMemoryBytes: 2048 };
    session.server.counters = { keyspace_hits: 5, quorumWrites: 9 };
    session.server.settingsShown = new Map([['maxclients', '10000']]);
    const text = session.run('INFO');
    for (const line of [
      ...['# Server', 'redis_version:7.0.15', 'coterie_version:0.1.0', 'redis_mode:standalone', 'tcp_port:6379'],
      ...['server_time_usec:1760090061500007', 'uptime_in_seconds:90061', 'uptime_in_days:1'],
      ...['# Clients', 'connected_clients:1', 'cluster_connections:2', 'maxclients:10000'],
      ...['# Memory', 'used_memory:10486784', 'used_memory_human:10.00M', 'used_memory_rss:20971520', 'maxmemory:2048'],
      ...['# Persistence', 'loading:0', '# Stats', 'keyspace_hits:5'],
      ...['# Replication', 'role:master', '# CPU', '# Cluster', 'cluster_enabled:1'],
      ...['# Coterie', 'node_name:n1', 'ring_epoch:1', 'founded:yes', 'nodes_alive:3', 'quorum_writes:9'],
      ...['# Keyspace', 'db0:keys=3,expires=1,avg_ttl=0'],
    ]) {
      expect(text).toContain(`\n${line}\r\n`.slice(line === '# Server' ? 1 : 0));
    }
    expect(text.match(/keyspace_hits/g)).toHaveLength(1);
    expect(text).not.toContain('keyspace_misses'); // what is not counted is not shown
  });

  it('shows the sections asked for, in its own order, with a blank line between', () => {
    const session = new FakeSession();
    const body = '# Cluster\r\ncluster_enabled:1\r\n\r\n# Keyspace\r\n';
    expect(session.run('INFO', 'keyspace', 'CLUSTER', 'nosuch')).toBe(`$${body.length}\r\n${body}\r\n`);
    expect(session.run('INFO', 'nosuch')).toBe('$0\r\n\r\n');
    for (const all of ['default', 'ALL', 'everything']) expect(session.run('INFO', all)).toBe(session.run('INFO'));
    expect(resp3Session().run('INFO', 'cluster')).toBe('=34\r\ntxt:# Cluster\r\ncluster_enabled:1\r\n\r\n');
  });
});

describe('the server', () => {
  it('tells the time in seconds and microseconds', () => {
    expect(new FakeSession().run('TIME')).toBe('*2\r\n$10\r\n1760090061\r\n$6\r\n500007\r\n');
  });

  it('counts the keys of the keyspace', () => {
    const session = new FakeSession();
    session.server.keyspaceChanges = { keys: 42 };
    expect(session.run('DBSIZE')).toBe(':42\r\n');
  });

  it('shows settings as a map', () => {
    const session = resp3Session();
    session.server.settingsShown = new Map([
      ['port', '6379'],
      ['bus-port', '16379'],
    ]);
    expect(session.run('CONFIG', 'GET', '*port')).toBe(
      '%2\r\n$4\r\nport\r\n$4\r\n6379\r\n$8\r\nbus-port\r\n$5\r\n16379\r\n',
    );
    expect(session.run('CONFIG', 'GET', Buffer.alloc(536_870_900))).toBe('%0\r\n');
    expect(session.run('CONFIG', 'SET', 'port', '1')).toBe("-ERR unknown subcommand 'SET'. Try CONFIG HELP.\r\n");
  });

  it('describes every command, and counts as many', () => {
    const session = new FakeSession();
    const count = Number(session.run('COMMAND', 'COUNT').slice(1));
    expect(session.run('COMMAND')).toMatch(new RegExp(`^\\*${count}\\r\\n`));
    expect(session.run('COMMAND', 'DOCS')).toMatch(new RegExp(`^\\*${count * 2}\\r\\n`));
    expect(session.run('COMMAND', 'INFO')).toBe(session.run('COMMAND'));
    expect(session.run('COMMAND', 'LIST')).toContain('$14\r\nclient|getname\r\n');
  });
});

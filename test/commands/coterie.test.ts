import { describe, expect, it } from 'vitest';
import { fakeNode } from './fake-server.ts';
import { FakeSession, resp3Session } from './fake-session.ts';

/** The texts and numbers of a reply, flat. */
function words(reply: string): string[] {
  return reply.split('\r\n').filter(line => line !== '' && !/^[*$%~=]/.test(line));
}

describe('COTERIE', () => {
  it('lists the nodes, each as a map of texts', () => {
    const session = resp3Session();
    session.server.members = [fakeNode(1, { refilling: true, weight: 1.5, client: { host: '::1', port: 7001 } })];
    const reply = session.run('COTERIE', 'NODES');
    expect(reply).toMatch(/^\*1\r\n%16\r\n/);
    expect(words(reply)).toEqual([
      ...['name', 'n1', 'status', 'alive', 'myself', 'yes', 'linked', 'yes', 'refilling', 'yes'],
      ...['held-down', 'no', 'clock-off', 'no', 'ring', 'member'],
      ...['client', '[::1]:7001', 'bus', '10.0.0.1:16379', 'zone', 'default', 'weight', '1.5'],
      ...['slots-first', ':5461', 'slots', ':16384', 'actor', 'n1.00c0ffee00c0ffee', 'id', '1'.repeat(40)],
    ]);
  });

  it('tells of a member what it has yet to move, while the ring changes', () => {
    const session = new FakeSession();
    session.server.moves = { slotsToMerge: 5, slotsOfAll: 9, slotsToHandOver: 2, bytes: 77, secondsLeft: 3 };
    session.server.members = [fakeNode(1, { ring: 'joining' })];
    const reply = words(session.run('COTERIE', 'NODES'));
    expect(reply.slice(reply.indexOf('ring'), reply.indexOf('ring') + 2)).toEqual(['ring', 'joining']);
    expect(reply.slice(reply.indexOf('slots-to-merge'), reply.indexOf('actor'))).toEqual([
      ...['slots-to-merge', ':5', 'slots-to-merge-of', ':9', 'slots-to-hand-over', ':2'],
      ...['bytes-moved', ':77', 'seconds-left', ':3'],
    ]);
  });

  it('lets a node leave, this one by default, or forgets one, and answers when that is decided', () => {
    const session = new FakeSession();
    for (const words of [['LEAVE'], ['leave', 'n2'], ['FORGET', 'n3']]) {
      session.start('COTERIE', 'NODE', ...words);
      expect(session.settle()).toBe('+OK\r\n');
    }
    expect(session.server.asked).toEqual(['leave n1', 'leave n2', 'forget n3']);
    session.server.ringError = 'n3 is alive: let it leave, or stop it first';
    session.start('COTERIE', 'NODE', 'FORGET', 'n3');
    expect(session.settle()).toBe('-ERR n3 is alive: let it leave, or stop it first\r\n');
  });

  it.each([
    [['FORGET'], 'ERR syntax error'],
    [['LEAVE', 'n1', 'n2'], 'ERR syntax error'],
    [['GO', 'n1'], 'ERR syntax error'],
    [['LEAVE', 'nx'], "ERR there is no node 'nx': the members are n1, n2, n3"],
  ])('does not take NODE %j', (words, error) => {
    expect(new FakeSession().run('COTERIE', 'NODE', ...words)).toBe(`-${error}\r\n`);
  });

  it('shows where a key is kept', () => {
    const reply = words(new FakeSession().run('COTERIE', 'RING', 'foo'));
    expect(reply.slice(0, 7)).toEqual(['keyspace', 'eventual', 'slot', ':12182', 'epoch', ':1', 'replicas']);
    expect(reply.filter(word => /^n\d$/.test(word))).toEqual(['n1', 'n2', 'n3']);
  });

  it('explains a key in its place among the replies, with what each replica has', () => {
    const session = new FakeSession();
    session.server.versions = [
      { node: 'n1', status: 'value', refilling: false, dot: 'n1.00@5', writtenMs: 5, length: 3, vector: ['n2.00@4'] },
      { node: 'n2', status: 'no answer', refilling: true },
    ];
    session.start('COTERIE', 'EXPLAIN', 'foo');
    expect(session.reply.byteLength).toBe(0);
    expect(words(session.settle()).slice(6)).toEqual([
      'replicas',
      ...['node', 'n1', 'status', 'value', 'refilling', 'no', 'dot', 'n1.00@5', 'written-ms', ':5', 'length', ':3'],
      ...['vector', 'n2.00@4'],
      ...['node', 'n2', 'status', 'no answer', 'refilling', 'yes'],
    ]);
  });

  it('lists what was put aside, each version once, the latest first, and says who did not answer', () => {
    const session = new FakeSession();
    const old = { dot: 'n1.00@5', writtenMs: 1, length: 3 };
    session.server.versions = [
      { node: 'n1', status: 'value', refilling: false, conflicts: [old] },
      {
        node: 'n2',
        status: 'value',
        refilling: false,
        conflicts: [
          { dot: 'n3.00@9', writtenMs: 2 },
          { ...old, value: Buffer.from('abc') },
        ],
      },
      { node: 'n3', status: 'no answer', refilling: false },
    ];
    expect(words(session.run('COTERIE', 'CONFLICTS', 'k'))).toEqual([
      'conflicts',
      ...['dot', 'n3.00@9', 'written-ms', ':2', 'status', 'tombstone', 'seen-by', 'n2'],
      ...[
        'dot',
        'n1.00@5',
        'written-ms',
        ':1',
        'status',
        'value',
        'length',
        ':3',
        'value',
        'abc',
        'seen-by',
        'n1',
        'n2',
      ],
      ...['no-answer', 'n3'],
    ]);
  });

  it('lists the keyspaces', () => {
    expect(words(new FakeSession().run('COTERIE', 'KEYSPACES')).slice(0, 12)).toEqual([
      ...['db', ':0', 'name', 'eventual', 'policy', 'eventual', 'n', ':3', 'r', ':1', 'w', ':1'],
    ]);
  });

  it('sets how many replicas a connection asks of, and shows it', () => {
    const session = new FakeSession();
    const shown = () => words(session.run('COTERIE', 'CONSISTENCY'));
    expect(shown()).toEqual(['read', 'one', 'write', 'one']);
    expect(session.run('COTERIE', 'CONSISTENCY', 'READ', 'QUORUM', 'write', '3')).toBe('+OK\r\n');
    expect(shown()).toEqual(['read', 'quorum', 'write', ':3']);
    expect(session.run('COTERIE', 'CONSISTENCY', 'READ', 'default')).toBe('+OK\r\n');
    expect(shown()).toEqual(['read', 'one', 'write', ':3']);
  });

  it('sets all that it is told to or nothing', () => {
    const session = new FakeSession();
    const refused = (...args: string[]) => session.run('COTERIE', 'CONSISTENCY', ...args);
    const message = (which: string) => `-ERR ${which} must be ONE, QUORUM, ALL, DEFAULT or a number from 1 to 3\r\n`;
    expect(refused('READ', 'all', 'WRITE', '4')).toBe(message('WRITE'));
    expect(refused('READ', '0')).toBe(message('READ'));
    expect(refused('READ', 'most')).toBe(message('READ'));
    expect(refused('READ')).toBe('-ERR syntax error\r\n');
    expect(refused('READ', 'all', 'WRITE')).toBe('-ERR syntax error\r\n');
    expect(refused('BOTH', 'all')).toBe('-ERR syntax error\r\n');
    expect(session.connection.consistency).toEqual({ read: 'one', write: 'one' });
  });

  it('counts the slots that differ, and says why it cannot', () => {
    const session = new FakeSession();
    session.server.survey = { differing: 7 };
    expect(session.run('COTERIE', 'CONVERGED')).toBe(':7\r\n');
    session.server.survey = { unavailable: 'n2 cannot be reached' };
    expect(session.run('COTERIE', 'converged', '0')).toBe('-UNAVAILABLE n2 cannot be reached\r\n');
    expect(session.run('COTERIE', 'CONVERGED', '9')).toBe('-ERR DB index is out of range\r\n');
    expect(session.run('COTERIE', 'CONVERGED', 'x')).toBe('-ERR DB index is out of range\r\n');
    expect(session.run('COTERIE', 'CONVERGED', '0', '1')).toMatch(/^-ERR wrong number of arguments/);
    expect(session.server.asked).toEqual(['converged 0', 'converged 0']);
  });

  it('syncs, and says why it could not', () => {
    const session = new FakeSession();
    expect(session.run('COTERIE', 'SYNC')).toBe('+OK\r\n');
    session.server.syncFailure = 'n2 did not answer';
    expect(session.run('COTERIE', 'SYNC', '0')).toBe('-UNAVAILABLE n2 did not answer\r\n');
  });

  it('shows what is held back, and drops it', () => {
    const session = new FakeSession();
    session.server.heldBack = [{ db: 1, key: Buffer.from('k'), dot: 'n2.00@7', aheadMs: 3_600_000, from: 'n2' }];
    expect(words(session.run('COTERIE', 'QUARANTINE', 'LIST'))).toEqual([
      ...['db', ':1', 'key', 'k', 'dot', 'n2.00@7', 'ahead-ms', ':3600000', 'from', 'n2'],
    ]);
    expect(session.run('COTERIE', 'QUARANTINE', 'drop', 'k')).toBe(':1\r\n');
    expect(session.run('COTERIE', 'QUARANTINE', 'CLEAR')).toBe(':1\r\n');
    expect(session.server.asked).toEqual(['drop 0 k', 'clear']);
    for (const given of [['DROP'], ['CLEAR', 'k'], ['LIST', 'k'], ['KEEP']]) {
      expect(session.run('COTERIE', 'QUARANTINE', ...given)).toBe('-ERR syntax error\r\n');
    }
  });

  it('orders failures where that is allowed', () => {
    const session = new FakeSession();
    expect(session.run('COTERIE', 'NODE', 'DOWN', 'n2')).toBe('+OK\r\n');
    expect(session.run('COTERIE', 'link', 'up', 'n1', 'n3')).toBe('+OK\r\n');
    expect(session.server.asked).toEqual(['n2 down', 'n1 n3 up']);
    expect(session.run('COTERIE', 'NODE', 'OFF', 'n2')).toBe('-ERR syntax error\r\n');
    expect(session.run('COTERIE', 'NODE', 'DOWN', 'n\r\n9')).toBe(
      "-ERR there is no node 'n  9': the members are n1, n2, n3\r\n",
    );
    expect(session.run('COTERIE', 'LINK', 'DOWN', 'n1', 'n1')).toBe('-ERR a link is between two different nodes\r\n');
    session.server.faultCommands = false;
    expect(session.run('COTERIE', 'NODE', 'DOWN', 'n2')).toBe(
      '-ERR drills are off: set fault-commands to yes on every node to allow them\r\n',
    );
    expect(session.server.asked).toHaveLength(2);
  });

  it('helps as Redis does', () => {
    const lines = new FakeSession().run('COTERIE', 'help').split('\r\n');
    expect(lines[1]).toBe('+COTERIE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:');
    expect(lines.slice(-3)).toEqual(['+HELP', '+    Prints this help.', '']);
    expect(new FakeSession().run('COTERIE', 'FOO')).toBe("-ERR unknown subcommand 'FOO'. Try COTERIE HELP.\r\n");
  });
});

import { describe, expect, it } from 'vitest';
import { FakeConnection } from './fake-connection.ts';
import { FakeSession, resp3Session } from './fake-session.ts';

describe('CLIENT', () => {
  it('describes a connection in the fields of Redis 7, in their order', () => {
    const session = new FakeSession();
    Object.assign(session.connection, { openedMs: 5_999, lastCommandMs: 65_000, lastCommand: 'client|info', db: 1 });
    session.run('CLIENT', 'SETNAME', 'me');
    session.run('CLIENT', 'SETINFO', 'LIB-NAME', 'ioredis');
    session.run('CLIENT', 'SETINFO', 'lib-ver', '5.4');
    const line =
      'id=7 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=-1 name=me age=60 idle=0 flags=N db=1 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=client|info user=default redir=-1 resp=2 lib-name=ioredis lib-ver=5.4\n';
    expect(session.run('CLIENT', 'INFO')).toBe(`$${line.length}\r\n${line}\r\n`);
    expect(session.run('CLIENT', 'LIST')).toBe(`$${line.length}\r\n${line}\r\n`);
  });

  it('marks a connection that is not to be evicted or not to touch keys', () => {
    const session = new FakeSession();
    session.run('CLIENT', 'NO-EVICT', 'ON');
    session.run('CLIENT', 'NO-TOUCH', 'on');
    expect(session.run('CLIENT', 'INFO')).toContain(' flags=eT ');
    expect(session.run('CLIENT', 'NO-TOUCH', 'x')).toBe('-ERR syntax error\r\n');
  });

  it('lists in RESP3 as text that may be shown as it is', () => {
    expect(resp3Session().run('CLIENT', 'LIST')).toMatch(/^=\d+\r\ntxt:id=7 .* resp=3 lib-name= lib-ver=\n\r\n$/);
  });

  it('lists the connections asked for, each once, in the order asked', () => {
    const session = new FakeSession();
    session.server.opened = [1, 2, 3].map(id => Object.assign(new FakeConnection(), { id }));
    const ids = (...args: string[]) => session.run('CLIENT', 'LIST', ...args).match(/\bid=\d+/g);
    expect(ids()).toEqual(['id=1', 'id=2', 'id=3']);
    expect(ids('ID', '3', '1', '9', '3')).toEqual(['id=3', 'id=1']);
    expect(ids('TYPE', 'normal')).toEqual(['id=1', 'id=2', 'id=3']);
    expect(ids('TYPE', 'replica')).toBeNull();
  });

  it('takes of SETINFO what Redis 7.2 takes', () => {
    const session = new FakeSession();
    expect(session.run('CLIENT', 'SETINFO', 'lib-name', 'a b')).toBe(
      '-ERR lib-name cannot contain spaces, newlines or special characters.\r\n',
    );
    expect(session.run('CLIENT', 'SETINFO', 'foo', 'a')).toBe("-ERR Unrecognized option 'foo'\r\n");
    expect(session.run('CLIENT', 'SETINFO', 'lib-name')).toBe(
      "-ERR wrong number of arguments for 'client|setinfo' command\r\n",
    );
  });

  it('refuses a name of more than a kilobyte', () => {
    const session = new FakeSession();
    expect(session.run('CLIENT', 'SETNAME', 'x'.repeat(1024))).toBe('+OK\r\n');
    const refusal = '-ERR Client names cannot be longer than 1024 bytes.\r\n';
    expect(session.run('CLIENT', 'SETNAME', 'x'.repeat(1025))).toBe(refusal);
    expect(session.run('HELLO', '2', 'SETNAME', 'x'.repeat(1025))).toBe(refusal);
  });
});

describe('a connection', () => {
  it('is closed behind the reply to QUIT', () => {
    const session = new FakeSession();
    expect(session.run('QUIT', 'now')).toBe('+OK\r\n');
    expect(session.connection.isClosing).toBe(true);
  });

  it('gets a bulk of any size back as a copy', () => {
    const session = new FakeSession();
    const large = Buffer.alloc(100_000, 'x');
    session.start('ECHO', large);
    large.fill('y');
    expect(session.settle()).toBe(`$100000\r\n${'x'.repeat(100_000)}\r\n`);
  });
});

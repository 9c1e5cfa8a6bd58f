import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastMentions } from '../../src/commands/distinct-keys.ts';
import { FakeSession } from './fake-session.ts';

describe('a command on keys', () => {
  it('that is a plain GET, SET or MSET of one pair goes straight to the key', () => {
    const session = new FakeSession();
    session.run('SET', 'k', 'v');
    session.run('MSET', 'k', 'w');
    session.run('GET', 'k');
    expect(session.keys.calls).toEqual(['set', 'set', 'read']);
  });

  it('asks for the value only where the reply has it in it', () => {
    const session = new FakeSession();
    session.run('SET', 'k', 'value');
    expect(session.run('STRLEN', 'k')).toBe(':5\r\n');
    expect(session.run('EXISTS', 'k', 'k')).toBe(':2\r\n');
    expect(session.run('TYPE', 'k')).toBe('+string\r\n');
    expect(session.run('TTL', 'k')).toBe(':-1\r\n');
  });

  it('writes a key that it names twice only once, as it stands the last time', () => {
    const session = new FakeSession();
    expect(session.run('MSET', 'a', '1', 'b', '2', 'a', '3')).toBe('+OK\r\n');
    expect(session.run('DEL', 'a', 'b', 'a', 'c')).toBe(':2\r\n');
    expect(session.keys.calls).toEqual(['writeAll 2', 'writeAll 3']);
  });

  it('finds the last mention of each key as a Map would', () => {
    const key = fc.uint8Array({ maxLength: 2, max: 3 });
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 20 }), fc.constantFrom<1 | 2>(1, 2), (keys, step) => {
        const args = [Buffer.from('DEL'), ...keys.map(each => Buffer.from(each))];
        const last = new Map<string, number>();
        for (let i = 1; i < args.length; i += step) last.set(args[i]!.toString('hex'), i);
        expect(lastMentions(args, step).toSorted((a, b) => a - b)).toEqual(
          [...last.values()].toSorted((a, b) => a - b),
        );
      }),
    );
  });

  it('replies the same when the outcome comes long after the command has returned', () => {
    const lines = [
      ['SET', 'k', 'v'],
      ['GET', 'k'],
      ['SET', 'k', 'w', 'GET', 'EX', '100'],
      ['TTL', 'k'],
      ['MSET', 'a', '1', 'b', '2'],
      ['MGET', 'a', 'none', 'b'],
      ['EXPIRE', 'a', '-1'],
      ['EXISTS', 'a', 'b'],
      ['DEL', 'a', 'b'],
      ['PERSIST', 'k'],
      ['SET', 'k', 'v', 'NX'],
      ['STRLEN', 'k'],
    ];
    const [atOnce, later] = [new FakeSession(), new FakeSession(true)];
    const expected = lines.map(line => atOnce.run(...line)).join('');
    for (const line of lines) later.start(...line);
    expect(Buffer.concat(later.reply.takeSegments()).toString()).toBe('');
    expect(later.settle()).toBe(expected);
  });

  it('rounds what is left of a life to the nearest second, and is never below 0', () => {
    const session = new FakeSession();
    let nowMs = 1_800_000_000_000;
    session.server.wallMs = () => nowMs;
    session.run('SET', 'k', 'v', 'PX', '10000');
    const left = (afterMs: number) => {
      nowMs = 1_800_000_000_000 + afterMs;
      return [session.run('PTTL', 'k'), session.run('TTL', 'k')];
    };
    expect(left(0)).toEqual([':10000\r\n', ':10\r\n']);
    expect(left(500)).toEqual([':9500\r\n', ':10\r\n']);
    expect(left(501)).toEqual([':9499\r\n', ':9\r\n']);
    expect(left(9501)).toEqual([':499\r\n', ':0\r\n']);
    expect(left(9999.5)).toEqual([':0\r\n', ':0\r\n']);
    expect(left(10_000)).toEqual([':-2\r\n', ':-2\r\n']);
  });

  it('takes times to the end of the safe integers, and replies them whole', () => {
    const session = new FakeSession();
    session.server.wallMs = () => 0.5;
    expect(session.run('SET', 'k', 'v', 'PXAT', '9007199254740991')).toBe('+OK\r\n');
    expect(session.run('PTTL', 'k')).toBe(':9007199254740990\r\n');
    expect(session.run('SET', 'k', 'v', 'PXAT', '9007199254740992')).toBe(
      "-ERR invalid expire time in 'set' command\r\n",
    );
    expect(session.run('EXPIRE', 'k', '9007199254741')).toBe("-ERR invalid expire time in 'expire' command\r\n");
  });

  it('expires a key for good by a time before 1970, and does not make it eternal', () => {
    const session = new FakeSession();
    session.run('SET', 'k', 'v');
    const now = session.server.wallMs();
    expect(session.run('PEXPIRE', 'k', String(-now))).toBe(':1\r\n');
    expect(session.keys.held.get('k')?.expiryAtMs).toBe(1);
    expect(session.run('EXISTS', 'k')).toBe(':0\r\n');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCommandTable } from '../../src/commands/all-commands.ts';
import { type Command, NO_KEYS } from '../../src/commands/command.ts';
import { CommandTable } from '../../src/commands/command-table.ts';
import { FakeSession } from './fake-session.ts';

const table = createCommandTable();

function commandNamed(name: string): Command {
  const texts = { summary: '', since: '', group: '', complexity: '' };
  return { name, arity: -1, flags: [], keys: NO_KEYS, categories: [], ...texts, run: () => {} };
}

describe('the command table', () => {
  it('finds a command by its name, whatever the case', () => {
    for (const name of ['get', 'GET', 'gEt']) expect(table.lookup(Buffer.from(name))?.name).toBe('get');
    expect(table.lookup(Buffer.from('GE'))).toBeUndefined();
    expect(table.lookup(Buffer.from('GET\0'))).toBeUndefined();
    expect(table.lookup(Buffer.alloc(0))).toBeUndefined();
  });

  it('folds letters only: what differs from one in the same bit is another name', () => {
    const names = new CommandTable([commandNamed('{a}')]);
    expect(names.lookup(Buffer.from('{A}'))?.name).toBe('{a}');
    expect(names.lookup(Buffer.from('[a]'))).toBeUndefined();
  });

  it('finds what a map of lower-case names finds', () => {
    const byName = new Map(table.all.map(command => [command.name, command]));
    const letter = fc.constantFrom(...'getsmdlpingGETSMDLPING\0{'.split(''));
    const names = fc.oneof(
      fc.constantFrom(...byName.keys()).chain(name => fc.constantFrom(name, name.toUpperCase(), `${name}x`)),
      fc.string({ unit: letter, maxLength: 40 }),
    );
    fc.assert(
      fc.property(names, name => table.lookup(Buffer.from(name)) === byName.get(name.toLowerCase())),
      { numRuns: 2000 },
    );
  });

  it('refuses two commands of one name, and one that is not in lower case', () => {
    expect(() => new CommandTable([commandNamed('a'), commandNamed('a')])).toThrow('Two commands are named a');
    expect(() => new CommandTable([commandNamed('A')])).toThrow('not in lower case');
  });

  it('knows the keys of a call', () => {
    const indexes = (...call: string[]) => {
      const args = call.map(argument => Buffer.from(argument));
      return table.lookupCall(args)?.keyIndexes(args.length);
    };
    expect(indexes('GET', 'k')).toEqual([1]);
    expect(indexes('SET', 'k', 'v', 'NX')).toEqual([1]);
    expect(indexes('DEL', 'a', 'b', 'c')).toEqual([1, 2, 3]);
    expect(indexes('MSET', 'a', '1', 'b', '2')).toEqual([1, 3]);
    expect(indexes('PING', 'k')).toEqual([]);
    expect(indexes('COTERIE', 'RING', 'k')).toEqual([2]);
    expect(indexes('CLIENT', 'ID')).toEqual([]);
  });

  it('makes no array to tell the key of a command with one', () => {
    const get = table.lookup(Buffer.from('get'))!;
    for (const [name, count] of [
      ['set', 3],
      ['set', 6],
      ['del', 2],
    ] as const) {
      expect(get.keyIndexes(2)).toBe(table.lookup(Buffer.from(name))!.keyIndexes(count));
    }
  });

  it('has key flags for every command with keys, and a sentence for every command', () => {
    for (const command of table.all.flatMap(each => [each, ...(each.subcommands?.all ?? [])])) {
      expect(command.definition.keyFlags !== undefined, command.fullName).toBe(command.hasKeys);
      expect(command.definition.summary, command.fullName).not.toBe('');
      expect(Math.abs(command.definition.arity), command.fullName).toBeGreaterThan(0);
    }
  });
});

describe('before it has authenticated, a client', () => {
  function stranger(): FakeSession {
    const session = new FakeSession();
    session.server.password = 'secret';
    session.connection.authenticated = false;
    return session;
  }
  const NO_AUTH = '-NOAUTH Authentication required.\r\n';

  it('may only authenticate, greet, reset and leave', () => {
    for (const args of [['GET', 'k'], ['PING'], ['COMMAND'], ['INFO'], ['CLIENT', 'ID'], ['COTERIE', 'NODES']]) {
      expect(stranger().run(...args), args.join(' ')).toBe(NO_AUTH);
    }
    expect(stranger().run('QUIT')).toBe('+OK\r\n');
    expect(stranger().run('RESET')).toBe('+RESET\r\n');
  });

  it('is told of a wrong number of arguments and of unknown commands first', () => {
    expect(stranger().run('GET')).toBe("-ERR wrong number of arguments for 'get' command\r\n");
    expect(stranger().run('FOO')).toBe("-ERR unknown command 'FOO', with args beginning with: \r\n");
  });

  it('authenticates with the password, alone or with the user', () => {
    const wrong = '-WRONGPASS invalid username-password pair or user is disabled.\r\n';
    const session = stranger();
    for (const args of [['x'], ['default', 'x'], ['other', 'secret'], ['Default', 'secret'], ['']]) {
      expect(session.run('AUTH', ...args)).toBe(wrong);
      expect(session.connection.authenticated).toBe(false);
    }
    expect(session.run('AUTH', 'secret')).toBe('+OK\r\n');
    expect(session.run('GET', 'k')).toBe('$-1\r\n');
    expect(stranger().run('AUTH', 'default', 'secret')).toBe('+OK\r\n');
  });

  it('greets only with the password', () => {
    const session = stranger();
    expect(session.run('HELLO', '3')).toMatch(/^-NOAUTH HELLO must be called with the client already authenticated, /);
    expect(session.run('HELLO', '3', 'AUTH', 'default', 'x')).toMatch(/^-WRONGPASS /);
    expect(session.connection.protocol).toBe(2);
    expect(session.run('HELLO', '3', 'AUTH', 'default', 'secret')).toMatch(/^%7\r\n/);
    expect(session.run('GET', 'k')).toBe('_\r\n');
  });

  it('is not known by a name of half a gigabyte', () => {
    const long = Buffer.alloc(536_870_900);
    const session = stranger();
    expect(session.run('AUTH', long, 'secret')).toMatch(/^-WRONGPASS /);
    expect(session.run('HELLO', '3', 'AUTH', long, 'secret')).toMatch(/^-WRONGPASS /);
    expect(session.run('HELLO', long)).toBe('-ERR Protocol version is not an integer or out of range\r\n');
    expect(session.run(long, long)).toMatch(/^-ERR unknown command '', with args beginning with: '' \r\n$/);
  });
});

describe('until its cluster has been founded, a node', () => {
  function unfounded(): FakeSession {
    const session = new FakeSession();
    session.server.cluster = undefined;
    return session;
  }

  it('refuses every command with keys, with the reason', () => {
    const refusal = '-CLUSTERDOWN The cluster has not been founded: 2 of 3 members seen\r\n';
    for (const args of [
      ['GET', 'k'],
      ['SET', 'k', 'v'],
      ['DEL', 'a', 'b'],
      ['COTERIE', 'RING', 'k'],
    ]) {
      expect(unfounded().run(...args), args.join(' ')).toBe(refusal);
    }
  });

  it('answers all others', () => {
    expect(unfounded().run('PING')).toBe('+PONG\r\n');
    expect(unfounded().run('SELECT', '1')).toBe('+OK\r\n');
    expect(unfounded().run('CLUSTER', 'SLOTS')).toBe('*0\r\n');
    expect(unfounded().run('CLUSTER', 'INFO')).toContain('cluster_state:fail\r\n');
    expect(unfounded().run('INFO', 'persistence')).toContain('loading:1\r\n');
    expect(unfounded().run('COTERIE', 'NODES')).toContain('n1');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Config, ConfigError } from '../../src/config/config.ts';
import { type ConfigSources, parseConfig } from '../../src/config/parse-config.ts';
import { configSchema } from '../../src/config/schema.ts';

const machine = { hostname: 'host-1', address: '10.0.0.9' };

type Given = Partial<Pick<ConfigSources, 'flags' | 'env' | 'machine'>> & { readonly file?: string };

function parse(given: Given): Config | ConfigError {
  const file = given.file === undefined ? undefined : { name: 'c.yaml', text: given.file };
  return parseConfig({ flags: given.flags ?? {}, env: given.env ?? {}, file, machine: given.machine ?? machine });
}

function accept(given: Given): Config {
  const config = parse(given);
  if (config instanceof ConfigError) throw new Error(config.problems.join('\n'));
  return config;
}

function refuse(given: Given): readonly string[] {
  const config = parse(given);
  if (!(config instanceof ConfigError)) throw new Error('this configuration was accepted');
  return config.problems;
}

describe('defaults', () => {
  it('a node that is told nothing listens on the loopback and founds a cluster alone', () => {
    expect(accept({})).toEqual({
      name: 'host-1',
      zone: 'default',
      weight: 1,
      bind: '127.0.0.1',
      port: 6379,
      busBind: '127.0.0.1',
      busPort: 16_379,
      announceHost: '127.0.0.1',
      announcePort: 6379,
      announceBusHost: '127.0.0.1',
      announceBusPort: 16_379,
      join: [],
      expectNodes: 1,
      replace: undefined,
      leaveOnShutdown: false,
      leaveTimeoutMs: 600_000,
      clusterSecret: '',
      password: '',
      maxClients: 10_000,
      authTimeoutMs: 10_000,
      requestTimeoutMs: 500,
      defaultKeyspace: 0,
      routing: 'any',
      protoMaxBulkLenBytes: 536_870_912,
      outputBufferLimitBytes: 67_108_864,
      pendingLimit: 1024,
      maxMemoryBytes: 0,
      busQueueLimitBytes: 67_108_864,
      busQueueHighWaterBytes: 8_388_608,
      busQueueLowWaterBytes: 2_097_152,
      busStallTimeoutMs: 10_000,
      shutdownTimeoutMs: 10_000,
      dataDir: undefined,
      flushIntervalMs: 1_000,
      diskQueueLimitBytes: 64 << 20,
      backupDir: undefined,
      hintMaxBytes: 64 << 20,
      hintMaxAgeMs: 10_800_000,
      hintReplayRate: 2000,
      faultCommands: false,
      maxClockDriftMs: 2_000,
      conflictJournalBytes: 16 * 1024 * 1024,
      antiEntropyIntervalMs: 10_000,
      repairRate: 64 * 1024 * 1024,
      transferRate: 16 * 1024 * 1024,
      tombstoneCollectionIntervalMs: 10_000,
      logLevel: 'info',
      logFormat: 'auto',
      keyspaces: [
        {
          db: 0,
          name: 'eventual',
          policy: 'eventual',
          replicas: 3,
          read: 'one',
          write: 'one',
          session: false,
          sloppy: false,
          readRepair: 'async',
          durability: 'none',
          ttlMs: 0,
          maxMemoryBytes: 0,
        },
        {
          db: 1,
          name: 'quorum',
          policy: 'quorum',
          replicas: 3,
          read: 'quorum',
          write: 'quorum',
          session: false,
          sloppy: false,
          readRepair: 'async',
          durability: 'none',
          ttlMs: 0,
          maxMemoryBytes: 0,
        },
      ],
    });
  });

  it('the bus follows the client port and address', () => {
    expect(accept({ flags: { port: '7001', bind: '10.1.2.3' } })).toMatchObject({
      busPort: 17_001,
      busBind: '10.1.2.3',
      announceBusHost: '10.1.2.3',
      announceBusPort: 17_001,
    });
  });

  it('port 0 means any free port, for the bus as well', () => {
    expect(accept({ flags: { port: '0' } })).toMatchObject({
      port: 0,
      busPort: 0,
      announcePort: 0,
      announceBusPort: 0,
    });
  });

  it('a node that listens everywhere announces an address that others can reach', () => {
    expect(accept({ flags: { bind: '0.0.0.0' } })).toMatchObject({
      announceHost: '10.0.0.9',
      announceBusHost: '10.0.0.9',
    });
    expect(accept({ flags: { bind: '::' }, machine: { hostname: 'h', address: undefined } }).announceHost).toBe(
      '127.0.0.1',
    );
  });

  it('the bus is announced at the same host as the clients, or at one of its own', () => {
    const flags = { bind: '0.0.0.0', 'announce-host': 'n1' };
    expect(accept({ flags }).announceBusHost).toBe('n1');
    expect(accept({ flags: { ...flags, 'announce-bus-host': 'n1.internal' } })).toMatchObject({
      announceHost: 'n1',
      announceBusHost: 'n1.internal',
    });
  });
});

describe('precedence', () => {
  it('a flag wins over the environment, that over the file, that over the default', () => {
    const file = 'port: 1\nzone: file\nname: file\n';
    const env = { COTERIE_PORT: '2', COTERIE_ZONE: 'env' };
    expect(accept({ flags: { port: '3' }, env, file })).toMatchObject({
      port: 3,
      zone: 'env',
      name: 'file',
      weight: 1,
    });
  });

  it('each of the three sources can give every setting the same value', () => {
    const values = {
      name: 'a',
      weight: '2.5',
      port: '7001',
      join: '10.0.0.1:1,10.0.0.2:2',
      'expect-nodes': '3',
      'request-timeout': '2s',
      maxmemory: '1gb',
      'log-level': 'warn',
    };
    const env = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`COTERIE_${name.toUpperCase().replaceAll('-', '_')}`, value]),
    );
    const byFlags = accept({ flags: values });
    expect(accept({ env })).toEqual(byFlags);
    expect(accept({ file: stringify(values) })).toEqual(byFlags);
    expect(byFlags).toMatchObject({ weight: 2.5, requestTimeoutMs: 2000, maxMemoryBytes: 1024 ** 3, expectNodes: 3 });
  });

  it('agrees with a lookup that tries the sources in turn', () => {
    const names = ['port', 'maxclients', 'pending-limit', 'zone'] as const;
    const source = fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 1, max: 9999 }).map(String));
    fc.assert(
      fc.property(source, source, source, (flags, variables, file) => {
        const env = Object.fromEntries(
          Object.entries(variables).map(([name, value]) => [`COTERIE_${name.toUpperCase().replace('-', '_')}`, value]),
        );
        const config = accept({ flags, env, file: stringify(file) });
        const expected = (name: (typeof names)[number], usual: string) => {
          return flags[name] ?? variables[name] ?? file[name] ?? usual;
        };
        expect(String(config.port)).toBe(expected('port', '6379'));
        expect(String(config.maxClients)).toBe(expected('maxclients', '10000'));
        expect(String(config.pendingLimit)).toBe(expected('pending-limit', '1024'));
        expect(config.zone).toBe(expected('zone', 'default'));
      }),
    );
  });

  it('an empty variable is one that is not set', () => {
    expect(accept({ env: { COTERIE_PASSWORD: '', COTERIE_PORT: '' } })).toMatchObject({ password: '', port: 6379 });
  });

  it('what Kubernetes and Docker links put into the environment of a service called coterie is no setting', () => {
    const env = {
      COTERIE_PORT: 'tcp://10.0.0.1:6379',
      COTERIE_SERVICE_HOST: '10.0.0.1',
      COTERIE_SERVICE_PORT_REDIS: '6379',
      COTERIE_PORT_6379_TCP: 'tcp://10.0.0.1:6379',
      COTERIE_PORT_6379_TCP_ADDR: '10.0.0.1',
      COTERIE_BUS_PORT: 'tcp://10.0.0.2:16379',
    };
    expect(accept({ env })).toEqual(accept({}));
  });

  it('an empty file is a file that sets nothing', () => {
    for (const file of ['', '\n', '# nothing\n', '---\n', '~']) expect(accept({ file })).toEqual(accept({}));
  });
});

describe('a wrong key or value', () => {
  it('is told with its place, the value and what is allowed, in one line', () => {
    expect(refuse({ flags: { weight: '64.1' } })).toHaveLength(1);
    expect(accept({ flags: { weight: '64' } }).weight).toBe(64);
    expect(refuse({ flags: { port: '70000' } })).toEqual([
      '--port: "70000" is not allowed; expected a port from 0 to 65535',
    ]);
    expect(refuse({ env: { COTERIE_LOG_LEVEL: 'loud' } })).toEqual([
      'COTERIE_LOG_LEVEL: "loud" is not allowed; expected info, warn, error or silent',
    ]);
    expect(refuse({ file: '# my node\nname: n1\nmaxclients: many\n' })).toEqual([
      'c.yaml:3: maxclients: "many" is not allowed; expected a whole number from 1 to 1000000',
    ]);
  });

  it('suggests the nearest key', () => {
    expect(refuse({ file: 'name: n1\nbusport: 1\n' })).toEqual([
      'c.yaml:2: busport: no such setting; did you mean bus-port?',
    ]);
    expect(refuse({ env: { COTERIE_PASWORD: 'x' } })).toEqual([
      'COTERIE_PASWORD: no such setting; did you mean COTERIE_PASSWORD?',
    ]);
    expect(refuse({ file: 'appendonly: yes' })).toEqual([
      'c.yaml:1: appendonly: no such setting; --help lists what there is',
    ]);
  });

  it('inside a keyspace is told with its path and line', () => {
    const file = 'keyspaces:\n  - db: 0\n    name: a\n    policy: eventual\n    raed: one\n    write: five\n';
    expect(refuse({ file })).toEqual([
      'c.yaml:6: keyspaces[0].write: "five" is not allowed; expected a whole number from 1 to 7, or one, quorum or all',
      'c.yaml:5: keyspaces[0].raed: no such setting; did you mean read?',
    ]);
  });

  it('a key that is missing is named', () => {
    expect(refuse({ file: 'keyspaces:\n  - name: a\n    policy: eventual\n' })).toEqual([
      'c.yaml:2: keyspaces[0].db: is missing; expected a whole number from 0 to 15',
    ]);
  });

  it.each([
    ['keyspaces: 3', 'c.yaml:1: keyspaces: 3 is not allowed; expected a list'],
    ['keyspaces: []', 'c.yaml:1: keyspaces: a list is not allowed; expected at least 1 entry'],
    ['port: [1]', 'c.yaml:1: port: a list is not allowed; expected a port from 0 to 65535'],
    ['port: {a: 1}', 'c.yaml:1: port: a map is not allowed; expected a port from 0 to 65535'],
    ['port:', 'c.yaml:1: port: an empty value is not allowed; expected a port from 0 to 65535'],
    ['auth-timeout: 500', 'c.yaml:1: auth-timeout: 500 is not allowed; expected a duration from 100ms to 10m'],
    [
      'name: 007',
      'c.yaml:1: name: 7 is not allowed; expected 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit',
    ],
    ['__proto__: 1', 'c.yaml:1: __proto__: no such setting; --help lists what there is'],
    ['- port', 'c.yaml:1: expected keys and values, as in port: 6379'],
    ['a: 1\nport: 1\nport: 2', 'c.yaml:3: not valid YAML: duplicate key'],
    ['name: n1\nport: [1', 'c.yaml:2: not valid YAML: bad indent'],
    ['name: *nobody', 'c.yaml:1: not valid YAML: an alias that leads nowhere, or too many of them'],
  ])('%j is refused', (file, problem) => {
    expect(refuse({ file })).toEqual([problem]);
  });

  it('all of them are told at once', () => {
    expect(refuse({ flags: { port: 'x' }, env: { COTERIE_WEIGHT: 'y' }, file: 'zone: "#"' })).toHaveLength(3);
  });

  it('is overruled by a right one from a source that wins', () => {
    expect(accept({ flags: { port: '1' }, file: 'port: x' }).port).toBe(1);
  });

  it('a long value is cut', () => {
    expect(refuse({ flags: { port: '9'.repeat(5000) } })[0]!.length).toBeLessThan(150);
  });
});

describe('secrets', () => {
  it('a secret is never part of a message', () => {
    const files = [
      'password: [hunter2]',
      'password: {a: hunter2}',
      'cluster-secret:\n  - hunter2',
      'pasword: hunter2',
      'password: "hunter2',
      'password: hunter2\n port: 1',
      'password: hunter2: x',
      '&a password: *hunter2',
      `password: ${'hunter2'.repeat(100)}`,
    ];
    for (const file of files) expect(refuse({ file }).join('\n'), file).not.toContain('hunter2');
    expect(refuse({ env: { COTERIE_PASSWRD: 'hunter2' } }).join('\n')).not.toContain('hunter2');
  });

  it('digits need quotes in the file, as YAML would drop their leading zeros', () => {
    expect(refuse({ file: 'password: 0123' })).toEqual([
      'c.yaml:1: password: this value (not shown) is not allowed; expected 1 to 512 characters; digits alone need quotes',
    ]);
    expect(accept({ file: 'password: "0123"' }).password).toBe('0123');
    expect(accept({ env: { COTERIE_PASSWORD: '0123' } }).password).toBe('0123');
  });
});

describe('founding', () => {
  const join = '127.0.0.1:17001,127.0.0.1:17002,127.0.0.1:17003';

  it('expects the nodes that join names, once each', () => {
    expect(accept({ flags: { port: '7001', join } }).expectNodes).toBe(3);
    expect(accept({ flags: { port: '7001', join: `${join},127.0.0.1:17003` } }).expectNodes).toBe(3);
  });

  it('counts this node where join leaves it out', () => {
    expect(accept({ flags: { port: '7009', join } }).expectNodes).toBe(4);
  });

  it('knows itself in join by another word for its own machine', () => {
    const asLocalhost = join.replace('127.0.0.1:17001', 'localhost:17001');
    expect(accept({ flags: { port: '7001', join: asLocalhost } }).expectNodes).toBe(3);
    expect(accept({ flags: { port: '7001', bind: '0.0.0.0', join } }).expectNodes).toBe(3);
    expect(
      accept({ flags: { port: '7001', bind: '0.0.0.0', join: '10.0.0.9:17001,10.0.0.8:17001' } }).expectNodes,
    ).toBe(2);
  });

  it('must be told how many when a DNS name may stand for any number', () => {
    expect(refuse({ flags: { join: 'node:16379' } })).toEqual([
      'expect-nodes: is missing, and node in join may stand for any number of nodes; expected how many found the cluster',
    ]);
    expect(accept({ flags: { join: 'node:16379', 'expect-nodes': '3' } }).expectNodes).toBe(3);
  });

  it('refuses a number that would let one discovery set found two clusters', () => {
    const flags = { port: '7001', join: `${join},127.0.0.1:17004` };
    expect(refuse({ flags: { ...flags, 'expect-nodes': '2' } })).toEqual([
      '--expect-nodes: 2 of the 4 nodes in join could found a cluster beside the others; expected more than half of them',
    ]);
    expect(accept({ flags: { ...flags, 'expect-nodes': '3' } }).expectNodes).toBe(3);
    expect(accept({ flags: { ...flags, 'expect-nodes': '9' } }).expectNodes).toBe(9);
  });

  it('refuses to wait for others without a place to meet them', () => {
    expect(refuse({ flags: { 'expect-nodes': '3' } })).toEqual([
      '--expect-nodes: 3 nodes cannot meet without join; expected 1',
    ]);
  });

  it.each(['n1', 'n1:', '::1:16379', 'n1:0', 'a b:1', 'n1:1,n2'])('join does not take %j', text => {
    expect(refuse({ flags: { join: text } })[0]).toContain('expected host:busport, such as 10.0.0.1:16379');
  });

  it('join may be a list in the file', () => {
    expect(accept({ file: 'port: 1\njoin: [127.0.0.1:10001, "[::1]:5"]' }).join).toEqual([
      { host: '127.0.0.1', port: 10_001 },
      { host: '::1', port: 5 },
    ]);
  });
});

describe('settings that contradict each other', () => {
  it.each([
    [{ port: '60000' }, 'bus-port: port + 10000 is 70000; expected a bus-port up to 65535, or a port up to 55535'],
    [{ port: '7', 'bus-port': '7' }, '--bus-port: 7 is the port for clients; expected another'],
    [
      { 'announce-host': '0.0.0.0' },
      '--announce-host: 0.0.0.0 is no address to connect to; expected one that others reach this node at',
    ],
    [{ 'default-keyspace': '2' }, '--default-keyspace: there is no keyspace 2; expected one of 0, 1'],
    [{ routing: 'redirect' }, '--routing: redirect is not available yet; expected any'],
    [
      { 'bus-queue-low-water': '8mb' },
      '--bus-queue-low-water: is not below bus-queue-high-water; expected less than 8388608 bytes',
    ],
    [{ 'backup-dir': '/b' }, '--backup-dir: there is nothing on disk to back up; expected a data-dir, too'],
    [
      { 'data-dir': '/d/', 'backup-dir': '/d//' },
      '--backup-dir: is in data-dir, which is for the data alone; expected another directory',
    ],
    [
      { 'data-dir': '/d', 'backup-dir': '/d/b' },
      '--backup-dir: is in data-dir, which is for the data alone; expected another directory',
    ],
    [{ 'bus-queue-limit': '1mb' }, 'bus-queue-high-water: is above bus-queue-limit; expected at most 1048576 bytes'],
  ])('%j is refused', (flags, problem) => {
    expect(refuse({ flags: flags as unknown as Record<string, string> })).toEqual([problem]);
  });

  it('backups may lie beside the data, also where their path begins alike', () => {
    expect(accept({ flags: { 'data-dir': '/d', 'backup-dir': '/d-backups' } }).backupDir).toBe('/d-backups');
  });

  it('a machine whose name cannot be a node name needs a name set', () => {
    const odd = { hostname: 'my machine', address: undefined };
    expect(refuse({ machine: odd })).toEqual([
      'name: the host name "my machine" cannot be a node\'s name; expected a name here',
    ]);
    expect(accept({ machine: odd, flags: { name: 'n1' } }).name).toBe('n1');
  });
});

it('any text at all as a file, a flag or a variable gives a configuration or problems, each in one line', () => {
  const names = Object.keys(configSchema.shape);
  const value = fc.oneof(fc.jsonValue(), fc.string(), fc.constantFrom('1', 'yes', '0.0.0.0', '512mb', '10s', 'a:1'));
  const file = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value, { maxKeys: 5 }).map(map => stringify(map)),
  );
  const texts = fc.dictionary(fc.constantFrom(...names), fc.string(), { maxKeys: 3 });
  fc.assert(
    fc.property(file, texts, texts, (text, flags, variables) => {
      const env = Object.fromEntries(
        Object.entries(variables).map(([name, entry]) => [`COTERIE_${name.toUpperCase()}`, entry]),
      );
      const config = parse({ file: text, flags, env });
      if (config instanceof ConfigError) {
        expect(config.problems.length).toBeGreaterThan(0);
        for (const problem of config.problems) expect(problem).not.toContain('\n');
      }
    }),
    { numRuns: 500 },
  );
});

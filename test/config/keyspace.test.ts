import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ConfigError } from '../../src/config/config.ts';
import { faultOf, type KeyspaceConfig } from '../../src/config/keyspace.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import type { ReplicaCount } from '../../src/lib/replica-count.ts';

const machine = { hostname: 'h', address: undefined };

function parse(...keyspaces: object[]): readonly KeyspaceConfig[] | readonly string[] {
  const file = { name: 'c.yaml', text: stringify({ keyspaces }) };
  const config = parseConfig({ flags: {}, env: {}, file, machine });
  return config instanceof ConfigError
    ? config.problems.map(line => line.replace(/^c\.yaml:\d+: /, ''))
    : config.keyspaces;
}

const eventual = { db: 0, name: 'a', policy: 'eventual' };

describe('a keyspace', () => {
  it('takes its levels from its policy unless it says otherwise', () => {
    expect(parse(eventual, { db: 1, name: 'b', policy: 'quorum' })).toMatchObject([
      { replicas: 3, read: 'one', write: 'one' },
      { replicas: 3, read: 'quorum', write: 'quorum' },
    ]);
    expect(parse({ ...eventual, replicas: 5, read: 2, write: 'all' })).toMatchObject([
      { replicas: 5, read: 2, write: 'all' },
    ]);
  });

  it('comes in the order of database numbers', () => {
    const dbs = parse({ ...eventual, db: 3, name: 'c' }, eventual).map(keyspace => (keyspace as KeyspaceConfig).db);
    expect(dbs).toEqual([0, 3]);
  });

  it.each([
    [{ policy: 'mirror' }, 'policy: mirror is not available yet; expected eventual or quorum'],
    [{ policy: 'strong' }, 'policy: strong is not available yet; expected eventual or quorum'],
    [{ replicas: 'all' }, 'replicas: all is not available yet; expected 1 to 7'],
    [{ session: true }, 'session: yes is not available yet; expected no'],
    [
      { sloppy: 'yes', replicas: 1 },
      'sloppy: a deleted key could come back with 1 replica; expected no, or replicas: 2 or more',
    ],
    [{ 'read-repair': 'never' }, 'read-repair: "never" is not allowed; expected async or blocking'],
    [{ ttl: '1h' }, 'ttl: a default expiry is not available yet; expected 0'],
    [{ replicas: 2, write: 3 }, 'write: 3 is more than the 2 replicas; expected at most 2'],
    [{ policy: 'strange' }, 'policy: "strange" is not allowed; expected eventual, quorum, mirror or strong'],
    [{ replicas: 9 }, 'replicas: 9 is not allowed; expected a whole number from 1 to 7, or all'],
  ])('with %j is refused', (change, problem) => {
    expect(parse({ ...eventual, ...change })).toEqual([`keyspaces[0].${problem}`]);
  });

  it('shares neither its number nor its name', () => {
    expect(parse(eventual, eventual)).toEqual([
      'keyspaces[1].db: 0 is taken; expected a db once',
      'keyspaces[1].name: "a" is taken; expected a name once',
    ]);
  });
});

describe('policy: quorum', () => {
  it('refuses levels under which a read can miss an acknowledged write', () => {
    expect(parse({ db: 0, name: 'q', policy: 'quorum', read: 'one' })).toEqual([
      'keyspaces[0].read: 1 of 3 replicas can miss a write to 2; expected quorum or all, or policy: eventual',
    ]);
  });

  it('refuses levels under which a write can miss an earlier one', () => {
    expect(parse({ db: 0, name: 'q', policy: 'quorum', read: 'all', write: 'one' })).toEqual([
      'keyspaces[0].write: 1 of 2 replicas can miss an earlier write to 1; expected quorum or all, or policy: eventual',
    ]);
  });

  it('accepts exactly the levels of which any two quorums share a replica, however many replicas there are', () => {
    const level = fc.constantFrom<ReplicaCount>('one', 'quorum', 'all', 1, 2, 3, 4, 5);
    const count = (of: ReplicaCount, n: number) => {
      return of === 'one' ? 1 : of === 'all' ? n : of === 'quorum' ? Math.floor(n / 2) + 1 : Math.min(of, n);
    };
    /** All subsets of n replicas with `size` members, as bit sets. */
    const subsets = (n: number, size: number) => {
      return Array.from({ length: 2 ** n }, (_, set) => set).filter(
        set => set.toString(2).replaceAll('0', '').length === size,
      );
    };
    const meet = (as: number[], bs: number[]) => as.every(a => bs.every(b => (a & b) !== 0));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), level, level, (replicas, read, write) => {
        fc.pre((typeof read !== 'number' || read <= replicas) && (typeof write !== 'number' || write <= replicas));
        const sizes = Array.from({ length: replicas }, (_, index) => index + 1);
        const safe = sizes.every(n => {
          const writes = subsets(n, count(write, n));
          return meet(subsets(n, count(read, n)), writes) && meet(writes, writes);
        });
        const rest = {
          session: false,
          sloppy: false,
          readRepair: 'async' as const,
          durability: 'none' as const,
          ttlMs: 0,
          maxMemoryBytes: 0,
        };
        const fault = faultOf({ db: 0, name: 'q', policy: 'quorum', replicas, read, write, ...rest }, false);
        expect(fault === undefined).toBe(safe);
      }),
    );
  });
});

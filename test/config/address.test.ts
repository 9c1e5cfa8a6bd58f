import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatAddress,
  isDnsName,
  isHost,
  isLoopback,
  isWildcard,
  parseAddress,
  parsePort,
} from '../../src/config/address.ts';

describe('an address', () => {
  it.each([
    ['n1:16379', 'n1', 16379],
    ['10.0.0.1:1', '10.0.0.1', 1],
    ['[::1]:65535', '::1', 65535],
    ['[fe80::1%eth0]:16379', 'fe80::1%eth0', 16379],
    ['coterie-0.coterie.default.svc.cluster.local:16379', 'coterie-0.coterie.default.svc.cluster.local', 16379],
  ])('reads %s', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
  });

  it.each(['', 'n1', ':1', 'n1:', 'n1:0', 'n1:65536', '::1:16379', '[::1]', '[n1]x:1', 'a b:1', '256.0.0.1:1', '-a:1'])(
    'is not %j',
    text => expect(parseAddress(text)).toBeUndefined(),
  );

  it('comes back from what it was written as', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
        expect(parseAddress(formatAddress({ host: name, port }))).toEqual({ host: name, port });
      }),
    );
  });
});

it('a port is a decimal number from 0 to 65535', () => {
  expect(['0', '6379', '65535', '65536', '-1', '', '1e3', '12 '].map(parsePort)).toEqual([
    0,
    6379,
    65_535,
    ...Array(5).fill(undefined),
  ]);
});

it('a host is an IP address or a name', () => {
  expect(['::', '0.0.0.0', 'localhost', 'n_1.example.org.'].every(isHost)).toBe(true);
  expect(['', '1.2.3.999', 'a..b', 'a/b', 'tcp://n1', 'a:b:c:xyz'].some(isHost)).toBe(false);
});

it('only a name other than localhost has to be looked up', () => {
  expect(['node', 'n1.local'].every(isDnsName)).toBe(true);
  expect(['localhost', '127.0.0.1', '::1'].some(isDnsName)).toBe(false);
});

it('knows the addresses that stand for all of a machine, and those that stand for itself alone', () => {
  expect(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'].every(isWildcard)).toBe(true);
  expect(['::1', '127.0.0.1', '10.0.0.0', 'node'].some(isWildcard)).toBe(false);
  expect(['localhost', '127.0.0.1', '127.9.9.9', '::1'].every(isLoopback)).toBe(true);
  expect(['127.example.org', '10.0.0.1', '::'].some(isLoopback)).toBe(false);
});

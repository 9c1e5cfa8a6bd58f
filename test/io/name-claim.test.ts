import { describe, expect, it } from 'vitest';
import { isNameTaken, nameTaken } from '../../src/io/bus/name-taken.ts';
import { NameClaim } from '../../src/io/name-claim.ts';

const N2 = {
  name: 'n2',
  actor: 'n2.0123456789abcdef',
  clusterId: 'c',
  bus: { host: 'fd00::2', port: 16_379 },
  client: { host: 'fd00::2', port: 6_379 },
  zone: 'z',
  weight: 1,
};
const TAKEN = nameTaken(N2);

describe('A claim to a name', () => {
  it('is lost 15 s after the first was told that another node bears it', () => {
    const claim = new NameClaim();
    expect(claim.lostBecause(1e9)).toBe(undefined);
    claim.refused(TAKEN, 1_000);
    claim.refused(TAKEN, 9_000);
    expect(claim.lostBecause(15_999)).toBe(undefined);
    expect(claim.lostBecause(16_000)).toBe(TAKEN);
  });

  it('is not lost by any other refusal, nor when somebody lets the node in', () => {
    const claim = new NameClaim();
    claim.refused('the cluster secret differs', 0);
    expect(claim.lostBecause(1e9)).toBe(undefined);
    claim.refused(TAKEN, 1_000);
    claim.accepted();
    expect(claim.lostBecause(1e9)).toBe(undefined);
  });
});

it('the refusal names the node and says where it runs', () => {
  expect(TAKEN).toBe('another running node is named n2, at [fd00::2]:16379: start this one with another --name');
  expect([TAKEN, 'two nodes are named n2'].map(isNameTaken)).toEqual([true, false]);
});

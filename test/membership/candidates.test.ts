import { describe, expect, it } from 'vitest';
import { Candidates } from '../../src/membership/candidates.ts';
import { MAX_MEMBERS } from '../../src/membership/cluster.ts';
import type { PeerIdentity } from '../../src/ports/outbox.ts';
import { identityOf } from '../../src/sim/membership-network.ts';

const unfounded = (name: string, actor = `${name}.1`): PeerIdentity => ({ ...identityOf(name, actor), clusterId: '' });
const founded = (name: string): PeerIdentity => ({ ...unfounded(name), clusterId: 'c' });

function withMet(...names: string[]): Candidates {
  const candidates = new Candidates(unfounded('n1'));
  for (const name of names) {
    candidates.meet(unfounded(name));
    candidates.setLinked(name, true);
  }
  return candidates;
}

const names = (list: readonly { readonly identity: PeerIdentity }[]) => list.map(({ identity }) => identity.name);

describe('A candidate that is met', () => {
  it('is known from then on, unlinked and with nothing heard of it', () => {
    const candidates = new Candidates(unfounded('n1'));
    expect(candidates.meet(unfounded('n2'))).toMatchObject({
      linked: false,
      helloMs: undefined,
      founded: false,
      refused: false,
    });
    expect(candidates.of('n2')).toBeDefined();
    expect(candidates.meet(unfounded('n1'))).toBeUndefined();
    expect(names([...candidates.all()])).toEqual(['n2']);
  });

  it('again as the same process keeps what is known of it; as another it begins anew', () => {
    const candidates = withMet('n2');
    const first = candidates.of('n2')!;
    first.helloMs = 7;
    const bus = { host: 'elsewhere', port: 1 };
    expect(candidates.meet({ ...unfounded('n2'), bus })).toBe(first);
    expect(first.identity.bus).toEqual(bus);
    expect(candidates.meet(unfounded('n2', 'n2.2'))).not.toBe(first);
    expect(candidates.of('n2')).toMatchObject({ linked: false, helloMs: undefined });
  });

  it('in a cluster is founded, and stays so whatever it says as the same process', () => {
    const candidates = new Candidates(unfounded('n1'));
    candidates.meet(unfounded('n2'));
    expect(candidates.founded()).toBeUndefined();
    candidates.meet(founded('n2'));
    candidates.meet(unfounded('n2'));
    expect(candidates.founded()?.identity.name).toBe('n2');
    expect(candidates.meet(founded('n3'))?.founded).toBe(true);
  });

  it('beyond the bound is not kept; who is known still is', () => {
    const candidates = new Candidates(unfounded('n1'));
    for (let i = 0; i < MAX_MEMBERS; i++) expect(candidates.meet(unfounded(`m${i}`))).toBeDefined();
    expect(candidates.meet(unfounded('one-more'))).toBeUndefined();
    expect(candidates.meet(unfounded('m0'))).toBeDefined();
    expect(candidates.meet(unfounded('m0', 'm0.2'))).toBeDefined();
  });

  it('is vouched for while it is linked and unfounded, and the list has a version that rises when it changes', () => {
    const candidates = new Candidates(unfounded('n1'));
    const versions = [candidates.version];
    const does = (action: () => void) => {
      action();
      versions.push(candidates.version);
    };
    does(() => candidates.meet(unfounded('n2')));
    expect(candidates.addresses()).toEqual([]);
    does(() => candidates.setLinked('n2', true));
    const { host, port } = unfounded('n2').bus;
    expect(candidates.addresses()).toEqual([['n2', host, port]]);
    candidates.of('n2')!.nextHelloMs = 99;
    does(() => candidates.setLinked('n2', true));
    expect(candidates.of('n2')!.nextHelloMs).toBe(99);
    does(() => candidates.setLinked('n9', true));
    does(() => candidates.setLinked('n2', false));
    expect(candidates.of('n2')!.nextHelloMs).toBe(0);
    expect(versions.map(version => version - versions[0]!)).toEqual([0, 1, 2, 2, 2, 3]);
    candidates.meet(founded('n3'));
    candidates.setLinked('n3', true);
    expect(candidates.addresses()).toEqual([]);
  });
});

describe('A candidate that is heard of', () => {
  it('is news under each new address, unless it is this node or linked already', () => {
    const candidates = withMet('n2');
    expect(candidates.hearOf(['n1', 'h', 1], 0)).toBe(false);
    expect(candidates.hearOf(['n2', 'h', 1], 0)).toBe(false);
    expect(candidates.hearOf(['n3', 'h', 1], 0)).toBe(true);
    expect(candidates.hearOf(['n3', 'h', 1], 0)).toBe(false);
    expect(candidates.hearOf(['n3', 'h', 2], 0)).toBe(true);
    expect(candidates.hearOf(['n3', 'g', 2], 0)).toBe(true);
    expect(candidates.hearOf(['n3', 'g', 2], 0)).toBe(false);
  });

  it('beyond the bound is not kept; who is known still is', () => {
    const candidates = new Candidates(unfounded('n1'));
    for (let i = 0; i < MAX_MEMBERS; i++) expect(candidates.hearOf([`m${i}`, 'h', 1], 0)).toBe(true);
    expect(candidates.hearOf(['one-more', 'h', 1], 0)).toBe(false);
    expect(candidates.hearOf(['m0', 'h', 2], 0)).toBe(true);
  });

  it('is waited for while that is fresh and it was not met', () => {
    const candidates = new Candidates(unfounded('n1'));
    expect(candidates.awaitsOthers(0)).toBe(false);
    candidates.hearOf(['n2', 'h', 1], 1_000);
    expect(candidates.awaitsOthers(6_000)).toBe(true);
    expect(candidates.awaitsOthers(6_001)).toBe(false);
    candidates.hearOf(['n2', 'h', 1], 6_001);
    candidates.meet(unfounded('n2'));
    expect(candidates.awaitsOthers(6_001)).toBe(false);
  });
});

describe('A candidate', () => {
  it('is ready when it is linked, unfounded and has said hello lately; in the order of names', () => {
    const candidates = withMet('n4', 'n2', 'n3');
    for (const name of ['n4', 'n2', 'n3']) candidates.of(name)!.helloMs = 1_000;
    expect(names(candidates.ready(6_000))).toEqual(['n2', 'n3', 'n4']);
    expect(candidates.ready(6_001)).toEqual([]);
    candidates.setLinked('n2', false);
    candidates.meet(founded('n3'));
    expect(names(candidates.ready(6_000))).toEqual(['n4']);
    candidates.of('n4')!.helloMs = undefined;
    expect(candidates.ready(0)).toEqual([]);
  });

  it('is present when it is linked or has said hello lately, and waited for until it is ready', () => {
    const candidates = withMet('n2');
    expect(candidates.present(0)).toEqual(['n2']);
    expect(candidates.awaitsOthers(0)).toBe(true);
    candidates.of('n2')!.helloMs = 0;
    expect(candidates.awaitsOthers(0)).toBe(false);
    candidates.setLinked('n2', false);
    expect(candidates.present(5_000)).toEqual(['n2']);
    expect(candidates.present(5_001)).toEqual([]);
    candidates.setLinked('n2', true);
    candidates.meet(founded('n2'));
    expect(candidates.present(0)).toEqual([]);
  });
});

import { Peer } from '../../src/replication/peer.ts';
import type { PeeredRing, Rings } from '../../src/replication/rings.ts';
import { Ring } from '../../src/ring/ring.ts';

/** Rings of members of weight 1, and the members as peers of one of them. */
export class TestRings {
  readonly #self: string;
  readonly #peers = new Map<string, Peer>();

  constructor(self: string) {
    this.#self = self;
  }

  peer(name: string): Peer {
    let peer = this.#peers.get(name);
    if (peer === undefined) {
      peer = new Peer(name, name === this.#self);
      this.#peers.set(name, peer);
    }
    return peer;
  }

  ring(names: readonly string[]): PeeredRing {
    const ring = new Ring(names.map(name => ({ name, zone: '', weight: 1 })));
    return { ring, peers: ring.members.map(({ name }) => this.peer(name)) };
  }

  settled(names: readonly string[], epoch = 1): Rings {
    const isAlone = names.length === 1;
    return { epoch, phase: 'settled', isAlone, lost: new Set(), owners: this.ring(names), other: undefined };
  }

  changing(phase: 'merge' | 'pass', from: readonly string[], to: readonly string[], epoch: number): Rings {
    const [old, next] = [this.ring(from), this.ring(to)];
    const [owners, other] = phase === 'merge' ? [old, next] : [next, old];
    return { epoch, phase, isAlone: false, lost: new Set(), owners, other };
  }
}

export function namesTo(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `n${i + 1}`);
}

import type { Ring } from '../ring/ring.ts';
import type { Peer } from './peer.ts';

/** A ring, and its members in the ring's order as peers. */
export interface PeeredRing {
  readonly ring: Ring;
  readonly peers: readonly Peer[];
}

/** The rings of one epoch (`membership/topology.ts`). */
export interface Rings {
  readonly epoch: number;
  readonly phase: 'settled' | 'merge' | 'pass';
  /** Whether the cluster has one member, who has never to fear another's older version of anything. */
  readonly isAlone: boolean;
  /** Members that are gone for good, and what they held with them. */
  readonly lost: ReadonlySet<Peer>;
  /** Whose preference lists reads go by: of two, the old ring until the new owners have merged, then the new one. */
  readonly owners: PeeredRing;
  /** While the ring changes the one that reads do not go by; writes go to both. */
  readonly other: PeeredRing | undefined;
}

/** How many owners slots have, and how many on the other side: min(N, members), and 0 without another side. */
export function ownerCounts({ owners, other }: Rings, replicas: number | 'all'): readonly [number, number] {
  const countOf = ({ peers }: PeeredRing) => (replicas === 'all' ? peers.length : Math.min(replicas, peers.length));
  return [countOf(owners), other === undefined ? 0 : countOf(other)];
}

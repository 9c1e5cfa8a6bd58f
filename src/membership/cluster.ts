import type { HashKey } from '../lib/half-sip-hash.ts';
import type { BusAddress, NodeName, PeerIdentity } from '../ports/outbox.ts';

/** A place in the member list of a cluster: what the ring is computed from, and where to look for the node first. */
export interface ClusterMember {
  readonly name: NodeName;
  readonly zone: string;
  readonly weight: number;
  readonly bus: BusAddress;
  readonly client: BusAddress;
}

/** What founding a cluster decides, once and for all its members alike. */
export interface ClusterIdentity {
  /** 128 random bits, 32 lower-case hexadecimal digits. */
  readonly id: string;
  /** Keys the digests, so that a stranger cannot aim keys at one of their places. */
  readonly hashKey: HashKey;
  /** Number of the member list; 1 at the founding. */
  readonly epoch: number;
  /** Sorted by name. */
  readonly members: readonly ClusterMember[];
}

/** Members that a cluster may have; also what any list in a message of this folder is bounded by. */
export const MAX_MEMBERS = 1_024;

/** The member list's entry for a node that says this of itself. */
export function clusterMember(identity: PeerIdentity): ClusterMember {
  const { name, zone, weight, bus, client } = identity;
  return { name, zone, weight, bus, client };
}

/** The order of names that every node agrees on: by UTF-16 code units, no locale. */
export function compareNames(a: NodeName, b: NodeName): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
